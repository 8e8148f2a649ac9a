"""All metrics, and the only way to record them: CloudWatch's embedded metric format, written to the log.

Values are collected, and written after each piece of work and when the function ends. All metrics are in one namespace
and have the dimensions ``stage`` and ``service`` before their own.
"""

import os
from collections import defaultdict
from dataclasses import dataclass

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "Watchkeeper"


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    unit: MetricUnit
    dimension: tuple[str, ...]
    """Names of the dimensions after ``stage`` and ``service``."""
    meaning: str


_FUNCTION = ("function",)
_SOURCE = ("source",)

INVOCATIONS = Metric("Invocations", MetricUnit.Count, _FUNCTION, "times the function ran")
FAILURES = Metric(
    "Failures",
    MetricUnit.Count,
    _FUNCTION,
    "invocations and pieces of work that failed, whether they are retried or not",
)
DURATION = Metric("Duration", MetricUnit.Milliseconds, _FUNCTION, "duration of an invocation, without the cold start")
WORK_HANDED_OUT = Metric("WorkHandedOut", MetricUnit.Count, _FUNCTION, "messages that a scheduled run sent to a queue")
WEEKS_COUNTED = Metric("WeeksCounted", MetricUnit.Count, _FUNCTION, "weeks whose figures were recounted")
THREADS_ASKED_FOR = Metric("ThreadsAskedFor", MetricUnit.Count, _FUNCTION, "threads the weekly refresh asked for")
LEASE_TAKEN = Metric("LeaseTaken", MetricUnit.Count, _FUNCTION, "work put back: another worker reads the upstream")
EVENTS_PUBLISHED = Metric("EventsPublished", MetricUnit.Count, _FUNCTION, "domain events put on the bus")
PUBLICATION_LAG = Metric(
    "PublicationLag",
    MetricUnit.Seconds,
    _FUNCTION,
    "time from the oldest event of a batch until all that could be published were on the bus",
)
VALUES_REFUSED = Metric(
    "ValuesRefused",
    MetricUnit.Count,
    _FUNCTION,
    "metric values that arrived too late, and were dropped",
)
READINGS_FAILED = Metric(
    "ReadingsFailed",
    MetricUnit.Count,
    ("function", "outcome"),
    "readings that ended early: with the outcome of the upstream's request, `unknown_source` or `implausible`; because "
    "of AWS, `throttled` or `no_answer`",
)

UPSTREAM_REQUESTS = Metric(
    "UpstreamRequests",
    MetricUnit.Count,
    ("upstream", "outcome"),
    "requests: `ok`, `not_found`, `unavailable`, `throttled` or `day_over` (rate limits), `key` or `plan` (no access "
    "for us), `refused` (for what it asked), `too_long`, `blocked`, `garbled`; or not sent: `resting` (the circuit "
    "breaker was open) or `budget` (no calls were left)",
)
UPSTREAM_LATENCY = Metric(
    "UpstreamLatency", MetricUnit.Milliseconds, ("upstream",), "response time of requests that were sent"
)
BREAKER_OPEN = Metric(
    "BreakerOpen", MetricUnit.Count, ("upstream",), "1 when the circuit breaker opened or blocked a request, else 0"
)

ROWS_FETCHED = Metric("RowsFetched", MetricUnit.Count, _SOURCE, "rows the source returned")
ROWS_STORED = Metric("RowsStored", MetricUnit.Count, _SOURCE, "rows that were new or had changed")
ROWS_UNCHANGED = Metric("RowsUnchanged", MetricUnit.Count, _SOURCE, "rows that needed no write")
ROWS_REFUSED = Metric("RowsRefused", MetricUnit.Count, _SOURCE, "rows that could not be processed, and were set aside")
FRESHNESS_AGE = Metric(
    "FreshnessAge", MetricUnit.Seconds, _SOURCE, "time since the start of the last run that read everything"
)

