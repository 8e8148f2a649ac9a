"""Parses received mails the way list software does: leniently, and only as far as needed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime

_FOLD = re.compile(r"\r?\n(?=[ \t])")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_BRACKETED_ID = re.compile(r"<([^<>\s]+)>")
_SEND_EMAIL_PROMPTS = frozenset({"y", "n"})
_REPLY = re.compile(r"^\s*(?:re|fwd?|aw)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mail:
    """One received mail. `references` runs from the nearest ancestor to the farthest; ids have no brackets."""

    raw: bytes
    message_id: str
    subject: str
    sender_name: str | None
    sender_address: str
    references: tuple[str, ...]
    date: datetime | None
    received: datetime | None

    @classmethod
    def parse(cls, raw: bytes) -> Mail:
        headers = parse_headers(raw)
        first = first_values(headers)
        name, address = parseaddr(unfold(first.get("from", "")))
        return cls(
            raw=raw,
            message_id=next(iter(bracketed_ids(first.get("message-id", ""))), ""),
            subject=" ".join(decode_words(unfold(first.get("subject", ""))).split()),
            sender_name=decode_words(name) or None,
            sender_address=address,
            references=_references(headers),
            date=parse_date(first.get("date", "")),
            received=parse_date(first.get("received", "").rpartition(";")[2]),
        )

    @property
    def is_reply(self) -> bool:
        return bool(_REPLY.match(self.subject))

    def headers(self) -> list[tuple[str, str]]:
        return parse_headers(self.raw)

    def header(self, name: str) -> str:
        return unfold(first_values(self.headers()).get(name.lower(), ""))

    def texts(self) -> list[tuple[str, str]]:
        """All text parts in order, as (subtype, decoded text)."""
        message = message_from_bytes(self.raw)
        parts = (part for part in message.walk() if part.get_content_maintype() == "text")
        return [(part.get_content_subtype(), _decoded(part)) for part in parts]

    def plain_text(self) -> str:
        return "\n".join(text for subtype, text in self.texts() if subtype == "plain")


def split_mail(raw: bytes) -> tuple[bytes, bytes]:
    end = _HEAD_END.search(raw)
    return (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")


def parse_headers(raw: bytes) -> list[tuple[str, str]]:
    """Names and values in order of appearance; folds are kept, bytes that are not UTF-8 are replaced."""
    head = split_mail(raw)[0].decode("utf-8", "replace").replace("\r\n", "\n")
    lines = re.split(r"\n(?![ \t])", head)
    pairs = (line.partition(":") for line in lines)
    return [(name, value.removeprefix(" ")) for name, colon, value in pairs if colon and " " not in name]


def first_values(headers: list[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in reversed(headers)}


def unfold(value: str) -> str:
    return _FOLD.sub("", value).strip()


def bracketed_ids(value: str) -> list[str]:
    return [found for found in _BRACKETED_ID.findall(value) if found not in _SEND_EMAIL_PROMPTS]


def _references(headers: list[tuple[str, str]]) -> tuple[str, ...]:
    parents = [i for name, value in headers if name.lower() == "in-reply-to" for i in bracketed_ids(value)]
    chain = [i for name, value in headers if name.lower() == "references" for i in bracketed_ids(value)]
    return tuple(dict.fromkeys([*parents, *reversed(chain)]))


def decode_words(value: str) -> str:
    """RFC 2047 words decoded; what cannot be decoded stays readable instead of failing."""
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value)
    except HeaderParseError:
        return value
    return "".join(piece if isinstance(piece, str) else decode(piece, charset) for piece, charset in pieces)


def decode(data: bytes, charset: str | None) -> str:
    try:
        return data.decode(charset or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return data.decode("utf-8", "replace")


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    return decode(data, part.get_content_charset()).replace("\r\n", "\n")


def parse_date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(unfold(value))
    except (ValueError, TypeError, IndexError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
