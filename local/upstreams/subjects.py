"""What the tracker reads from a subject line."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BRACKETS = re.compile(r"^\s*\[([^\]]*)\]\s*(.*)$", re.DOTALL)
_COUNTER = re.compile(r"^(\d+)/(\d+)$")
_VERSION = re.compile(r"^v(\d+)$", re.IGNORECASE)
_VERSION_IN_TEXT = re.compile(r"\(v(\d+)\)", re.IGNORECASE)
_GLUED = re.compile(r"^patch(v\d+)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PatchSubject:
    """`number` and `total` are None when the subject counts nothing."""

    title: str
    prefixes: tuple[str, ...]
    version: int
    number: int | None
    total: int | None

    @property
    def name(self) -> str:
        return f"[{','.join(self.prefixes)}] {self.title}" if self.prefixes else self.title


def parse_subject(subject: str, project: str) -> PatchSubject:
    title, words = _strip_brackets(subject)
    dropped = {"patch", project.lower()}
    prefixes = tuple(word for word in words if word.lower() not in dropped)
    number, total = _counter(prefixes)
    return PatchSubject(title, prefixes, _version(prefixes, title), number, total)


def _strip_brackets(subject: str) -> tuple[str, list[str]]:
    words: list[str] = []
    while match := _BRACKETS.match(subject):
        words += [_GLUED.sub(r"\1", word) for word in re.split(r"[\s,]+", match[1]) if word]
        subject = match[2]
    return subject.strip(), words


def _counter(prefixes: tuple[str, ...]) -> tuple[int | None, int | None]:
    match = next(filter(None, map(_COUNTER.match, prefixes)), None)
    return (int(match[1]), int(match[2])) if match else (None, None)


def _version(prefixes: tuple[str, ...], title: str) -> int:
    match = next(filter(None, map(_VERSION.match, prefixes)), None) or _VERSION_IN_TEXT.search(title)
    return int(match[1]) if match else 1
