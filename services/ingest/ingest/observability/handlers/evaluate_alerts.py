"""``evaluate-alerts``: what is recorded of metrics is held against the rules there are, each metric's in order.

It gets the event store's stream. The answer names the first record that is to come again; an event that never can be
evaluated is set aside.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ingest.changes import answer
from ingest.observability.container import evaluation
from ingest.observability.stream import appended
from ingest.observability.use_cases.evaluate_alerts import AlertEvaluation
from watchkeeper.entry import LambdaContext, entry_point

MARGIN_SECONDS = 60
"""No event is begun with less: a few rules' alerts are loaded and written in that, and an event set aside."""


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    parts = evaluation()
    evaluate = AlertEvaluation(
        parts.rules, parts.alerts, lambda one, error: parts.setting_aside.put(one, error, context)
    )
    has_time = partial(_has_time, context)
    outcome = evaluate.evaluate(appended(event["Records"]), has_time)
    return answer(event, context, outcome.failed)


def _has_time(context: LambdaContext) -> bool:
    return context.get_remaining_time_in_millis() / 1000 > MARGIN_SECONDS
