"""``trigger-regular-pollenation``: every day but Sunday, requests pollenation of the assets that are the best use of
the day's budget; with the action ``count``, only counts them."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from scheduler.markets.container import regular_trigger
from scheduler.markets.orders import only_counts
from scheduler.markets.triggering import Trigger
from watchkeeper.entry import LambdaContext, entry_point


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 -- Lambda's signature
    choice = _trigger().count() if only_counts(event) else _trigger().run(event)
    return {"needed": len(choice.needs), "left_out": choice.left_out}


@cache
def _trigger() -> Trigger:
    return regular_trigger()
