"""The pages people see in their browsers. They load nothing from elsewhere, run no scripts, and enforce that by policy.

Jinja is imported for the first page: most requests after a cold start are of one kind, and data does not need it.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from api.ferments.sharing.views import PublicBatch
from watchkeeper.clock import to_iso

if TYPE_CHECKING:
    from jinja2 import Environment

CONTENT_TYPE = "text/html; charset=utf-8"

_PACKAGE = "api.ferments.sharing"
_STAGES: Mapping[int, str] = {1: "Open ferment", 2: "In bottles"}
_STATUSES: Mapping[str, str] = {
    "active": "Fermenting",
    "in_fridge": "In the fridge",
    "done": "Done",
    "archived": "Archived",
}
_LONGEST_DESCRIPTION = 200
"""In characters; previews are cut there."""


def batch_page(batch: PublicBatch) -> str:
    return _render("batch.html", batch=batch, description=_description(batch))


def missing_page() -> str:
    """The same for everything that does not exist or is not shared."""
    return _render("missing.html")


@cache
def policy() -> str:
    """The `Content-Security-Policy` of both pages."""
    style = b64encode(sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{style}'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def _render(name: str, **values: object) -> str:
    return _environment().get_template(name).render(values)


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "day": _day,
        "iso": to_iso,
        "duration": _duration,
        "hours": _hours,
        "figure": _figure,
    }
    environment.filters |= filters
    environment.globals |= {"style": Markup(_style()), "stages": _STAGES, "statuses": _STATUSES}  # noqa: S704 -- ours
    return environment


@cache
def _style() -> str:
    return files(_PACKAGE).joinpath("templates", "style.css").read_text(encoding="utf-8")


def _description(batch: PublicBatch) -> str:
    hours = batch["going_hours"]
    said = [
        f"Water kefir: {_STAGES[batch['stage']].lower()}, {_STATUSES[batch['status']].lower()}",
        *([f", going for {_duration(hours)}"] if hours is not None else []),
        f". {' '.join(batch['public_note'].split())}" if batch["public_note"].strip() else ".",
    ]
    text = "".join(said)
    return text if len(text) <= _LONGEST_DESCRIPTION else f"{text[: _LONGEST_DESCRIPTION - 1].rstrip()}…"


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def _duration(hours: float) -> str:
    """In days from two days on, rounded down."""
    return f"{_figure(hours // 24)} days" if hours >= 48 else _hours(hours)


def _hours(number: float) -> str:
    return f"{_figure(number)} hour{'' if number == 1 else 's'}"


def _figure(number: float) -> str:
    """``1000``, ``0.5``: as people write numbers."""
    return f"{number:.3f}".rstrip("0").rstrip(".")
