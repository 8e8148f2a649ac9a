"""The part of a mail's text that its author wrote for people to read."""

import re
from itertools import islice

MAX_OWN_TEXT = 64 * 1024

_BEFORE_QUOTE = re.compile(r":[ \t]*\n(?=\s{0,20}(?:>|\[\.\.\.|\[snip|<snip))")
_SAID = re.compile(r"\b(?:(?:wrote|writes?|says?|said|écrit)[ \t\xa0]?|schrieb(?: [^\n]{1,80})?)$", re.IGNORECASE)
_MAX_SAID = 100
_ATTRIBUTION_START = re.compile(r"(?:on|am|le|at|in|el|>?[A-Z][a-z]{2},)\b|[0-9]{4}-[0-9]{2}", re.IGNORECASE)
_ATTRIBUTION_LINES = 4
_MAX_ATTRIBUTIONS = 500
_FORWARDED = re.compile(
    r"^(?:-{3,} ?(?:Original Message|Forwarded message|Ursprüngliche Nachricht) ?-{3,}"
    r"|From: [^\n]+\n(?:Sent|Date): [^\n]+\n(?:To|Cc|Subject): )",
    re.MULTILINE | re.IGNORECASE,
)
_SIGNATURE = re.compile(r"^(?:-- ?|_{5,})$", re.MULTILINE)
_QUOTE = r"[ \t]{0,8}>.*"
_TRAILER = (
    r"[ \t]{0,8}(?:[A-Za-z][A-Za-z-]{0,40}-[Bb]y|Cc|CC|Fixes|Link|Closes|BugLink|Depends-on|[Mm]essage-[Ii][Dd]|"
    r"[Cc]hange-[Ii]d|base-commit|prerequisite-[a-z-]+|X-[A-Z][\w-]*):[ \t].*"
)
_DIFFSTAT = (
    r" [^\n|]{1,200}\|[ \t]{1,20}(?:[0-9]+[ \t]{0,4}[-+]*|Bin\b.*)|[ \t]?[0-9]+ files? changed\b.*"
    r"|[ \t](?:create|delete|rename|copy|mode) (?:mode )?.*"
)
_PSEUDO_HEADER = re.compile(r"\A\s*+(?:(?:From|Subject|Date|To|Cc): .*\n){1,10}+(?=\n)")
_OMISSION = r"---|\[\.\.\.\]|\[snip\]|<snip>"
_NOISE = re.compile(
    rf"^(?:{_QUOTE}|{_TRAILER}|{_DIFFSTAT}|{_OMISSION})" r"[ \t]{0,200}(?:\n|$)",
    re.MULTILINE,
)
_BLANK_LINES = re.compile(r"\n[ \t]{0,200}\n(?:[ \t]{0,200}\n)+")

_QUOTED_DIFF = re.compile(
    r"^[ \t]?(?:>[ \t]?)+(?:diff --git |@@ -[0-9]|\+\+\+ [ab]/|--- [ab]/|\+[^\s0-9+]|[-+]\t|[-+]  +\S|\+$)",
    re.MULTILINE,
)


def own_words(text: str) -> str:
    """``text`` without quotes and their attribution lines, trailers, diffstat, signature and forwarded mails."""
    text = without_signature(text)
    if ("\nFrom:" in text or "---" in text) and (forwarded := _FORWARDED.search(text)):
        text = text[: forwarded.start()]
    text = _PSEUDO_HEADER.sub("", text, count=1)
    if ">" in text:
        text = _without_attributions(text)
    return _BLANK_LINES.sub("\n\n", _NOISE.sub("", text)).strip()[:MAX_OWN_TEXT]


def without_signature(text: str) -> str:
    """The text above the ``-- `` line, or above a list's footer."""
    if "--" not in text and "_____" not in text:
        return text
    signature = _SIGNATURE.search(text)
    return text[: signature.start()] if signature else text


def _without_attributions(text: str) -> str:
    """Removes ``On Monday X wrote:``, which mailers wrap in many ways."""
    kept: list[str] = []
    at = 0
    for end in islice(_BEFORE_QUOTE.finditer(text), _MAX_ATTRIBUTIONS):
        if _SAID.search(text, max(at, end.start() - _MAX_SAID), end.start()):
            kept.append(text[at : max(at, _attribution_start(text, end.start()))])
            at = end.end()
    return "".join([*kept, text[at:]])


def _attribution_start(text: str, end: int) -> int:
    """The index of the line that begins with a date; without one, that of the line with "wrote" itself."""
    line = last_line = text.rfind("\n", 0, end) + 1
    for _ in range(_ATTRIBUTION_LINES):
        if _ATTRIBUTION_START.match(text, line):
            return line
        if line == 0 or text.startswith("\n", line):
            break
        line = text.rfind("\n", 0, line - 1) + 1
    return last_line


def quotes_diff(text: str) -> bool:
    """Whether it quotes lines of a patch."""
    return _QUOTED_DIFF.search(text) is not None
