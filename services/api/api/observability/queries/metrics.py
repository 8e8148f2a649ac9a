"""The newest value of each series, and what a metric was over time."""

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
from watchkeeper.eventsourcing.read_models import Kept
from watchkeeper.observability.models import Period
from watchkeeper.observability.projections import LATEST_METRICS, METRIC_SERIES
from watchkeeper.observability.refusals import Refused
from watchkeeper.observability.series import Series

_AVERAGES = Context(prec=15)

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a metric's history."""

    name: str
    dimensions: Mapping[str, str]
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
) -> Slice[Kept]:
    """By series, those of metrics whose names begin so."""

    def matches(kept: Kept) -> bool:
        is_stale = stale_since is None or from_iso(kept.record["at"]) < stale_since
        return is_stale and _has(kept.record, dimensions)

    filters = matches if dimensions or stale_since else None
    return reading.page(LATEST_METRICS, matches=filters, between=beginning(name), limit=limit, after=after)


def latest_metric(kept: Kept) -> views.LatestMetric:
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
    """Raises ``ItemNotFound`` for a metric nobody knows of, and ``InvalidParameter`` when too many series match, or are
    to be looked at."""
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
    """The one of just these dimensions. Raises ``ItemNotFound`` for a name no metric has."""
    try:
        return Series.named(wanted.name, wanted.dimensions)
    except Refused as error:
        raise ItemNotFound("no metric") from error


def _known(reading: Reading, wanted: Wanted, series: Series) -> list[Record]:
    """Those that have had a value of late: the series that is named fully, or all that match. Raises
    ``InvalidParameter``."""
    exact = _newest(reading, series)
    if exact and wanted.dimensions:
        return exact
    others = reading.page(
        LATEST_METRICS,
        matches=lambda kept: _has(kept.record, wanted.dimensions),
        between=beginning(f"{wanted.name}{{"),  # between a name and its dimensions other names would lie
        limit=MAX_SERIES + 1,
        after=None,
    )
    known = [*exact, *(kept.record for kept in others.items)]
    if others.position or len(known) > MAX_SERIES:
        detail = f"there are more than {MAX_SERIES} series, or too many to look at: name all dimensions of one"
        raise InvalidParameter("dimension", detail)
    return known


def _newest(reading: Reading, series: Series) -> list[Record]:
    """Of just this series, if it has had a value of late."""
    try:
        return [reading.get(LATEST_METRICS, series.text).record]
    except ItemNotFound:
        return []


def _forgotten(reading: Reading, wanted: Wanted, series: Series) -> views.MetricSeries:
    """The one of just these dimensions, whose last value is gone, and whose days are not. Raises ``ItemNotFound``."""
    record = {"series": series.text, "dimensions": dict(series.dimensions), "unit": ""}
    buckets = list(_buckets(reading, wanted, series.text))
    if not buckets:
        raise ItemNotFound(f"there is no {series.text}")
    return _told(wanted, {**record, "unit": buckets[-1].record["unit"]}, buckets)


def _of_series(reading: Reading, wanted: Wanted, record: Record) -> views.MetricSeries:
    return _told(wanted, record, list(_buckets(reading, wanted, record["series"])))


def _buckets(reading: Reading, wanted: Wanted, series: str) -> Iterator[Kept]:
    return reading.rows(METRIC_SERIES, f"{series}#{wanted.period}", between=Between(*wanted.span.iso()))


def _told(wanted: Wanted, record: Record, buckets: list[Kept]) -> views.MetricSeries:
    return views.MetricSeries(
        series=record["series"],
        dimensions=record["dimensions"],
        unit=record["unit"],
        buckets=[_bucket(kept, wanted.stat) for kept in buckets],
    )


def _bucket(kept: Kept, stat: str) -> views.MetricBucket:
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
