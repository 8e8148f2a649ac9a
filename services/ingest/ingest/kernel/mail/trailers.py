"""Trailers, by b4's rules: which lines are trailers, whom they name, and whether the sender may give them."""

import re
from collections.abc import Iterator
from itertools import islice

from ingest.kernel.mail.own_words import without_signature
from watchkeeper.kernel.models import Person, Trailer

MAX_TRAILERS = 200
MAX_VALUE = 500

_REFERRING = {
    name.lower(): name for name in ("Fixes", "Link", "Closes", "BugLink", "Depends-on", "Obsoleted-by", "Based-on")
}
_HEADER_LIKE = """
    from to subject date sent reply-to message-id in-reply-to references phone mail email e-mail address contact
    organization organisation maintainer maintainers author prerequisite-message-id prerequisite-patch-id
    prerequisite-change-id base-commit change-id
"""
_NO_TRAILERS = frozenset(_HEADER_LIKE.split())

_LINE = re.compile(r"^[ \t]{0,16}([A-Za-z][A-Za-z0-9_-]{1,40}):[ \t]{1,20}(\S[^\n]*)$", re.MULTILINE)
_PERSON = re.compile(
    r"[^<>\n]{0,200}<[^<>\s]+@[^<>\s]+>[^<>]{0,100}$|[^<>\s()]+@[^<>\s()]+\.[^<>\s()]+[ \t]*(?:\([^()]*\))?$"
)
_ADDRESS = re.compile(r"<([^<>\s]+@[^<>\s]+)>|([^<>\s()]+@[^<>\s()]+\.[^<>\s()]+)")
_MAILTO = re.compile(r"<mailto:[^>]*>")
_COMMENT = re.compile(r"[ \t]+#[^#]*$")
_COMMIT = re.compile(r"(?:commit )?[0-9a-f]{6,40}\b", re.IGNORECASE)
_URL = re.compile(r"https?://", re.IGNORECASE)
_BROKEN_PERSON = re.compile(
    r"^([ \t]{0,16}[A-Za-z][\w-]{1,40}:[ \t]{1,20}[^<>\n]++)\n[ \t]{0,16}(<[^<>\s]+@[^<>\s]+>)[ \t]*$", re.MULTILINE
)
_BROKEN_FIXES = re.compile(
    r"^([ \t]{0,16}Fixes:[ \t]{1,20}[0-9a-f]{6,40}[ \t]{1,20}\([^)\n]*+)\n([^\n)]*+\)+)[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_MESSAGE_END = re.compile(r"^---[ \t]*$", re.MULTILINE)
_PLUS = re.compile(r"\+[^@]*@")
_CHANGE_ID = re.compile(r"^change-id:[ \t]+(?!I[0-9a-f]{40}$)(\S{3,200})[ \t]*$", re.MULTILINE)
_BASE_COMMIT = re.compile(r"^base-commit:[ \t]+([0-9a-f]{7,64})\b", re.MULTILINE)


def find_trailers(text: str, senders: tuple[Person, ...], *, is_patch: bool) -> tuple[Trailer, ...]:
    """The trailers above the signature and, of a patch, above the ``---`` that ends its message.

    A trailer that names a person needs an address, ``Fixes`` a commit, and only those that refer to something
    may hold a URL. Unknown names count only if their value is a person.
    """
    text = without_signature(text)
    if is_patch and (end := _MESSAGE_END.search(text)):
        text = text[: end.start()]
    return tuple(dict.fromkeys(islice(_read(_rejoined(text), senders), MAX_TRAILERS)))


def _rejoined(text: str) -> str:
    """Rejoins trailers that a mailer wrapped."""
    if "\n<" in text or "\n " in text:
        text = _BROKEN_PERSON.sub(r"\1 \2", text)
    return _BROKEN_FIXES.sub(r"\1 \2", text) if "ixes:" in text else text


def _read(text: str, senders: tuple[Person, ...]) -> Iterator[Trailer]:
    for line in _LINE.finditer(text):
        name, value = line.groups()
        lowered = name.lower()
        if lowered in _NO_TRAILERS:
            continue
        value = _MAILTO.sub("", _COMMENT.sub("", value[:MAX_VALUE])).strip()
        if lowered in _REFERRING:
            if _refers(lowered, value):
                yield Trailer(_REFERRING[lowered], value)
        elif _PERSON.match(value) and not _URL.search(value):
            yield _naming(name, value, senders)


def _refers(name: str, value: str) -> bool:
    if name == "fixes":
        return _COMMIT.match(value) is not None
    return bool(value)


def _naming(name: str, value: str, senders: tuple[Person, ...]) -> Trailer:
    found = _ADDRESS.search(value)
    address = (found[1] or found[2]).lower() if found else ""
    person = Person(value.partition("<")[0].strip(' "') if "<" in value else "", address)
    return Trailer(usual_spelling(name), value, address, any(same_person(person, sender) for sender in senders))


def usual_spelling(name: str) -> str:
    """``reviewed-By`` as ``Reviewed-by``."""
    return name.capitalize() if name.lower().endswith("-by") or name.lower() in ("cc", "ack", "nack") else name


def same_person(one: Person, other: Person) -> bool:
    """Same address except for ``+x`` and one level of subdomain, or same name, also as "Surname, Given"."""
    if one.address and other.address and _same_address(one.address, other.address):
        return True
    return bool(one.name) and _name_key(one.name) == _name_key(other.name)


def _same_address(one: str, other: str) -> bool:
    if one == other:
        return True
    local, _, domain = _PLUS.sub("@", one, count=1).partition("@")
    other_local, _, other_domain = _PLUS.sub("@", other, count=1).partition("@")
    if local != other_local:
        return False
    longer, shorter = (domain, other_domain) if len(domain) > len(other_domain) else (other_domain, domain)
    return domain == other_domain or (longer.endswith(f".{shorter}") and longer.count(".") == shorter.count(".") + 1)


def _name_key(name: str) -> str:
    surname, comma, given = name.strip(" \"'").partition(",")
    return " ".join((f"{given} {surname}" if comma else surname).casefold().split())


def change_id(text: str) -> str | None:
    """b4's change-id, which all versions of a series share; not Gerrit's Change-Id."""
    found = _CHANGE_ID.search(text) if "change-id:" in text else None
    return found[1] if found else None


def base_commit(text: str) -> str | None:
    found = _BASE_COMMIT.search(text) if "base-commit:" in text else None
    return found[1] if found else None
