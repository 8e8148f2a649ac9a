"""JSON as upstreams send it, which is not always JSON."""

import json
from typing import Any

import orjson


def loaded(octets: bytes) -> Any:
    """What the octets say. Raises ``ValueError`` if it is no JSON.

    One bad place does not spoil all the rest: a byte order mark is looked over, octets that are no UTF-8 and halves of
    surrogate pairs become question marks, and ``NaN`` and ``Infinity``, which JSON does not have, the texts of their
    names, for whoever reads the row to refuse.
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
