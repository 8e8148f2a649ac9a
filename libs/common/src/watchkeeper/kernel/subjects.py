"""Subject lines, parsed as b4 and Patchwork do, so that one mail has one number and version everywhere.

The same rules read a mail's subject (``[RFC PATCH v2 1/3] hwmon: ...``) and Patchwork's name for it
(``[RFC,v2,1/3] hwmon: ...``). Where Patchwork finds a version or a counter, these find the same; they also read forms
that it ignores (``PATCHv3``, brackets inside brackets).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from watchkeeper.kernel.models import SubjectParts

MAX_SUBJECT = 998
"""Characters that are read; RFC 5322's limit for a line."""
MAX_PREFIXES = 32

_BLANKS = re.compile(r"\s+")
_REPLY = re.compile(r"(?:(?:re|aw|fwd?)\s?(?:\[\d{1,3}\])?[:：]|\w{2,3}[:：]\s?(?=\[)|re\s)\s?", re.IGNORECASE)
_PATCHWORK_REPLY = re.compile(r"\s*re[:\s]", re.IGNORECASE)
_WORD_BREAK = re.compile(r"[\s,;]+")
_M_OF_N = re.compile(r"\b(\d{1,4}) of (\d{1,4})\b")
_COUNTER = re.compile(r"(?<!\d)(\d{1,4})/(\d{1,4})$")
_VERSION = re.compile(r"v(\d{1,6})$", re.IGNORECASE)
_VERSION_IN_NAME = re.compile(r"\(v(\d{1,6})\)", re.IGNORECASE)
_GLUED = re.compile(
    r"(?:(?P<word>rfc|resend|patch)[-_]?(?P<version>v\d{1,6})|(?P<first>v\d{1,6})(?P<last>rfc|resend|patch))$", re.I
)
_SAYS_NOTHING = frozenset({"patch", "patches", "patchset"})


def is_reply_to_patchwork(subject: str) -> bool:
    """Whether Patchwork treats a mail with this decoded subject as a comment, whatever it contains."""
    return _PATCHWORK_REPLY.match(subject) is not None


def parse_subject(subject: str, drop: frozenset[str] = frozenset()) -> SubjectParts:
    """Read a decoded subject or a Patchwork name.

    ``drop`` names prefixes to ignore, in any case, as Patchwork drops its project's link name. A counter above its
    total (``6/5``) raises the total; a version with a point (``v5.1``) is a prefix like any other, as it is to
    Patchwork and b4.
    """
    rest, is_reply = _without_reply_marks(_BLANKS.sub(" ", subject[:MAX_SUBJECT]).strip())
    words = _Words({word.lower() for word in drop})
    while (bracket := _leading_bracket(rest)) is not None:
        inside, rest = bracket
        words.read(inside)
    return words.parts(rest, is_reply)


def _without_reply_marks(subject: str) -> tuple[str, bool]:
    rest = subject
    while mark := _REPLY.match(rest):
        rest = rest[mark.end() :]
    return rest, rest is not subject


def _leading_bracket(text: str) -> tuple[str, str] | None:
    """The inside of the bracket that ``text`` starts with, inner brackets dissolved, and what follows it."""
    if not text.startswith("["):
        return None
    end = _closing_bracket(text)
    if end < 0:
        return None
    inside = text[1:end].replace("[", " ").replace("]", " ")
    return inside, text[end + 1 :].lstrip(" ]")


def _closing_bracket(text: str) -> int:
    depth = 0
    for at, char in enumerate(text):
        if char == "[":
            depth += 1
        elif char == "]":
            depth -= 1
            if depth == 0:
                return at
    return text.find("]")


@dataclass(slots=True)
class _Words:
    """What the words of all leading brackets say together; the first counter and the first version win."""

    drop: set[str]
    prefixes: list[str] = field(default_factory=list)
    says_patch: bool = False
    version: int | None = None
    counter: tuple[int, int] | None = None

    def read(self, inside: str) -> None:
        for word in _WORD_BREAK.split(_M_OF_N.sub(r"\1/\2", inside)):
            for piece in _unglued(word):
                self._read_word(piece)

    def _read_word(self, word: str) -> None:
        lowered = word.lower()
        if counter := _COUNTER.match(word):
            self._take_counter(int(counter[1]), int(counter[2]))
        elif version := _VERSION.match(word):
            self._take_version(int(version[1]))
        else:
            self.says_patch = self.says_patch or lowered.startswith(("patch", "rfc"))
            if lowered not in _SAYS_NOTHING and lowered not in self.drop:
                self._keep(word)

    def _take_counter(self, number: int, total: int) -> None:
        if self.counter is None:
            self.counter = (number, total)

    def _take_version(self, version: int) -> None:
        if self.version is None:
            self.version = version

    def _keep(self, word: str) -> None:
        if len(self.prefixes) < MAX_PREFIXES:
            self.prefixes.append(word)

    def parts(self, name: str, is_reply: bool) -> SubjectParts:
        number, total = self.counter or (1, 1)
        version = self.version
        if version is None and (in_name := _VERSION_IN_NAME.search(name)):
            version = int(in_name[1])
        return SubjectParts(
            name=name,
            is_reply=is_reply,
            prefixes=tuple(self.prefixes),
            is_patch=self.says_patch or self.counter is not None,
            version=1 if version is None else version,
            version_given=version is not None,
            number=number,
            total=max(number, total, 1),
            numbers_given=self.counter is not None,
        )


def _unglued(word: str) -> Iterator[str]:
    """``PATCHv3``, ``PATCH1/8`` and ``v2PATCH12/15`` as the words they were meant to be."""
    word = word.strip(":")
    counter = _COUNTER.search(word)
    if counter:
        yield counter[0]
        word = word[: counter.start()]
    if glued := _GLUED.match(word):
        yield from (piece for piece in glued.group("word", "version", "first", "last") if piece)
    elif word:
        yield word
