"""JSON as upstreams send it, which is not always JSON."""

import json
from typing import Any

import orjson


def loaded(octets: bytes) -> Any:
    """The decoded bytes. Raises ``ValueError`` if they are not JSON.

    A single defect does not spoil the rest: a byte order mark is ignored, bytes that are not UTF-8 and halves of
    surrogate pairs become question marks, and ``NaN`` and ``Infinity``, which JSON does not have, become strings of
    their names, which the reader of the row refuses.
    """
    try:
        return orjson.loads(octets)
    except orjson.JSONDecodeError:
        text = octets.decode("utf-8-sig", errors="replace")
    try:
        found = json.loads(text, parse_constant=str)
        return orjson.loads(json.dumps(found, ensure_ascii=False).encode(errors="replace"))
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
