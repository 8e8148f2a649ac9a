"""``check-push-receipts``: every quarter of an hour, gets the receipts of the reminders that were sent; with the action
``count``, only counts them."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from scheduler.push.container import receipt_checker
from scheduler.push.receipts import ReceiptChecker
from watchkeeper.entry import LambdaContext, entry_point


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    if event.get("action") == "count":
        return {"waiting": _checker().count_waiting()}
    return _checker().run(lambda: context.get_remaining_time_in_millis() / 1000).as_dict()


@cache
def _checker() -> ReceiptChecker:
    return receipt_checker()
