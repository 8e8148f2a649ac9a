"""``evaluate-alerts``: checks recorded values against the alert rules, in order for each metric, checks each alert
that is pending or raised against its own rule, and ends the alerts of rules that are retired.

It reads the event store's stream. Rules come from the read model, so a rule takes effect some seconds after it was
defined. The response names the first record to retry; an event that can never be evaluated is dead-lettered.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ingest.changes import answer
from ingest.observability.containers.evaluate_alerts import evaluation
from ingest.observability.stream import streamed_events
from ingest.observability.use_cases.evaluate_alerts import AlertEvaluation
from watchkeeper.entry import LambdaContext, entry_point

MARGIN_SECONDS = 60
"""No event is started with less: enough to load and write the alerts of a few rules, and to dead-letter an event."""


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    parts = evaluation()
    evaluate = AlertEvaluation(
        parts.listed, parts.rules, parts.alerts, lambda one, error: parts.dead_lettering.put(one, error, context)
    )
    has_time = partial(_has_time, context)
    outcome = evaluate.evaluate(streamed_events(event["Records"]), has_time)
    return answer(event, context, outcome.failed)


def _has_time(context: LambdaContext) -> bool:
    return context.get_remaining_time_in_millis() / 1000 > MARGIN_SECONDS
