"""The latest value of each series, and the history of a metric."""

from collections.abc import Iterator, Mapping
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
) -> Slice[StoredRow]:
    """Sorted by series, for metrics whose names start with ``name``."""

    def matches(kept: StoredRow) -> bool:
        is_stale = stale_since is None or from_iso(kept.record["at"]) < stale_since
        return is_stale and _has(kept.record, dimensions)

    filters = matches if dimensions or stale_since else None
    return reading.page(LATEST_METRICS, matches=filters, between=beginning(name), limit=limit, after=after)


def latest_metric(kept: StoredRow) -> views.LatestMetric:
    record = kept.record
    return views.LatestMetric(
        series=record["series"],
        name=record["name"],
        dimensions=record["dimensions"],
        unit=record["unit"],
        value=Decimal(record["value"]),
        at=from_iso(record["at"]),
    )


def history(reading: Reading, wanted: Wanted) -> views.MetricHistory:
    """Raises ``ItemNotFound`` for an unknown metric, and ``InvalidParameter`` when too many series match or would
    have to be searched."""
    series = _named(wanted)
    known = _known(reading, wanted, series)
    return views.MetricHistory(
        name=wanted.name,
        period=wanted.period.value,
        stat=wanted.stat,
        since=wanted.span.since,
        until=wanted.span.until,
        items=[_of_series(reading, wanted, record) for record in known] or [_forgotten(reading, wanted, series)],
    )


def _named(wanted: Wanted) -> Series:
    """The series with exactly these dimensions. Raises ``ItemNotFound`` for a name that no metric can have."""
    try:
        return Series.named(wanted.name, wanted.dimensions)
    except Refused as error:
        raise ItemNotFound("no metric") from error


def _known(reading: Reading, wanted: Wanted, series: Series) -> list[Record]:
    """The wanted series that have a recent value. Raises ``InvalidParameter``."""
    if wanted.exact:
        return _newest(reading, series)
    without_any = [] if wanted.dimensions else _newest(reading, series)
    others = reading.page(
        LATEST_METRICS,
        matches=lambda kept: _has(kept.record, wanted.dimensions),
        between=beginning(f"{wanted.name}{{"),  # longer names would sort between this name and its dimensions
        limit=MAX_SERIES + 1,
        after=None,
    )
    known = [*without_any, *(kept.record for kept in others.items)]
    if others.position or len(known) > MAX_SERIES:
        detail = f"more than {MAX_SERIES} series match, or too many to search: add dimensions, or use `exact=true`"
        raise InvalidParameter("dimension", detail)
    return known


def _newest(reading: Reading, series: Series) -> list[Record]:
    """The row of exactly this series, if it has a recent value."""
    try:
        return [reading.get(LATEST_METRICS, series.text).record]
    except ItemNotFound:
        return []


def _forgotten(reading: Reading, wanted: Wanted, series: Series) -> views.MetricSeries:
    """The series with exactly these dimensions, whose latest value has expired but whose buckets have not. Raises
    ``ItemNotFound``."""
    record = {"series": series.text, "dimensions": dict(series.dimensions), "unit": ""}
    buckets = list(_buckets(reading, wanted, series.text))
    if not buckets:
        raise ItemNotFound(f"there is no {series.text}")
    return _told(wanted, {**record, "unit": buckets[-1].record["unit"]}, buckets)


def _of_series(reading: Reading, wanted: Wanted, record: Record) -> views.MetricSeries:
    return _told(wanted, record, list(_buckets(reading, wanted, record["series"])))


def _buckets(reading: Reading, wanted: Wanted, series: str) -> Iterator[StoredRow]:
    return reading.rows(METRIC_SERIES, f"{series}#{wanted.period}", between=Between(*wanted.span.iso()))


def _told(wanted: Wanted, record: Record, buckets: list[StoredRow]) -> views.MetricSeries:
    return views.MetricSeries(
        series=record["series"],
        dimensions=record["dimensions"],
        unit=record["unit"],
        buckets=[_bucket(kept, wanted.stat) for kept in buckets],
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


def _has(record: Record, dimensions: Mapping[str, str]) -> bool:
    found: bool = dimensions.items() <= record["dimensions"].items()
    return found
