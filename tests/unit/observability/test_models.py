"""Models come back from their JSON with every member they have."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from inspect import getmembers
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import orjson
import pytest

from watchkeeper.observability import models
from watchkeeper.observability.models import Period, Rollup, Value, as_json

MODELS = [kind for _, kind in getmembers(models, is_dataclass) if kind.__module__ == models.__name__]
PLAIN: Mapping[Any, Any] = {
    datetime: datetime(2026, 11, 20, 21, 4, 31, tzinfo=UTC),
    Decimal: Decimal("-12.5"),
    int: 7,
    str: "a text",
}


def filled(kind: Any) -> Any:
    """One of a type with every member set, to what no default is."""
    if kind in PLAIN:
        return PLAIN[kind]
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{field.name: filled(hints[field.name]) for field in fields(kind)})  # type: ignore[operator]
    match get_origin(kind), get_args(kind):
        case (origin, [of, *_]) if origin is tuple:
            return (filled(of),)
        case (origin, _) if origin is Mapping:
            return {"a key": "a value"}
        case (None, _):
            assert issubclass(kind, StrEnum)
            return list(kind)[-1]
        case (_, options):
            [of] = [option for option in options if option is not NoneType]
            return filled(of)


@pytest.mark.parametrize("model", MODELS)
def test_a_model_comes_back_from_json_whole(model: Any) -> None:
    whole = filled(model)
    told = orjson.loads(orjson.dumps(as_json(whole)))

    assert told.keys() == {field.name for field in fields(model)}
    assert model.of(told) == whole


def test_a_roll_up_of_one_value_says_it_once() -> None:
    one = Rollup.first(Period.HOUR, Value(PLAIN[datetime], Decimal(3)))

    assert one.encoded() == {"period": "hour", "start": "2026-11-20T21:00:00Z", "count": 1, "sum": "3"}
    assert Rollup.of(one.encoded()) == one
