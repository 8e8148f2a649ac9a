"""Response models. Their docstrings are part of the API's documentation.

Numbers are decimals as strings, exactly as they were sent; times are in UTC to the second.
"""

from datetime import datetime
from decimal import Decimal
from typing import NotRequired

from typing_extensions import TypedDict


class TakenOrNot(TypedDict):
    """The outcome for one metric."""

    index: int
    """Its position in the request, from 0."""
    taken: bool
    reason: NotRequired[str]
    """Why it was not recorded."""
    again: NotRequired[bool]
    """Present and true if the failure is temporary: retry the request."""


class Recorded(TypedDict):
    taken: int
    refused: int
    """How many were not recorded, permanently or temporarily."""
    results: list[TakenOrNot]
    """One for each metric, in the order of the request."""


class LatestMetric(TypedDict):
    """The latest value of a series."""

    series: str
    """`name`, or `name{key=value,…}` with the keys in order."""
    name: str
    dimensions: dict[str, str]
    unit: str
    value: Decimal
    at: datetime


class LatestMetricList(TypedDict):
    items: list[LatestMetric]
    """Sorted by series. A page may hold fewer than `limit`, or none at all, and still have a cursor to the next."""
    cursor: str | None
    """Pass it to get the next page; null on the last one."""


class MetricBucket(TypedDict):
    start: datetime
    """The start of the bucket."""
    value: Decimal
    """The statistic of its values. An average has up to 15 significant digits."""
    count: int
    """The number of values."""


class MetricSeries(TypedDict):
    series: str
    dimensions: dict[str, str]
    unit: str
    buckets: list[MetricBucket]
    """Oldest first. Empty buckets are omitted."""


class MetricHistory(TypedDict):
    """The history of a metric."""

    name: str
    period: str
    """The length of a bucket: `minute`, `hour` or `day`."""
    stat: str
    """`avg`, `sum`, `min`, `max` or `count`."""
    since: datetime
    """The start of the time range, aligned to a bucket."""
    until: datetime
    items: list[MetricSeries]
    """One for each matching series, sorted by `series`."""


class AlertRuleDetail(TypedDict):
    """The condition under which a metric raises alerts."""

    id: str
    version: int
    name: str
    metric: str
    dimensions: dict[str, str]
    """The rule covers every series of the metric that has these dimensions, whatever others it has."""
    comparison: str
    """`gt`, `gte`, `lt` or `lte`: how a breaching value compares with `threshold`."""
    threshold: Decimal
    clear_threshold: Decimal
    """The value that must be reached again for an alert to be resolved."""
    breaches: int
    """The number of consecutive breaching values that raise an alert."""
    cooldown_seconds: int
    """How long after a resolution values are ignored."""
    severity: str
    """`info`, `warning` or `critical`."""
    defined_at: datetime
    retired_at: datetime | None


class AlertRuleList(TypedDict):
    items: list[AlertRuleDetail]
    """By id."""
    cursor: str | None


class AlertDetail(TypedDict):
    """The state of one rule for one series."""

    id: str
    version: int
    state: str
    """`quiet`; `pending`: consecutive values breach the rule, but not yet enough of them; `open`; `acknowledged`:
    somebody is working on it; or `resolved`."""
    severity: str
    rule_id: str
    rule_name: str
    metric: str
    series: str
    dimensions: dict[str, str]
    comparison: str
    threshold: Decimal
    breaches: int
    """The number of consecutive breaching values."""
    value: Decimal | None
    """The value that last changed the alert."""
    observed_at: datetime | None
    """The time of that value."""
    episode: int
    """How many times it has been raised."""
    raised_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    """The `sub` of a person."""
    note: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    """The `sub` of a person; or `system`, when values were back to normal or the rule was retired."""
    reason: str | None
    """Why it was resolved."""


class AlertList(TypedDict):
    items: list[AlertDetail]
    """Sorted by rule, then by series. A page may hold fewer than `limit`, or none at all, and still have a cursor to
    the next."""
    cursor: str | None


class AlertChange(TypedDict):
    """A change of an alert."""

    type: str
    """`AlertRaised`, `AlertAcknowledged` or `AlertResolved`."""
    at: datetime
    actor: str
    """The `sub` of a person, or the name of a function."""
    alert: AlertDetail
    """The alert after this change."""


class AlertHistory(TypedDict):
    items: list[AlertChange]
    """Newest first. A page may hold fewer than `limit`, or none at all, and still have a cursor to the next."""
    cursor: str | None


class SecurityEventDetail(TypedDict):
    """Something that needs attention, and how it was handled."""

    id: str
    """Ids sort in order of time."""
    version: int
    kind: str
    severity: str
    """`low`, `medium`, `high` or `critical`: the highest so far."""
    summary: str
    source: str
    state: str
    """`detected`, `triaged` or `closed`."""
    count: int
    """How many times it has happened."""
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
    """Newest first. A page may hold fewer than `limit`, or none at all, and still have a cursor to the next."""
    cursor: str | None


class HealthReason(TypedDict):
    """Why a component is not healthy."""

    key: str
    """What it is about. A component has at most one reason per key."""
    status: str
    """`degraded` or `down`."""
    text: str
    since: datetime


class ComponentHealth(TypedDict):
    component: str
    """`upstream/…` for a data source, or `service/…` for a part of the system itself."""
    kind: str
    """`upstream` or `service`."""
    status: str
    """`healthy`, `degraded` or `down`."""
    previous: str | None
    """The previous status; null if there was none."""
    since: datetime
    """When it got this status."""
    reasons: list[HealthReason]
    """Worst first; empty if healthy."""


class HealthBoard(TypedDict):
    status: str
    """The worst status of all components: `healthy`, `degraded` or `down`; `unknown` before any report."""
    since: datetime | None
    """Since when a component has had that status; null if all are healthy, or none is known."""
    components: list[ComponentHealth]
    """Sorted by name."""


class FailedEvent(TypedDict):
    """The event that could not be processed."""

    id: str
    type: str
    occurred_at: datetime | None
    """When it happened. Errors are sorted by this time, and `from` and `to` refer to it."""
    aggregate_id: str | None
    sequence: int | None


class ErrorDetail(TypedDict):
    """An error in the system's own processing: one for each event and place, however often it fails."""

    id: str
    occurred_at: datetime
    """When it last failed; `error` and `cause` are those of that failure."""
    where: str
    """The function that failed, or `projections`."""
    error: str
    cause: str
    event: FailedEvent
    again: str
    """The dead-letter queue it can be redriven from."""
    correlation_id: str
    """The same as in the logs."""


class ErrorList(TypedDict):
    items: list[ErrorDetail]
    """Newest event first. A page may hold fewer than `limit`, or none at all, and still have a cursor to the next."""
    cursor: str | None


class Healthz(TypedDict):
    status: str
    """`ok`, or `unavailable`."""
