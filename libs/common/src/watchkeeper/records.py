"""Converts models to the JSON strings stored in items, and these to the values that the models' modules read.

A record omits empty fields, and those the item stores as attributes. The same model always gives the same string, so
that comparing strings shows whether anything changed.
"""

from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

from watchkeeper.clock import from_iso

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_FIELDS: dict[type, tuple[str, ...]] = {}
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS


def encode(model: "DataclassInstance", *, without: frozenset[str] = frozenset()) -> str:
    """The record of a dataclass, without its empty fields and those named."""
    kept = {name: value for name in _names(type(model)) if not _is_empty(value := getattr(model, name))}
    return dumps({name: value for name, value in kept.items() if name not in without})


def dumps(value: object) -> str:
    """JSON with times in UTC to the second, and decimals as strings, which lose no precision."""
    return orjson.dumps(value, default=_decimal, option=_OPTIONS).decode()


def loads(text: str | bytes) -> Any:
    return orjson.loads(text)


def decimal(text: object) -> Decimal | None:
    """A decimal that ``dumps`` wrote; ``None`` for a field that was left out."""
    return None if text is None else Decimal(str(text))


def moment(text: object) -> datetime | None:
    """A time that ``dumps`` wrote; ``None`` for a field that was left out."""
    return None if text is None else from_iso(str(text))


def _decimal(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__} is none of JSON's types")


def _is_empty(value: object) -> bool:
    return value is None or value is False or value in ((), "")


def _names(model: "type[DataclassInstance]") -> tuple[str, ...]:
    if model not in _FIELDS:
        _FIELDS[model] = tuple(field.name for field in fields(model))
    return _FIELDS[model]
