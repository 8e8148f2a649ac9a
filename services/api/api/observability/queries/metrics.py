"""The latest value of each series, and the history of a metric."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal
from typing import Any

from api.observability import views
from api.observability.queries.parameters import MAX_SERIES, Span
from api.observability.queries.reading import Reading
from api.observability.rows import beginning
from api.web.paging import Slice
from api.web.problems import InvalidParameter
from watchkeeper.clock import from_iso
from watchkeeper.dynamodb import Between
from watchkeeper.errors import ItemNotFound
from watchkeeper.eventsourcing.read_models import StoredRow
from watchkeeper.observability.models import Period
from watchkeeper.observability.projections import LATEST_METRICS, METRIC_SERIES
from watchkeeper.observability.refusals import Refused
from watchkeeper.observability.series import Series

_AVERAGES = Context(prec=15)

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A query for a metric's history."""

    name: str
    dimensions: Mapping[str, str]
    exact: bool
    """Whether only the series with exactly these dimensions matches."""
    period: Period
    stat: str
    span: Span


def latest(
    reading: Reading,
    name: str,
    dimensions: Mapping[str, str],
    stale_since: datetime | None,
    *,
    limit: int,
    after: str | None,
) -> Slice[views.LatestMetric]:
    """Sorted by series, for metrics whose names start with ``name``."""

    def matches(metric: views.LatestMetric) -> bool:
        is_stale = stale_since is None or metric["at"] < stale_since
        return is_stale and _has(metric, dimensions)

    filters = matches if dimensions or stale_since else None
    return reading.page(LATEST_METRICS, _latest, matches=filters, between=beginning(name), limit=limit, after=after)


def _latest(kept: StoredRow) -> views.LatestMetric:
    record = kept.record
    return views.LatestMetric(
        series=record["series"],
        name=record["name"],
        dimensions=dict(record["dimensions"]),
        unit=record["unit"],
        value=Decimal(record["value"]),
        at=from_iso(record["at"]),
    )


def history(reading: Reading, wanted: Wanted) -> views.MetricHistory:
    """Raises ``ItemNotFound`` for an unknown metric, and ``InvalidParameter`` when too many series match or would
    have to be searched."""
    series = _named(wanted)
    return views.MetricHistory(
        name=wanted.name,
        period=wanted.period.value,
        stat=wanted.stat,
        since=wanted.span.since,
        until=wanted.span.until,
        items=[
            _of_series(reading, wanted, metric["series"], metric["dimensions"], metric["unit"])
            for metric in _known(reading, wanted, series)
        ]
        or [_forgotten(reading, wanted, series)],
    )


def _named(wanted: Wanted) -> Series:
    """The series with exactly these dimensions. Raises ``ItemNotFound`` for a name that no metric can have."""
    try:
        return Series.named(wanted.name, wanted.dimensions)
    except Refused as error:
        raise ItemNotFound("no metric") from error


def _known(reading: Reading, wanted: Wanted, series: Series) -> list[views.LatestMetric]:
    """The wanted series that have a recent value. Raises ``InvalidParameter``."""
    if wanted.exact:
        return _newest(reading, series)
    without_any = [] if wanted.dimensions else _newest(reading, series)
    others = reading.page(
        LATEST_METRICS,
        _latest,
        matches=lambda metric: _has(metric, wanted.dimensions),
        between=beginning(f"{wanted.name}{{"),  # longer names would sort between this name and its dimensions
        limit=MAX_SERIES + 1,
        after=None,
    )
    known = [*without_any, *others.items]
    if others.position or len(known) > MAX_SERIES:
        detail = f"more than {MAX_SERIES} series match, or too many to search: add dimensions, or use `exact=true`"
        raise InvalidParameter("dimension", detail)
    return known


def _newest(reading: Reading, series: Series) -> list[views.LatestMetric]:
    """The row of exactly this series, if it has a recent value."""
    try:
        return [_latest(reading.get(LATEST_METRICS, series.text))]
    except ItemNotFound:
        return []


def _forgotten(reading: Reading, wanted: Wanted, series: Series) -> views.MetricSeries:
    """The series with exactly these dimensions, whose latest value has expired but whose buckets have not. Raises
    ``ItemNotFound``."""
    found = _of_series(reading, wanted, series.text, dict(series.dimensions))
    if not found["buckets"]:
        raise ItemNotFound(f"there is no {series.text}")
    return found


def _of_series(
    reading: Reading, wanted: Wanted, series: str, dimensions: dict[str, str], unit: str = ""
) -> views.MetricSeries:
    """``unit`` is for a series without buckets in the range; others have it from these."""

    def read(kept: StoredRow) -> tuple[str, views.MetricBucket]:
        return kept.record["unit"], _bucket(kept, wanted.stat)

    between = Between(*wanted.span.iso())
    found = list(reading.rows(METRIC_SERIES, read, f"{series}#{wanted.period}", between=between))
    return views.MetricSeries(
        series=series,
        dimensions=dimensions,
        unit=found[-1][0] if found else unit,
        buckets=[bucket for _, bucket in found],
    )


def _bucket(kept: StoredRow, stat: str) -> views.MetricBucket:
    count = int(kept.record["count"])
    return views.MetricBucket(start=from_iso(kept.sort), value=_statistic(kept.record, stat, count), count=count)


def _statistic(record: Record, stat: str, count: int) -> Decimal:
    match stat:
        case "avg":
            return _AVERAGES.divide(Decimal(record["sum"]), Decimal(count))
        case "count":
            return Decimal(count)
    return Decimal(record[stat])


def _has(metric: views.LatestMetric, dimensions: Mapping[str, str]) -> bool:
    return dimensions.items() <= metric["dimensions"].items()
