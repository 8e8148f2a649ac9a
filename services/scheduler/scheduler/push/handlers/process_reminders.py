"""``process-reminders``: every five minutes, sends due reminders; with the action ``count``, only counts them."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from scheduler.push.container import reminder_processor
from scheduler.push.sending import ReminderProcessor
from watchkeeper.entry import LambdaContext, entry_point


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    if event.get("action") == "count":
        return {"due": _processor().count_due()}
    return _processor().run(lambda: context.get_remaining_time_in_millis() / 1000).as_dict()


@cache
def _processor() -> ReminderProcessor:
    return reminder_processor()
