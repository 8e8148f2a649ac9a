"""Metrics: exact values of a series, rolled up by minute, hour and day as they arrive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from watchkeeper.eventsourcing.aggregate import AggregateRoot, EventData
from watchkeeper.observability import ids
from watchkeeper.observability.decimals import shortest, unfit
from watchkeeper.observability.events import MetricRecorded
from watchkeeper.observability.models import Period, Rollup, Value, as_json
from watchkeeper.observability.series import NO_UNIT, Series, is_unit

OLDEST = timedelta(hours=6)
"""The maximum age of a value."""

FURTHEST_AHEAD = timedelta(minutes=10)
"""The tolerance for fast clocks."""

REACH = OLDEST + FURTHEST_AHEAD
"""The maximum age of a value, relative to the latest value of the series."""

MAX_VALUES = 50
"""Per event, and so per command. Each value can change an alert, and all changes of an alert by one event must fit into
one append."""

TOO_MUCH_NEWER = "the series has values that are too much newer"
"""The only reason that can arise after a value was recorded, because the series has changed since."""

Row = list[int | str]


@dataclass(frozen=True, slots=True)
class Sample:
    """A value to be recorded."""

    at: datetime
    value: Decimal
    unit: str = NO_UNIT


class Metric(AggregateRoot):
    """The values of one series.

    Its state has the roll-ups that can still change, and only the latest value. Every hour, roll-ups that ended more
    than ``REACH`` before the latest value are dropped: values that would fall into them are rejected by any clock.
    """

    kind: ClassVar[str] = "Metric"
    events: ClassVar[tuple[type[EventData], ...]] = (MetricRecorded,)

    def __init__(self, aggregate_id: str) -> None:
        super().__init__(aggregate_id)
        self.series = Series.parse(ids.own(aggregate_id))
        self.unit: str | None = None
        self.latest: Value | None = None
        self._rollups: dict[tuple[Period, datetime], Rollup] = {}

    def take(self, samples: Sequence[Sample], now: datetime) -> list[str | None]:
        """Record the valid ones; for each sample, in order, the reason why it was rejected, or ``None``.

        They go into one event, since the stream does not guarantee the order of events of one append. Raises
        ``ValueError`` for more than ``MAX_VALUES``."""
        if len(samples) > MAX_VALUES:
            raise ValueError(f"a command has at most {MAX_VALUES} values")
        unit = self.unit
        reasons: list[str | None] = []
        values: list[Value] = []
        for sample in samples:
            reason = self._why_not(sample, unit, now)
            reasons.append(reason)
            if reason is None:
                unit = sample.unit
                values.append(Value(sample.at.astimezone(UTC).replace(microsecond=0), shortest(sample.value)))
        if values:
            assert unit is not None
            self._record(tuple(sorted(values, key=_time)), unit)
        return reasons

    def apply(self, data: EventData) -> None:
        assert isinstance(data, MetricRecorded)
        before, self.unit, self.latest = self.latest, data.unit, data.latest
        self._rollups |= {(rollup.period, rollup.start): rollup for rollup in data.rollups}
        if before and Period.HOUR.number(before.at) != Period.HOUR.number(data.latest.at):
            self._forget(data.latest.at - REACH)

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = {"unit": self.unit, "latest": as_json(self.latest)}
        for period in Period:
            state[period.value] = [_row(rollup) for rollup in self._rollups.values() if rollup.period is period]
        return state

    def restore(self, state: Mapping[str, Any]) -> None:
        self.unit = state["unit"]
        self.latest = Value.of(state["latest"]) if state["latest"] else None
        rollups = (_rollup(period, row) for period in Period for row in state[period.value])
        self._rollups = {(rollup.period, rollup.start): rollup for rollup in rollups}

    def _why_not(self, sample: Sample, unit: str | None, now: datetime) -> str | None:
        if not is_unit(sample.unit):
            return "the unit has 1 to 32 letters, '%' and '/'"
        if unit is not None and sample.unit != unit:
            return f"the unit of the series is {unit}"
        return self._why_not_then(sample.at, now) or unfit(sample.value)

    def _why_not_then(self, at: datetime, now: datetime) -> str | None:
        if at > now + FURTHEST_AHEAD:
            return "the time is more than 10 minutes ahead"
        if at < now - OLDEST:
            return "the time is more than 6 hours ago"
        if self.latest and at.replace(microsecond=0) < self.latest.at - REACH:
            return TOO_MUCH_NEWER
        return None

    def _record(self, values: tuple[Value, ...], unit: str) -> None:
        latest = values[-1] if self.latest is None else max(values[-1], self.latest, key=_time)
        self.record(MetricRecorded(self.series, unit, values, latest, self._rolled_up(values)))

    def _rolled_up(self, values: Sequence[Value]) -> tuple[Rollup, ...]:
        """The roll-ups that the values fall into, including the values."""
        changed: dict[tuple[Period, datetime], Rollup] = {}
        for period in Period:
            for value in values:
                key = (period, period.start(value.at))
                known = changed.get(key) or self._rollups.get(key)
                changed[key] = known.and_also(value.value) if known else Rollup.first(period, value)
        return tuple(changed.values())

    def _forget(self, before: datetime) -> None:
        """Drop the roll-ups that ended by then."""
        earliest = before.timestamp()
        self._rollups = {
            key: rollup
            for key, rollup in self._rollups.items()
            if rollup.start.timestamp() + rollup.period.seconds > earliest
        }


def _time(value: Value) -> datetime:
    return value.at


def _row(rollup: Rollup) -> Row:
    """As compact as possible: there are some four hundred. The row of a single value has no count."""
    start = rollup.period.number(rollup.start)
    if rollup.count == 1:
        return [start, as_json(rollup.sum)]
    return [start, as_json(rollup.sum), as_json(rollup.min), as_json(rollup.max), rollup.count]


def _rollup(period: Period, row: Row) -> Rollup:
    figures = [Decimal(figure) for figure in row[1:4]]
    total, least, most = figures if len(row) > 2 else figures * 3
    return Rollup(period, period.numbered(int(row[0])), int(row[4]) if len(row) > 2 else 1, total, least, most)
