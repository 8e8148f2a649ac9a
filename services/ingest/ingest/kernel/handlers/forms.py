"""What a message has to look like to be work: whoever sent something else is told what was wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from ingest.kernel.reading import MODES
from watchkeeper.errors import WatchkeeperError

Work = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a piece of work, by their type; lists hold texts."""

    needed: Mapping[str, type] = field(default_factory=dict)
    optional: Mapping[str, type] = field(default_factory=dict)


Forms = Mapping[str | None, Form]
"""A form for each ``task``; ``None`` stands for work without one."""

_EVERY = {"mode": str, "attempt": int}
_WORDS = {str: "text", list: "list of texts", int: "number", bool: "flag"}


class WorkRefused(WatchkeeperError):
    """A message is no work of this function, and never will be."""


def work_of(body: str, forms: Forms) -> Work:
    """Raises ``WorkRefused`` saying what is wrong."""
    try:
        work = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise WorkRefused(f"work is JSON, and this is not: {error}") from error
    return checked(work, forms)


def checked(work: object, forms: Forms) -> Work:
    """The same for what is no text any more."""
    if not isinstance(work, dict):
        raise WorkRefused(f"work is a JSON object, and this is {_told(work)}")
    for name, kind in _fields(work, _form(work, forms)).items():
        if not _is(work.get(name), kind):
            raise WorkRefused(f"{name} is {_told(work.get(name))}, which is no {_WORDS[kind]}")
    if work.get("mode", MODES[0]) not in MODES:
        raise WorkRefused(f"mode is {_told(work['mode'])}; it can be {', '.join(MODES)}")
    return work


def watched(name: str, names: tuple[str, ...]) -> str:
    """The name of a source; raises ``WorkRefused`` for one that nobody wants read."""
    if name not in names:
        raise WorkRefused(f"{_told(name)} is not watched; {', '.join(names) or 'nothing'} is")
    return name


def _form(work: Work, forms: Forms) -> Form:
    task = work.get("task")
    form = forms.get(task) if task is None or isinstance(task, str) else None
    if form is None:
        known = ", ".join(task for task in forms if task)
        raise WorkRefused(f"task is {_told(task)}; it can be {known or 'left out'}")
    return form


def _fields(work: Work, form: Form) -> dict[str, type]:
    given = {name: kind for name, kind in {**_EVERY, **form.optional}.items() if work.get(name) is not None}
    return {**form.needed, **given}


def _is(value: object, kind: type) -> bool:
    if isinstance(value, list):
        return kind is list and all(isinstance(one, str) for one in value)
    return isinstance(value, kind)


def _told(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
