"""Who sent a mail, and who wrote it if a list or a relay replaced the From header."""

import re
from collections.abc import Iterator
from email.utils import getaddresses
from itertools import islice

from ingest.kernel.mail import flags
from ingest.kernel.mail.headers import Headers, decoded
from watchkeeper.kernel.models import Person

MAX_NAME = 200
MAX_ADDRESS = 320
MAX_PEOPLE = 200
_MAX_FIELD = 2_000

_PLAIN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^"<>(),;:@\\]*))\s*<\s*([^<>@\s]+@[^<>@\s]+?)\s*>\s*$')
_BARE = re.compile(r"\s*<?([^<>@\s(),;:\"]+@[^<>@\s(),;:\"]+)>?\s*(?:\(([^()]*)\))?\s*$")
_AT_SPELT_OUT = re.compile(r"\s*([^\s<>@()]+) at ([^\s<>@()]+\.[^\s<>@()]+)\s*(?:\(([^()]*)\))?\s*$")
_ANGLED = re.compile(r"(.{0,500}?)<([^<>@\s]{1,200}@[^<>@\s]{1,200})>")
_ESCAPE = re.compile(r"\\(.)")
_VIA = re.compile(r"['\"]?(.+?)['\"]?\s+via\b[^<]*$", re.IGNORECASE)
_RELAY = re.compile(r"devnull\+([^@]+)@kernel\.org$")
_IN_BODY_FROM = re.compile(r"\s*(?:>?From:[ \t]*)([^\n]{3,500})\n")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"']{1,64}@[\w.-]{1,255}")


def parse_person(field: str) -> Person:
    """One mailbox of a header; the address is empty if there is no readable one."""
    field = field[:_MAX_FIELD]
    if plain := _PLAIN.match(field):
        quoted, bare, address = plain.groups()
        name = _ESCAPE.sub(r"\1", quoted) if quoted else bare
        return _person(name or "", address)
    if bare_address := _BARE.match(field):
        return _person(bare_address[2] or "", bare_address[1])
    if spelt_out := _AT_SPELT_OUT.match(field):
        return _person(spelt_out[3] or "", f"{spelt_out[1]}@{spelt_out[2]}")
    return _parse_leniently(field)


def _parse_leniently(field: str) -> Person:
    if angled := _ANGLED.search(field):
        return _person(angled[1].strip(' "'), angled[2])
    # Nested comments make the standard library recurse, so headers with many of them are not passed to it.
    if field.count("(") <= 10:
        for name, address in getaddresses([field]):
            if "@" in address:
                return _person(name, address)
    return _person(field if "@" not in field else "", "")


def parse_people(fields: list[str]) -> Iterator[Person]:
    parts = (part for field in fields for part in _split_at_commas(field))
    return map(parse_person, islice(parts, MAX_PEOPLE))


def _split_at_commas(field: str) -> list[str]:
    if '"' not in field:
        return field.split(",")
    return re.findall(r'(?:"(?:[^"\\]|\\.)*+"|[^,"])++', field)


def _person(name: str, address: str) -> Person:
    return Person(decoded(name).strip("\"' ")[:MAX_NAME], decoded(address).lower()[:MAX_ADDRESS])


def sender_of(headers: Headers) -> tuple[Person, set[str]]:
    field = headers.first("from")
    if field is None or not field.strip():
        return Person("", ""), {flags.FROM_MISSING}
    person = parse_person(field)
    return person, set() if person.address else {flags.FROM_UNPARSABLE}


def author_of(sender: Person, headers: Headers, text: str) -> Person:
    """The sender, or the real author X of "X via list" or B4 Relay.

    The real address is taken from X-Original-From, from a Reply-To or Cc of the same name, from the From line
    that opens the body, or from the address that the relay's own is derived from.
    """
    via = _VIA.match(sender.name)
    relay = _RELAY.match(sender.address)
    if not via and not relay:
        return sender
    name = via[1].strip("'\" ") if via else sender.name
    address = _original_address(name, sender, headers, text, relay[1] if relay else None)
    return Person(name, address) if address else sender


def _original_address(name: str, sender: Person, headers: Headers, text: str, relayed: str | None) -> str | None:
    if original := headers.first("x-original-from"):
        address = parse_person(original).address
        if address and address != sender.address:
            return address
    reply_to = [person for person in parse_people(headers.all("reply-to")) if person.address]
    candidates = [*reply_to, *parse_people(headers.all("cc")), *_in_body(text)]
    for person in candidates:
        if person.name.casefold() == name.casefold() and person.address not in ("", sender.address):
            return person.address
    return _relayed_address(relayed, reply_to, text) if relayed else None


def _in_body(text: str) -> Iterator[Person]:
    if line := _IN_BODY_FROM.match(text):
        yield parse_person(line[1])


def _relayed_address(relayed: str, reply_to: list[Person], text: str) -> str | None:
    """``user.example.org`` was user@example.org: the relay replaces the at sign with a dot."""
    written: list[str] = [person.address for person in reply_to]
    written += [found.lower() for found in _ADDRESS.findall(text[:20_000])]
    for address in written:
        if address.replace("@", ".") == relayed:
            return address
    return reply_to[0].address if len(reply_to) == 1 else None
