"""Ids: ULIDs, which sort by time."""

import re
from datetime import datetime
from hashlib import sha256

from ulid import ULID

FORM = r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$"

_FORM = re.compile(FORM.removeprefix("^").removesuffix("$"))


def new_id(moment: datetime | None = None) -> str:
    """An id of that moment; by default of the current one, to the millisecond, so that ids created within a second keep
    their order."""
    return str(ULID.from_datetime(moment) if moment else ULID())


def is_id(text: str) -> bool:
    return _FORM.fullmatch(text) is not None


def id_within(owner: str, name: str) -> str:
    """The same id for the same name within the same owner: with the owner's time, and otherwise unique."""
    digest = sha256(f"{owner}#{name}".encode(errors="surrogatepass")).digest()
    return str(ULID.from_bytes(ULID.from_str(owner).bytes[:6] + digest[:10]))
