"""Finds a mail's diff and its pull request, with the same results as Patchwork.

A mail is a patch for us exactly if it is one for Patchwork, so a diff is recognised by the same lines;
renames, mode changes and binary patches count, a lone ``diff`` line does not.
"""

import re
from collections.abc import Callable

_MAY_HOLD_DIFF = re.compile(r"^(?:diff |Index: |--- )", re.MULTILINE)
_HUNK = re.compile(r"@@ -[0-9]+(?:,([0-9]{1,9}))? \+[0-9]+(?:,([0-9]{1,9}))? @@")
_EXTENDED = (
    *(f"{change} mode " for change in ("old", "new", "deleted file", "new file")),
    *(f"{change} {end} " for change in ("copy", "rename") for end in ("from", "to")),
    *("similarity index ", "dissimilarity index ", "index "),
)
_NO_NEWLINE = "\\ No newline at end of file"

_OFFER = "are available in the git repository at:"
_OFFER_LINE = re.compile(rf"^{_OFFER}[ \t]*\n", re.MULTILINE | re.IGNORECASE)
_REQUEST_LINE = re.compile(r"^The following changes since commit", re.MULTILINE | re.IGNORECASE)
_PULL_FROM = re.compile(r"\s*([\w+-]+(?:://|@)[\w/.@:~-]+)(?:[ \t]+|[ \t]*\\?\n[ \t]*)?([\w/.-]*)[ \t]*(?:\n|$)")
_SIGNATURE = re.compile(r"^(?:-- |_+)\n", re.MULTILINE)

_Step = Callable[[str], "_Step"]


def split_diff(text: str) -> tuple[str | None, str]:
    """The diff in a text part, None without one, and the text around it."""
    first = _MAY_HOLD_DIFF.search(text)
    if not first:
        return None, text
    reader = _Reader(text[first.start() :].split("\n"))
    reader.read()
    if not reader.diff:
        return None, text
    around = text[: first.start()] + "\n".join(reader.text)
    return "\n".join(reader.diff) + "\n", around


class _Reader:
    """Sorts lines into diff and text; lines that may turn out to be a diff's header are held back.

    Each step handles one line and returns the step for the next.
    """

    def __init__(self, lines: list[str]) -> None:
        self.diff: list[str] = []
        self.text: list[str] = []
        self._lines = iter(lines)
        self._held: list[str] = []
        self._seen_hunk = False

    def read(self) -> None:
        step: _Step = self._in_text
        for line in self._lines:
            step = step(line)
        self.text += self._held

    def _in_text(self, line: str) -> "_Step":
        if line.startswith(("diff ", "Index: ")):
            return self._hold(line, self._in_header)
        if line.startswith("--- "):
            return self._hold(line, self._after_old_name)
        self.text.append(line)
        return self._in_text

    def _in_header(self, line: str) -> "_Step":
        if line.startswith("--- "):
            return self._hold(line, self._after_old_name)
        return self._hold(line, self._in_extended if line.startswith(_EXTENDED) else self._in_header)

    def _after_old_name(self, line: str) -> "_Step":
        if line.startswith("+++ "):
            return self._hold(line, self._before_hunk)
        return self._no_diff(line)

    def _before_hunk(self, line: str) -> "_Step":
        if hunk := _HUNK.match(line):
            self._accept(line)
            self._read_hunk(int(hunk[1] or 1), int(hunk[2] or 1))
            return self._before_hunk
        if line.startswith("--- "):
            return self._accept(line, self._after_old_name)
        if self._seen_hunk and line.startswith(_NO_NEWLINE):
            return self._accept(line, self._before_hunk)
        return self._no_diff(line)

    def _in_extended(self, line: str) -> "_Step":
        if line.startswith(_EXTENDED):
            return self._accept(line, self._in_extended)
        if line.startswith("--- "):
            return self._accept(line, self._after_old_name)
        if line.startswith("GIT binary patch"):
            return self._accept(line, self._in_binary)
        return self._hold(line, self._in_header)

    def _in_binary(self, line: str) -> "_Step":
        if line.startswith("diff"):
            return self._hold(line, self._in_header)
        return self._accept(line, self._in_binary)

    def _read_hunk(self, old: int, new: int) -> None:
        """As many lines as the hunk's header announces; a mail may break off before."""
        self._seen_hunk = True
        take = self.diff.append
        for line in self._lines:
            take(line)
            start = line[:1]
            if start == "-":
                old -= 1
            elif start == "+":
                new -= 1
            elif start != "\\" or not line.startswith(_NO_NEWLINE):
                old -= 1
                new -= 1
            if old <= 0 and new <= 0:
                return

    def _hold(self, line: str, then: "_Step") -> "_Step":
        self._held.append(line)
        return then

    def _accept(self, line: str, then: "_Step | None" = None) -> "_Step":
        self.diff += self._held
        self.diff.append(line)
        self._held.clear()
        return then or self._before_hunk

    def _no_diff(self, line: str) -> "_Step":
        """After a hunk, another file may follow any text; before the first hunk, held lines are text."""
        self._held.append(line)
        if self._seen_hunk:
            return self._in_header
        self.text += self._held
        self._held.clear()
        return self._in_text


def pull_url(text: str) -> str | None:
    """The repository that a request-pull above the signature names, with the tag."""
    if _OFFER not in text.lower():
        return None
    if signature := _SIGNATURE.search(text):
        text = text[: signature.start()]
    request = _REQUEST_LINE.search(text)
    offers = list(_OFFER_LINE.finditer(text, request.end())) if request else []
    for offer in reversed(offers):
        if found := _PULL_FROM.match(text, offer.end()):
            return f"{found[1]} {found[2]}".strip()
    return None
