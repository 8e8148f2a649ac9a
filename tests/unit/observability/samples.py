"""One of each event, and strategies for others."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext

from hypothesis import strategies as st

from watchkeeper.eventsourcing.aggregate import EventData
from watchkeeper.observability import events
from watchkeeper.observability.decimals import shortest
from watchkeeper.observability.models import (
    AlertSeverity,
    AlertState,
    AlertStatus,
    Comparison,
    ComponentKind,
    Health,
    HealthStatus,
    Period,
    Reason,
    Recovery,
    Rollup,
    Rule,
    SecuritySeverity,
    SecurityState,
    SecurityStatus,
    Value,
)
from watchkeeper.observability.series import Series

NINE = datetime(2026, 11, 20, 21, tzinfo=UTC)
SERIES = Series("ingest.run.seconds", {"mode": "daily", "source": "patchwork"})


def at(minute: int, second: int = 0) -> datetime:
    """So long after nine."""
    return NINE + timedelta(minutes=minute, seconds=second)


def rollup(period: Period, start: datetime, *values: str) -> Rollup:
    figures = [Decimal(value) for value in values]
    with localcontext(prec=100):
        total = sum(figures, Decimal(0))
    return Rollup(period, start, len(figures), total, min(figures), max(figures))


RULE = Rule(
    id="0123456789ab",
    name="Runs take long",
    metric=SERIES.name,
    dimensions={"source": "patchwork"},
    comparison=Comparison.GT,
    threshold=Decimal(10),
    clear_threshold=Decimal("7.5"),
    breaches=3,
    cooldown_seconds=600,
    severity=AlertSeverity.WARNING,
    defined_at=NINE,
)
QUIET = AlertStatus(
    id="0123456789ab.0123456789ab",
    rule_id=RULE.id,
    rule_name=RULE.name,
    metric=SERIES.name,
    series=SERIES.text,
    dimensions=SERIES.dimensions,
    severity=RULE.severity,
    comparison=RULE.comparison,
    threshold=RULE.threshold,
)


def _alert(state: AlertState, **members: object) -> AlertStatus:
    told = {"state": state, "value": Decimal("12.5"), "observed": 7, "observed_at": at(7), **members}
    kept = {name: getattr(QUIET, name) for name in QUIET.__slots__}
    return AlertStatus(**{**kept, **told})


_RAISED = {"episode": 1, "breaches": 3, "raised_at": at(7)}
_TAKEN_ON = {**_RAISED, "acknowledged_at": at(8), "acknowledged_by": "a-person", "note": "looking"}
_DETECTED = SecurityStatus(
    id="20261120T21-sign-in-failed",
    kind="sign-in-failed",
    severity=SecuritySeverity.LOW,
    summary="Sign-ins failed",
    source="auth",
    state=SecurityState.DETECTED,
    count=1,
    detected_at=NINE,
    last_seen_at=NINE,
)


def _security(state: SecurityState, **members: object) -> SecurityStatus:
    kept = {name: getattr(_DETECTED, name) for name in _DETECTED.__slots__}
    return SecurityStatus(**{**kept, "state": state, **members})


_LOOKED_AT = {"triaged_at": at(5), "triaged_by": "a-person", "note": "one address"}

SAMPLES: tuple[EventData, ...] = (
    events.MetricRecorded(
        SERIES,
        "Seconds",
        (Value(at(0, 5), Decimal("12.5")), Value(at(1), Decimal(3))),
        Value(at(2), Decimal("3.5")),
        (
            rollup(Period.MINUTE, at(0), "12.5", "0.25"),
            rollup(Period.MINUTE, at(1), "3"),
            rollup(Period.HOUR, NINE, "12.5", "0.25", "3"),
            rollup(Period.DAY, NINE.replace(hour=0), "12.5", "0.25", "3", "-1"),
        ),
    ),
    events.AlertRuleDefined(RULE),
    events.AlertRuleRetired(Rule(**{name: getattr(RULE, name) for name in RULE.__slots__} | {"retired_at": at(30)})),
    events.AlertPending(_alert(AlertState.PENDING, breaches=1)),
    events.AlertCalmed(_alert(AlertState.QUIET, value=Decimal(2))),
    events.AlertRaised(_alert(AlertState.OPEN, **_RAISED)),
    events.AlertAcknowledged(_alert(AlertState.ACKNOWLEDGED, **_TAKEN_ON)),
    events.AlertResolved(
        _alert(
            AlertState.RESOLVED,
            **{**_TAKEN_ON, "breaches": 0, "value": Decimal(7), "observed": 9, "observed_at": at(9)},
            resolved_at=at(9),
            resolved_by="system",
            reason="A value of 7 is good again.",
        )
    ),
    events.SecurityEventDetected(_DETECTED),
    events.SecurityEventRepeated(
        _security(SecurityState.DETECTED, count=4, severity=SecuritySeverity.HIGH, last_seen_at=at(4))
    ),
    events.SecurityEventTriaged(_security(SecurityState.TRIAGED, **_LOOKED_AT)),
    events.SecurityEventClosed(
        _security(
            SecurityState.CLOSED, **_LOOKED_AT, closed_at=at(6), closed_by="another", resolution="A forgotten password"
        )
    ),
    events.HealthChanged(
        Health(
            component="upstream/patchwork",
            kind=ComponentKind.UPSTREAM,
            status=HealthStatus.DOWN,
            since=at(3),
            reasons=(
                Reason("circuit", HealthStatus.DOWN, "It failed too often.", at(3)),
                Reason("source/patchwork", HealthStatus.DEGRADED, "It is two hours old.", at(1)),
            ),
            previous=HealthStatus.DEGRADED,
        )
    ),
)
"""What the files in ``golden`` say."""

MOMENTS = st.datetimes(
    NINE.replace(tzinfo=None, year=2020), NINE.replace(tzinfo=None, year=2040), timezones=st.just(UTC)
).map(lambda moment: moment.replace(microsecond=0))
FIGURES = (
    st.builds(
        lambda digits, places: Decimal(digits).scaleb(-places),
        st.integers(-(10**15) + 1, 10**15 - 1),
        st.integers(0, 15),
    )
    | st.sampled_from(["0", "-0.0", "1E+3", "7.50", "-999999999999999"]).map(Decimal)
).map(shortest)
_TEXTS = st.text(max_size=20)
_NAMES = st.sampled_from(["a", "Runs", "ingest.run_seconds", "a-b", "x" * 64])
DIMENSIONS = st.dictionaries(
    st.sampled_from(["a", "B", "source", "mode_2", "k" * 32]),
    st.sampled_from(["0", "patchwork", "a.b:c/d@e+f-g_h", "v" * 64]),
    max_size=5,
)
EVERY_SERIES = st.builds(Series, _NAMES, DIMENSIONS)
VALUES = st.builds(Value, MOMENTS, FIGURES)
_COUNTS = st.integers(1, 10**9)
_ROLLUPS = st.builds(
    Rollup, st.sampled_from(Period), MOMENTS, st.integers(2, 10**9), FIGURES, FIGURES, FIGURES
) | st.builds(Rollup.first, st.sampled_from(Period), VALUES)
_RULES = st.builds(
    Rule,
    id=_NAMES,
    name=_TEXTS,
    metric=_NAMES,
    dimensions=DIMENSIONS,
    comparison=st.sampled_from(Comparison),
    threshold=FIGURES,
    clear_threshold=FIGURES,
    breaches=_COUNTS,
    cooldown_seconds=_COUNTS,
    severity=st.sampled_from(AlertSeverity),
    defined_at=MOMENTS,
    retired_at=st.none() | MOMENTS,
)
_MAYBE_TEXT = st.none() | _TEXTS
_MAYBE_MOMENT = st.none() | MOMENTS
_ALERTS = st.builds(
    AlertStatus,
    id=_NAMES,
    rule_id=_NAMES,
    rule_name=_TEXTS,
    metric=_NAMES,
    series=_NAMES,
    dimensions=DIMENSIONS,
    severity=st.sampled_from(AlertSeverity),
    comparison=st.sampled_from(Comparison),
    threshold=FIGURES,
    state=st.sampled_from(AlertState),
    breaches=_COUNTS,
    value=st.none() | FIGURES,
    observed=_COUNTS,
    observed_at=_MAYBE_MOMENT,
    episode=_COUNTS,
    raised_at=_MAYBE_MOMENT,
    acknowledged_at=_MAYBE_MOMENT,
    acknowledged_by=_MAYBE_TEXT,
    note=_MAYBE_TEXT,
    resolved_at=_MAYBE_MOMENT,
    resolved_by=_MAYBE_TEXT,
    reason=_MAYBE_TEXT,
)
_SECURITY = st.builds(
    SecurityStatus,
    id=_NAMES,
    kind=_NAMES,
    severity=st.sampled_from(SecuritySeverity),
    summary=_TEXTS,
    source=_TEXTS,
    state=st.sampled_from(SecurityState),
    count=_COUNTS,
    detected_at=MOMENTS,
    last_seen_at=MOMENTS,
    triaged_at=_MAYBE_MOMENT,
    triaged_by=_MAYBE_TEXT,
    note=_MAYBE_TEXT,
    closed_at=_MAYBE_MOMENT,
    closed_by=_MAYBE_TEXT,
    resolution=_MAYBE_TEXT,
)
_HEALTH = st.builds(
    Health,
    component=_NAMES,
    kind=st.sampled_from(ComponentKind),
    status=st.sampled_from(HealthStatus),
    since=MOMENTS,
    reasons=st.lists(st.builds(Reason, _NAMES, st.sampled_from(HealthStatus), _TEXTS, MOMENTS), max_size=3).map(tuple),
    previous=st.none() | st.sampled_from(HealthStatus),
)


def every(event: type[EventData]) -> st.SearchStrategy[EventData]:
    """Events of a class with anything in them."""
    if event is events.MetricRecorded:
        values = st.lists(VALUES, min_size=1, max_size=3).map(tuple)
        rollups = st.lists(_ROLLUPS, max_size=3).map(tuple)
        older = st.builds(events.MetricRecorded, EVERY_SERIES, _NAMES, values, VALUES, rollups)
        return older | older.map(lambda event: replace(event, latest=event.values[-1]))
    if issubclass(event, events.AlertRuleEvent):
        return st.builds(event, _RULES)
    if issubclass(event, events.AlertEvent):
        return st.builds(event, _ALERTS)
    if issubclass(event, events.SecurityEventChange):
        return st.builds(event, _SECURITY)
    return st.builds(events.HealthChanged, _HEALTH, st.none() | st.builds(Recovery, _NAMES, MOMENTS))
