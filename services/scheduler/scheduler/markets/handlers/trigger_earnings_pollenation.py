"""``trigger-earnings-pollenation``: every day but Sunday, requests pollenation of companies that have reported; with
the action ``count``, only counts them."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from scheduler.markets.container import earnings_trigger
from scheduler.markets.orders import only_counts
from scheduler.markets.triggering import Trigger
from watchkeeper.entry import LambdaContext, entry_point


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 -- Lambda's signature
    choice = _trigger().count() if only_counts(event) else _trigger().run(event)
    return {"needed": len(choice.needs), "left_out": choice.left_out}


@cache
def _trigger() -> Trigger:
    return earnings_trigger()
