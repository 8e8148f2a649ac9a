"""Every metric there is, and the one way to measure it: CloudWatch's embedded metric format, written to the log.

What is measured is collected, and written after each piece of work and when the function ends. All metrics are in one
namespace and have the dimensions ``stage`` and ``service`` before their own.
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
    "invocations and pieces of work that failed, whether they come again or not",
)
DURATION = Metric("Duration", MetricUnit.Milliseconds, _FUNCTION, "time of an invocation, without Lambda's start")
WORK_HANDED_OUT = Metric("WorkHandedOut", MetricUnit.Count, _FUNCTION, "messages a schedule's run put into a queue")
WEEKS_COUNTED = Metric("WeeksCounted", MetricUnit.Count, _FUNCTION, "weeks whose figures were counted anew")
THREADS_ASKED_FOR = Metric("ThreadsAskedFor", MetricUnit.Count, _FUNCTION, "threads the weekly refresh asked for")
LEASE_TAKEN = Metric("LeaseTaken", MetricUnit.Count, _FUNCTION, "work put back, as another worker reads the upstream")
EVENTS_PUBLISHED = Metric("EventsPublished", MetricUnit.Count, _FUNCTION, "domain events put on the bus")
PUBLICATION_LAG = Metric(
    "PublicationLag",
    MetricUnit.Seconds,
    _FUNCTION,
    "time from when the oldest event of a batch happened until all that could be was put on the bus",
)
VALUES_REFUSED = Metric(
    "ValuesRefused",
    MetricUnit.Count,
    _FUNCTION,
    "values of metrics that came too late, and were left out",
)
READINGS_FAILED = Metric(
    "ReadingsFailed",
    MetricUnit.Count,
    ("function", "outcome"),
    "readings that ended early: by the outcome of their upstream's requests, `unknown_source` or `implausible`; by AWS "
    "`throttled` or `no_answer`",
)

UPSTREAM_REQUESTS = Metric(
    "UpstreamRequests",
    MetricUnit.Count,
    ("upstream", "outcome"),
    "requests: `ok`, `not_found`, `unavailable`, `throttled` or `day_over`: too many, `key` or `plan`: refused to us, "
    "`refused` for what it asked, `too_long`, `blocked`, `garbled`; or not sent: `resting`, as the breaker was open, "
    "or `budget`, as the calls were spent",
)
UPSTREAM_LATENCY = Metric(
    "UpstreamLatency", MetricUnit.Milliseconds, ("upstream",), "time until a request that was sent was answered"
)
BREAKER_OPEN = Metric(
    "BreakerOpen", MetricUnit.Count, ("upstream",), "1 when the circuit breaker opened or held a request back, else 0"
)

ROWS_FETCHED = Metric("RowsFetched", MetricUnit.Count, _SOURCE, "rows the source gave")
ROWS_STORED = Metric("RowsStored", MetricUnit.Count, _SOURCE, "rows that were new or had changed")
ROWS_UNCHANGED = Metric("RowsUnchanged", MetricUnit.Count, _SOURCE, "rows that cost no write")
ROWS_REFUSED = Metric("RowsRefused", MetricUnit.Count, _SOURCE, "rows that could not be taken, and were set aside")
FRESHNESS_AGE = Metric(
    "FreshnessAge", MetricUnit.Seconds, _SOURCE, "time since the last run began that read all there was"
)

UPSTREAM_REFUSED = Metric(
    "UpstreamRefused",
    MetricUnit.Count,
    ("upstream",),
    "answers that refuse our key, or a function our plan lacks, which only an operator can mend",
)
ANSWERS_IMPLAUSIBLE = Metric(
    "AnswersImplausible", MetricUnit.Count, _SOURCE, "answers that were complete and not believable; nothing was stored"
)
ALPHAVANTAGE_CALLS_USED = Metric(
    "AlphaVantageCallsUsed", MetricUnit.Count, (), "calls that were taken from the day's budget"
)
ALPHAVANTAGE_BUDGET_LEFT = Metric(
    "AlphaVantageBudgetLeft", MetricUnit.Count, (), "calls that were left of the day after that"
)
ALPHAVANTAGE_THROTTLED = Metric(
    "AlphaVantageThrottled",
    MetricUnit.Count,
    (),
    "calls answered with `too many`, and times work was left for later as the budget was spent",
)
POLLENATIONS = Metric(
    "Pollenations", MetricUnit.Count, ("outcome",), "assets whose fundamentals were asked for: `data` or `no_data`"
)
POLLENATIONS_NEEDED = Metric(
    "PollenationsNeeded", MetricUnit.Count, ("reason",), "assets that were told to be asked for"
)
POLLENATIONS_LEFT_OUT = Metric(
    "PollenationsLeftOut",
    MetricUnit.Count,
    ("reason",),
    "assets that should be asked for too, and the budget has no room",
)
ASSETS_BY_AGE = Metric(
    "AssetsByAge", MetricUnit.Count, ("age",), "active assets by the time since their fundamentals were asked for"
)

QUEUE_AGE = Metric(
    "QueueAge", MetricUnit.Seconds, ("queue",), "time from sending a message to taking it, wanted delays included"
)

REMINDERS_SETTLED = Metric(
    "RemindersSettled",
    MetricUnit.Count,
    ("outcome",),
    "reminders by what a run made of them: `sent`, `delivered`, `failed`, or `scheduled`: to be sent again later",
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
    "messages or requests refused for credentials of ours, which only an operator can mend",
)
DEVICES_SWITCHED_OFF = Metric(
    "DevicesSwitchedOff", MetricUnit.Count, ("upstream",), "devices nothing is pushed to any more, as they are gone"
)

LATENCY = Metric("Latency", MetricUnit.Milliseconds, ("route",), "time to answer a request")
CLIENT_ERRORS = Metric("ClientErrors", MetricUnit.Count, ("route",), "answers with a status of 400 to 499")
SERVER_ERRORS = Metric("ServerErrors", MetricUnit.Count, ("route",), "answers with a status of 500 and above")

CATALOGUE = tuple(metric for metric in list(globals().values()) if isinstance(metric, Metric))

_collected: dict[tuple[tuple[str, str], ...], list[tuple[Metric, float]]] = defaultdict(list)


def measure(metric: Metric, value: float, **dimensions: str) -> None:
    """Note a value; it is written by the next ``write``. ``dimensions`` are the metric's own, by name."""
    if tuple(dimensions) != metric.dimension:
        raise TypeError(f"{metric.name} has the dimensions {metric.dimension}, not {tuple(dimensions)}")
    _collected[tuple(dimensions.items())].append((metric, value))


def write() -> None:
    """Write what was measured, one line for each set of dimensions, and forget it."""
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
