"""Writes mails as people, bots and odd mail programs send them."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from typing import Literal

Encoding = Literal["7bit", "8bit", "quoted-printable", "base64"]


@dataclass(frozen=True, slots=True)
class Sender:
    name: str
    address: str

    def __str__(self) -> str:
        """As a header shows it, encoded where it must be."""
        if not self.name:
            return self.address
        if not self.name.isascii():
            return f"{Header(self.name, 'utf-8').encode()} <{self.address}>"
        quoted = f'"{self.name}"' if set(self.name) & set(',."()') else self.name
        return f"{quoted} <{self.address}>"

    @property
    def signature(self) -> str:
        return f"{self.name} <{self.address}>"


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail before it is sent. `references` runs oldest first and ends with the parent."""

    sender: Sender
    subject: str
    body: str
    message_id: str
    date: datetime | str
    to: Sequence[str] = ()
    cc: Sequence[str] = ()
    references: Sequence[str] = ()
    charset: str = "utf-8"
    encoding: Encoding | None = None
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    crlf: bool = False

    def as_bytes(self) -> bytes:
        head = "".join(f"{name}: {value}\n" for name, value in self._head().items() if value)
        payload = _encode(self.body.encode(self.charset, "xmlcharrefreplace"), self._encoding())
        if self.crlf:
            return head.replace("\n", "\r\n").encode() + b"\r\n" + payload.replace(b"\n", b"\r\n")
        return head.encode() + b"\n" + payload

    def _head(self) -> dict[str, str]:
        encoding = self._encoding()
        return {
            "From": str(self.sender),
            "To": ", ".join(self.to),
            "Cc": ",\n ".join(self.cc),
            "Subject": self._subject(),
            "Date": self.date if isinstance(self.date, str) else format_datetime(self.date),
            "Message-ID": f"<{self.message_id}>",
            "In-Reply-To": f"<{self.references[-1]}>" if self.references else "",
            "References": "\n ".join(f"<{reference}>" for reference in self.references),
            "MIME-Version": "1.0",
            "Content-Type": self.content_type or f'text/plain; charset="{self.charset}"',
            "Content-Transfer-Encoding": encoding,
            **self.headers,
        }

    def _subject(self) -> str:
        return self.subject if self.subject.isascii() else Header(self.subject, "utf-8", 70).encode()

    def _encoding(self) -> Encoding:
        return self.encoding or ("7bit" if self.body.isascii() else "8bit")

    def with_(self, **changes: object) -> Letter:
        return replace(self, **changes)  # type: ignore[arg-type]


def _encode(data: bytes, encoding: Encoding) -> bytes:
    if encoding == "base64":
        return base64.encodebytes(data)
    return quopri.encodestring(data) if encoding == "quoted-printable" else data


def multipart(kind: str, parts: Sequence[tuple[str, str]], boundary: str) -> tuple[str, str]:
    """(Content-Type, body) of a multipart mail; each part is its own header lines and its text."""
    pieces = "".join(f"--{boundary}\n{head}\n\n{text}\n" for head, text in parts)
    return f'multipart/{kind}; boundary="{boundary}"', f"{pieces}--{boundary}--\n"


def quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())
