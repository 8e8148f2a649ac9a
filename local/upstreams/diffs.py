"""Telling diff from prose in a mail, and hashing a diff so that moved patches stay equal."""

from __future__ import annotations

import hashlib
import re

_DIFF_START = re.compile(r"^(?:diff --git |Index: |--- \S+.*\n\+\+\+ )", re.MULTILINE)
_HUNK = re.compile(r"^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_FILE_LINE = re.compile(r"^(---|\+\+\+) (?:[ab]/)?(\S+)")
_PULL_REQUEST = re.compile(
    r"^The following changes since commit.*?are available in the git repository at:\s+(\S+)"
    r"(?:[ \t]+(\S+))?",
    re.DOTALL | re.MULTILINE,
)
_SIGNATURE = re.compile(r"^(?:-- |_{4,})$", re.MULTILINE)
_EXTENDED = (
    *("diff ", "index ", "Index: ", "new file", "deleted file", "old mode", "new mode"),
    *("similarity ", "rename ", "copy ", "Binary files "),
)


def split_diff(text: str) -> tuple[str | None, str]:
    """(diff, prose). What follows the last hunk is prose again."""
    start = _DIFF_START.search(text)
    if not start:
        return None, text
    lines = text[start.start() :].splitlines()
    end = _diff_length(lines)
    return "\n".join(lines[:end]) + "\n", text[: start.start()] + "\n".join(lines[end:])


def _diff_length(lines: list[str]) -> int:
    left = right = 0
    for index, line in enumerate(lines):
        if hunk := _HUNK.match(line):
            left, right = int(hunk[1] or 1), int(hunk[2] or 1)
        elif left > 0 or right > 0:
            left -= line[:1] in ("-", " ", "")
            right -= line[:1] in ("+", " ", "")
        elif not line.startswith((*_EXTENDED, "--- ", "+++ ", "\\ ")):
            return index
    return len(lines)


def hash_diff(diff: str) -> str:
    """SHA-1 over changed and context lines; hunk positions and the top directory do not count."""
    digest = hashlib.sha1(usedforsecurity=False)
    for line in diff.splitlines():
        if normal := _normal_line(line):
            digest.update(normal.encode() + b"\n")
    return digest.hexdigest()


def _normal_line(line: str) -> str | None:
    if match := _FILE_LINE.match(line):
        return f"{match[1]} {match[2]}"
    if match := _HUNK.match(line):
        return f"@@ -{match[1] or 1} +{match[2] or 1} @@"
    return line if line[:1] in ("+", "-", " ") else None


def pull_url(text: str) -> str | None:
    match = _PULL_REQUEST.search(text)
    return " ".join(filter(None, match.groups())) if match else None


def clean_content(text: str) -> str:
    """Prose without its signature and without the list's footer."""
    return _SIGNATURE.split(text.replace("\r\n", "\n"), maxsplit=1)[0].strip()
