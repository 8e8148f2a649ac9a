"""The documents that are generated from the code: written by ``make docs``, kept up to date by the tests.

A document is either generated as a whole or has sections between ``<!-- generated: name -->`` and
``<!-- /generated -->``; the text around them is written by people.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from local.documents import commands, contracts, costs, deployment, diagram, metrics, packaged, runbook, tables
from local.workspace import REPOSITORY

SERVICES = ("ingest", "api", "scheduler")

_SECTION = re.compile(r"(?P<begin><!-- generated: (?P<name>[a-z-]+) -->\n).*?(?P<end><!-- /generated -->)", re.DOTALL)

SECTIONS: Mapping[str, Callable[[Path], str]] = {
    "make-targets": lambda _: commands.targets(),
    "routes": lambda _: contracts.routes(),
    "events": lambda _: contracts.events(),
    "metrics": lambda _: metrics.catalogue(),
    "watched-metrics": lambda _: metrics.watched(),
    "costs-of-a-thousand": lambda _: costs.thousand(),
    "costs-of-the-markets": lambda _: costs.markets(),
    "costs-of-observability": lambda _: costs.observability(),
    "costs-of-projections": lambda _: costs.projections(),
    "provisioned-floor": lambda _: costs.provisioned(),
    "functions": lambda document: deployment.functions(document.parent.name),
    "environment": lambda document: deployment.environment(document.parent.name),
}
"""What generates each section, given the document it is in."""

PACKAGED: Mapping[str, Callable[[packaged.Templates], str]] = {
    "diagram": diagram.section,
    "costs-of-the-stages": costs.stages,
}
"""What generates each section about the packaged templates."""


def documents(templates: packaged.Templates | None = None) -> dict[Path, str]:
    """Every document that is generated, or has generated sections, in its current form.

    Without templates, the sections generated from them are left unchanged.
    """
    whole = {
        Path("docs/access-patterns.md"): tables.access_patterns(),
        Path("docs/openapi.json"): contracts.openapi(),
        Path("docs/runbook.md"): runbook.runbook(),
        **{Path("docs/events") / name: text for name, text in contracts.event_schemas().items()},
    }
    written = [Path("README.md"), *_written_documents(set(whole))]
    return whole | {path: with_sections(path, (REPOSITORY / path).read_text(), templates) for path in written}


def with_sections(path: Path, text: str, templates: packaged.Templates | None = None) -> str:
    """The document with its generated sections updated."""

    def made(found: re.Match[str]) -> str:
        if found["name"] not in PACKAGED:
            return found["begin"] + SECTIONS[found["name"]](path).strip() + "\n" + found["end"]
        if templates is None:
            return found[0]
        return found["begin"] + PACKAGED[found["name"]](templates).strip() + "\n" + found["end"]

    return _SECTION.sub(made, text)


def write() -> list[Path]:
    """Update the documents; returns those that were out of date."""
    current = documents(packaged.templates())
    changed = [path for path, text in current.items() if _current(path) != text]
    for path, text in current.items():
        (REPOSITORY / path).parent.mkdir(parents=True, exist_ok=True)
        (REPOSITORY / path).write_text(text)
    return changed


def _written_documents(generated: set[Path]) -> list[Path]:
    found = [*REPOSITORY.glob("docs/*.md"), *(REPOSITORY / "services" / service / "README.md" for service in SERVICES)]
    return sorted({path.relative_to(REPOSITORY) for path in found} - generated)


def _current(path: Path) -> str | None:
    place = REPOSITORY / path
    return place.read_text() if place.exists() else None
