"""The part of public-inbox's search language that mail pollers use."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from local.upstreams.archive import Message

Matches = Callable[[Message], bool]

_TOKEN = re.compile(r'\(|\)|-?(?:[a-z]+:)?"[^"]*"|[^\s()]+')
_EPOCH = re.compile(r"\d{5,}")
_FORMATS = {8: "%Y%m%d", 10: "%Y-%m-%d", 14: "%Y%m%d%H%M%S"}
_RANGES = frozenset({"rt", "d", "dt"})
_HEADERS = {
    "s": ("subject",),
    "f": ("from",),
    "t": ("to",),
    "c": ("cc",),
    "tc": ("to", "cc"),
    "a": ("from", "to", "cc"),
    "l": ("list-id",),
    "lid": ("list-id",),
}
_BODIES = frozenset({"b", "nq", "q", "bs", "dfn", "dfa", "dfb", "dfhh", "dfctx"})


class BadQuery(ValueError):
    """Answered with 400."""


def compile_query(query: str, now: datetime) -> Matches:
    """Terms are AND-ed unless OR stands between them; NOT and - negate; brackets group."""
    return _Parser(_TOKEN.findall(query), now).parse()


@dataclass(slots=True)
class _Parser:
    tokens: list[str]
    now: datetime

    def parse(self) -> Matches:
        matches = self._alternatives()
        if self.tokens:
            raise BadQuery(f"unexpected {self.tokens[0]!r}")
        return matches

    def _alternatives(self) -> Matches:
        options = [self._conjunction()]
        while self.tokens and self.tokens[0] == "OR":
            self.tokens.pop(0)
            options.append(self._conjunction())
        return options[0] if len(options) == 1 else lambda message: any(option(message) for option in options)

    def _conjunction(self) -> Matches:
        terms: list[Matches] = []
        while self.tokens and self.tokens[0] not in ("OR", ")"):
            if self.tokens[0] == "AND":
                self.tokens.pop(0)
                continue
            terms.append(self._term())
        if not terms:
            raise BadQuery("a term is missing")
        return lambda message: all(term(message) for term in terms)

    def _term(self) -> Matches:
        token = self.tokens.pop(0)
        if token == "NOT":  # noqa: S105
            return _negated(self._term())
        if token == "(":  # noqa: S105
            inner = self._alternatives()
            if not self.tokens or self.tokens.pop(0) != ")":
                raise BadQuery("a bracket is open")
            return inner
        if token.startswith("-") and len(token) > 1:
            return _negated(self._word(token[1:]))
        return self._word(token)

    def _word(self, token: str) -> Matches:
        prefix, colon, value = token.partition(":")
        if not colon or not prefix.isalpha():
            prefix, value = "bs", token
        value = value.strip('"')
        if prefix in _RANGES:
            return self._range(prefix, value)
        return _text_term(prefix, value)

    def _range(self, prefix: str, value: str) -> Matches:
        """Both ends count. A single value of `rt` or `d` means the day that starts there."""
        first, dots, last = value.partition("..")
        low = self._moment(prefix, first) if first else None
        high = self._moment(prefix, last) if last else None
        if not dots and low is not None:
            high = low + timedelta(days=1)
        if prefix == "d" and high is not None and dots:
            high += timedelta(days=1, seconds=-1)
        shown = _received if prefix == "rt" else _dated
        return lambda message: (low is None or low <= shown(message)) and (high is None or shown(message) <= high)

    def _moment(self, prefix: str, value: str) -> datetime:
        """Invalid dates are passed to git's approxidate, which takes them for now. So are short epochs."""
        if prefix == "rt":
            return datetime.fromtimestamp(int(value), UTC) if _EPOCH.fullmatch(value) else self.now
        try:
            return datetime.strptime(value, _FORMATS.get(len(value), "")).replace(tzinfo=UTC)
        except ValueError:
            return self.now


def _received(message: Message) -> datetime:
    return message.received.replace(microsecond=0)


def _dated(message: Message) -> datetime:
    return message.mail.date or message.received


def _negated(matches: Matches) -> Matches:
    return lambda message: not matches(message)


def _text_term(prefix: str, value: str) -> Matches:
    wanted = value.lower().rstrip("*")
    if prefix == "mid":
        return lambda message: message.mail.message_id == value
    if prefix == "m":
        return lambda message: wanted in message.mail.message_id.lower()
    if prefix == "s":
        return lambda message: wanted in message.mail.subject.lower()
    if prefix in _HEADERS:
        names = _HEADERS[prefix]
        return lambda message: any(wanted in message.mail.header(name).lower() for name in names)
    if prefix == "bs" or prefix not in _BODIES:
        return lambda message: wanted in f"{message.mail.subject}\n{message.mail.plain_text()}".lower()
    return lambda message: wanted in message.mail.plain_text().lower()
