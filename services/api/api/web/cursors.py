"""Cursors: where the next page starts, sealed so that only cursors issued here, for the same query, are accepted."""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from watchkeeper.errors import InvalidCursor

Query = Mapping[str, object]
"""The name and filters of a list, without limit and cursor."""

Position = str | tuple[str | int, ...]
"""Where a list continues: a sort key, or several parts of a key."""

_PURPOSE = b"watchkeeper cursor 1\0"
_SEAL_BYTES = 32
_MAX_CHARACTERS = 8192


class Cursors:
    def __init__(self, secret: Callable[[], bytes]) -> None:
        self._secret = secret

    def seal(self, position: Position, query: Query) -> str:
        payload = orjson.dumps(position)
        return base64.urlsafe_b64encode(self._seal(payload, query) + payload).rstrip(b"=").decode()

    def open(self, cursor: str, query: Query) -> Any:
        """The position, a tuple as a list. Raises ``InvalidCursor`` unless ``seal`` made the cursor for this query."""
        sealed = _decoded(cursor)
        seal, payload = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(payload, query)):
            raise InvalidCursor("the cursor was changed, or belongs to another query")
        return orjson.loads(payload)

    def _seal(self, payload: bytes, query: Query) -> bytes:
        bound = orjson.dumps(query, option=orjson.OPT_SORT_KEYS)
        return hmac.digest(self._secret(), _PURPOSE + bound + b"\0" + payload, "sha256")


def _decoded(cursor: str) -> bytes:
    """Accepts the canonical encoding only: base64 decoders ignore stray characters and the unused last bits."""
    if len(cursor) > _MAX_CHARACTERS:
        raise InvalidCursor("too long")
    try:
        octets = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidCursor("not a cursor") from error
    if base64.urlsafe_b64encode(octets).rstrip(b"=").decode() != cursor:
        raise InvalidCursor("not a cursor")
    return octets