UPSTREAM_REFUSED = Metric(
    "UpstreamRefused",
    MetricUnit.Count,
    ("upstream",),
    "responses that reject our key, or a function not in our plan, which only an operator can fix",
)
ANSWERS_IMPLAUSIBLE = Metric(
    "AnswersImplausible", MetricUnit.Count, _SOURCE, "responses that were complete but implausible; nothing was stored"
)
ALPHAVANTAGE_CALLS_USED = Metric("AlphaVantageCallsUsed", MetricUnit.Count, (), "calls taken from the day's budget")
ALPHAVANTAGE_BUDGET_LEFT = Metric(
    "AlphaVantageBudgetLeft", MetricUnit.Count, (), "calls left in the day's budget after that"
)
ALPHAVANTAGE_THROTTLED = Metric(
    "AlphaVantageThrottled",
    MetricUnit.Count,
    (),
    "calls answered with `too many`, and times work was postponed because the budget was used up",
)
POLLENATIONS = Metric(
    "Pollenations", MetricUnit.Count, ("outcome",), "assets whose fundamentals were requested: `data` or `no_data`"
)
POLLENATIONS_NEEDED = Metric(
    "PollenationsNeeded", MetricUnit.Count, ("reason",), "assets whose fundamentals are to be requested"
)
POLLENATIONS_LEFT_OUT = Metric(
    "PollenationsLeftOut",
    MetricUnit.Count,
    ("reason",),
    "assets that were due as well, but had no room in the budget",
)
ASSETS_BY_AGE = Metric(
    "AssetsByAge", MetricUnit.Count, ("age",), "active assets by the time since their fundamentals were requested"
)

QUEUE_AGE = Metric(
    "QueueAge", MetricUnit.Seconds, ("queue",), "time from sending a message to receiving it, including intended delays"
)

REMINDERS_SETTLED = Metric(
    "RemindersSettled",
    MetricUnit.Count,
    ("outcome",),
    "reminders by the result of a run: `sent`, `delivered`, `failed`, or `scheduled` (to be retried later)",
)
REMINDER_WAIT = Metric(
    "ReminderWait",
    MetricUnit.Seconds,
    ("upstream",),
    "the longest time from when a reminder was due until a run was done with it, sent or not; 0 when none was due, "
    "nothing when the run failed",
)
PUSH_CREDENTIAL_ERRORS = Metric(
    "PushCredentialErrors",
    MetricUnit.Count,
    ("upstream",),
    "messages or requests rejected because of our credentials, which only an operator can fix",
)
DEVICES_SWITCHED_OFF = Metric(
    "DevicesSwitchedOff", MetricUnit.Count, ("upstream",), "devices that are not pushed to any more, as they are gone"
)

LATENCY = Metric("Latency", MetricUnit.Milliseconds, ("route",), "time to answer a request")
CLIENT_ERRORS = Metric("ClientErrors", MetricUnit.Count, ("route",), "responses with a status of 400 to 499")
SERVER_ERRORS = Metric("ServerErrors", MetricUnit.Count, ("route",), "responses with a status of 500 and above")

CATALOGUE = tuple(metric for metric in list(globals().values()) if isinstance(metric, Metric))

_collected: dict[tuple[tuple[str, str], ...], list[tuple[Metric, float]]] = defaultdict(list)


def measure(metric: Metric, value: float, **dimensions: str) -> None:
    """Record a value, to be written by the next ``write``. ``dimensions`` are the metric's own, by name."""
    if tuple(dimensions) != metric.dimension:
        raise TypeError(f"{metric.name} has the dimensions {metric.dimension}, not {tuple(dimensions)}")
    _collected[tuple(dimensions.items())].append((metric, value))


def write() -> None:
    """Write the recorded values, one line for each set of dimensions, and clear them."""
    collected = list(_collected.items())
    _collected.clear()
    for dimensions, values in collected:
        line = EphemeralMetrics(namespace=NAMESPACE)
        line.add_dimension("stage", os.environ.get("STAGE", "local"))
        for name, text in dimensions:
            line.add_dimension(name, text)
        for metric, value in values:
            line.add_metric(metric.name, metric.unit, value)
        if line.metric_set:  # it writes by itself when it is full
            line.flush_metrics()
