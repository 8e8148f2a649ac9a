"""Atom feeds as public-inbox writes them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from local.upstreams.archive import Message

_PATH_SAFE = "-._~!$&'()*+,;=:@"
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def escape_id(message_id: str) -> str:
    return quote(message_id, safe=_PATH_SAFE)


def feed(title: str, base_url: str, self_url: str, messages: list[Message]) -> Iterator[bytes]:
    updated = max(message.received for message in messages)
    yield _ascii(
        '<?xml version="1.0" encoding="us-ascii"?>\n'
        '<feed\nxmlns="http://www.w3.org/2005/Atom"\n'
        f'xmlns:thr="http://purl.org/syndication/thread/1.0"><title>{_text(title)}</title>'
        f'<link\nrel="alternate"\ntype="text/html"\nhref={quoteattr(base_url)}/>'
        f'<link\nrel="self"\nhref={quoteattr(self_url)}/>'
        f"<id>{_urn(self_url)}</id><updated>{_stamp(updated)}</updated>"
    )
    yield from (_ascii(piece) for message in messages for piece in _entry(base_url, message))
    yield b"</feed>"


def _entry(base_url: str, message: Message) -> Iterable[str]:
    mail = message.mail
    name = mail.sender_name or mail.sender_address.partition("@")[0]
    yield f"<entry><author><name>{_text(name)}</name><email>{_text(mail.sender_address)}</email></author>"
    yield f"<title>{_text(mail.subject)}</title><updated>{_stamp(message.received)}</updated>"
    yield f"<link\nhref={quoteattr(base_url + escape_id(mail.message_id) + '/')}/>"
    yield f"<id>{_urn(mail.message_id)}</id>"
    if mail.references:
        parent = mail.references[0]
        href = quoteattr(base_url + escape_id(parent) + "/")
        yield f'<thr:in-reply-to\nref="{_urn(parent)}"\nhref={href}/>'
    yield '<content\ntype="xhtml"><div\nxmlns="http://www.w3.org/1999/xhtml"><pre\n'
    yield f'style="white-space:pre-wrap">{_text(mail.plain_text())}</pre></div></content></entry>'


def _urn(text: str) -> str:
    digest = hashlib.sha1(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
    return "urn:uuid:" + "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(text: str) -> str:
    return escape(_NOT_XML.sub("", text))


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "xmlcharrefreplace")
