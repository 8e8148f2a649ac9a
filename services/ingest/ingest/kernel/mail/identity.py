"""Message-IDs and references by the rules of public-inbox's MID.pm, so that they are the ids lore knows."""

import hashlib
import re
from collections.abc import Iterable, Iterator

from ingest.kernel.mail import flags
from ingest.kernel.mail.headers import Headers

MAX_ID = 244
"""Characters; public-inbox truncates longer ones."""
MAX_REFERENCES = 250
"""The newest are kept; real threads stay below 100."""
MAX_OTHER_IDS = 32
GENERATED_DOMAIN = "generated.watchkeeper.invalid"

_FOLD = re.compile(r"\n[ \t]*")
_DROPPED = str.maketrans("", "", "\n\t\r\0")
_NOT_IN_ADDRESSES = re.compile(r'[\s<>,;()"]+')
_PROMPT_ANSWERS = ("y", "n")
"""What people typed when old versions of git send-email prompted for an In-Reply-To."""


def message_ids(headers: Headers, raw: bytes) -> tuple[str, tuple[str, ...], set[str]]:
    """The mail's id, its further ids, and flags for what is odd about them."""
    given = _unique(_ids_or_all(headers.all("message-id")))
    further = [*given[1:], *_unique(_ids_or_all(headers.all("x-alt-message-id")))]
    odd = {flags.SEVERAL_MESSAGE_IDS} if len(given) > 1 else set()
    if given:
        own = given[0]
    else:
        own = f"{hashlib.sha256(raw).hexdigest()}@{GENERATED_DOMAIN}"
        odd.add(flags.MESSAGE_ID_MISSING)
    others = [other for other in _unique(further) if other != own]
    return own, tuple(others[:MAX_OTHER_IDS]), odd


def references(headers: Headers, own_ids: Iterable[str]) -> tuple[tuple[str, ...], str | None]:
    """All mails this one replies to, oldest first, and the one In-Reply-To names.

    In-Reply-To is trusted over the last of References, so an id in both keeps its last place.
    """
    in_reply_to = [id_ for value in headers.all("in-reply-to") for id_ in _ids_in(value)]
    ids = [id_ for value in headers.all("references") for id_ in _ids_in(value)] + in_reply_to
    if not ids:
        return (), None
    ids = _unique(reversed(ids))[:MAX_REFERENCES]
    no_references = {*_PROMPT_ANSWERS, *own_ids, *_addresses_among(ids, headers)}
    kept = [id_ for id_ in reversed(ids) if id_ not in no_references]
    parent = next((id_ for id_ in map(_clean, in_reply_to) if id_ in kept), None)
    return tuple(kept), parent


def _addresses_among(ids: list[str], headers: Headers) -> set[str]:
    """The ids that are really an address in To, From or Cc."""
    written = " ".join(value for name in ("to", "from", "cc") for value in headers.all(name))
    suspects = {id_ for id_ in ids if id_ in written}
    return suspects & set(_NOT_IN_ADDRESSES.split(written)) if suspects else suspects


def _ids_in(value: str) -> Iterator[str]:
    """What ``<([^>]+)>`` finds in the unfolded value, in linear time."""
    *closed, _ = _FOLD.sub(" ", value).split(">")
    for chunk in closed:
        _, bracket, id_ = chunk.partition("<")
        if bracket and id_:
            yield id_


def _ids_or_all(values: list[str]) -> Iterator[str]:
    """An id without brackets is still accepted."""
    for value in values:
        ids = list(_ids_in(value))
        yield from ids or [value.strip()]


def _unique(ids: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(id_ for id_ in map(_clean, ids) if id_.strip()))


def _clean(id_: str) -> str:
    return id_.translate(_DROPPED)[:MAX_ID]
