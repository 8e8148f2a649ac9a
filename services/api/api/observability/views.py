"""The shapes of the answers. Their docstrings are the API's documentation.

Figures are decimals as texts, exactly as they were sent; times are in UTC to the second.
"""

from datetime import datetime
from decimal import Decimal
from typing import NotRequired

from typing_extensions import TypedDict


class TakenOrNot(TypedDict):
    """What became of one metric."""

    index: int
    """Its place among those that were sent, from 0."""
    taken: bool
    reason: NotRequired[str]
    """Why it was not taken."""
    again: NotRequired[bool]
    """There, and true, if it was not taken for now only: sent again, it may be."""


class Recorded(TypedDict):
    taken: int
    refused: int
    """How many were not taken, for good or for now."""
    results: list[TakenOrNot]
    """One for each metric, in their order."""


class LatestMetric(TypedDict):
    """The newest value of a series."""

    series: str
    """`name`, or `name{key=value,…}` with the keys in order."""
    name: str
    dimensions: dict[str, str]
    unit: str
    value: Decimal
    at: datetime


class LatestMetricList(TypedDict):
    items: list[LatestMetric]
    """By series. There may be fewer than asked for, even none, and still more to come: the cursor says so."""
    cursor: str | None
    """Ask again with it for what follows; null at the end."""


class MetricBucket(TypedDict):
    start: datetime
    """Its first moment."""
    value: Decimal
    """The statistic of the values in it. An average has up to 15 digits."""
    count: int
    """How many values there are."""


class MetricSeries(TypedDict):
    series: str
    dimensions: dict[str, str]
    unit: str
    buckets: list[MetricBucket]
    """Oldest first. Those without values are left out."""


class MetricHistory(TypedDict):
    """What a metric was over time."""

    name: str
    period: str
    """How long a bucket is: `minute`, `hour` or `day`."""
    stat: str
    """`avg`, `sum`, `min`, `max` or `count`."""
    since: datetime
    """The first moment of the first bucket there could be."""
    until: datetime
    items: list[MetricSeries]
    """Of each series that matches, by their texts."""


class AlertRuleDetail(TypedDict):
    """When a metric calls for somebody."""

    id: str
    version: int
    name: str
    metric: str
    dimensions: dict[str, str]
    """It covers every series of the metric that has these, and perhaps more."""
    comparison: str
    """`gt`, `gte`, `lt` or `lte`: how a value that breaches it compares with `threshold`."""
    threshold: Decimal
    clear_threshold: Decimal
    """What a value has to come back to before an alert is resolved."""
    breaches: int
    """So many values in a row raise an alert."""
    cooldown_seconds: int
    """For so long after a resolution no value counts."""
    severity: str
    """`info`, `warning` or `critical`."""
    defined_at: datetime
    retired_at: datetime | None


class AlertRuleList(TypedDict):
    items: list[AlertRuleDetail]
    """By id."""
    cursor: str | None


class AlertDetail(TypedDict):
    """How a rule stands with one series."""

    id: str
    version: int
    state: str
    """`quiet`; `pending`, some values in a row breach the rule, but not yet enough of them; `open`; `acknowledged`,
    somebody has taken it on; or `resolved`."""
    severity: str
    rule_id: str
    rule_name: str
    metric: str
    series: str
    dimensions: dict[str, str]
    comparison: str
    threshold: Decimal
    breaches: int
    """Values in a row that breach the rule."""
    value: Decimal | None
    """The one that changed the alert last."""
    observed_at: datetime | None
    """That value's time."""
    episode: int
    """How often it was raised."""
    raised_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    """The `sub` of a person."""
    note: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    """The `sub` of a person; or `system`, when the values were good again."""
    reason: str | None
    """Why it was resolved."""


class AlertList(TypedDict):
    items: list[AlertDetail]
    """By rule, then by series. There may be fewer than asked for, even none, and still more to come: the cursor says
    so."""
    cursor: str | None


class AlertChange(TypedDict):
    """Something that happened to an alert."""

    type: str
    """`AlertRaised`, `AlertAcknowledged` or `AlertResolved`."""
    at: datetime
    actor: str
    """The `sub` of a person, or the name of a function."""
    alert: AlertDetail
    """As it was then."""


class AlertHistory(TypedDict):
    items: list[AlertChange]
    """Newest first. There may be fewer than asked for, even none, and still more to come: the cursor says so."""
    cursor: str | None


class SecurityEventDetail(TypedDict):
    """What somebody should look at, and what came of that."""

    id: str
    """In order of their ids, they are in order of time."""
    version: int
    kind: str
    severity: str
    """`low`, `medium`, `high` or `critical`: the worst it was."""
    summary: str
    source: str
    state: str
    """`detected`, `triaged` or `closed`."""
    count: int
    """How often it happened."""
    detected_at: datetime
    last_seen_at: datetime
    triaged_at: datetime | None
    triaged_by: str | None
    note: str | None
    closed_at: datetime | None
    closed_by: str | None
    resolution: str | None


class SecurityEventList(TypedDict):
    items: list[SecurityEventDetail]
    """Newest first. There may be fewer than asked for, even none, and still more to come: the cursor says so."""
    cursor: str | None


class HealthReason(TypedDict):
    """Why a component is not healthy."""

    key: str
    """What it is about: one component has one reason for each."""
    status: str
    """How bad it is: `degraded` or `down`."""
    text: str
    since: datetime


class ComponentHealth(TypedDict):
    component: str
    """`upstream/…`, whom facts are read from, or `service/…`, a part of the system itself."""
    kind: str
    """`upstream` or `service`."""
    status: str
    """`healthy`, `degraded` or `down`."""
    previous: str | None
    """The status before; null if there was none."""
    since: datetime
    """Since when it has this status."""
    reasons: list[HealthReason]
    """The worst first; none of what is healthy."""


class HealthBoard(TypedDict):
    status: str
    """The worst of all components: `healthy`, `degraded` or `down`; `unknown` before anything was heard of any."""
    since: datetime | None
    """Since when a component has been that bad; null if all are healthy, or none is known."""
    components: list[ComponentHealth]
    """By name."""


class FailedEvent(TypedDict):
    """What was being worked on."""

    id: str
    type: str
    aggregate_id: str | None
    sequence: int | None


class ErrorDetail(TypedDict):
    """Something that failed in the system's own work."""

    id: str
    occurred_at: datetime
    where: str
    """The function it failed in, or `projections`."""
    error: str
    cause: str
    event: FailedEvent
    again: str
    """The queue of dead letters it can be done again from."""
    correlation_id: str
    """Of what it follows from: the same as in the log."""


class ErrorList(TypedDict):
    items: list[ErrorDetail]
    """Newest first. There may be fewer than asked for, even none, and still more to come: the cursor says so."""
    cursor: str | None


class Healthz(TypedDict):
    status: str
    """`ok`, or `unavailable`."""
