"""The health of the system, and its processing errors."""

from datetime import datetime

from api.observability import rendering, views
from api.observability.queries.parameters import Span
from api.observability.queries.reading import Reading
from api.observability.rows import of_times
from api.web.paging import Slice
from watchkeeper.clock import from_iso
from watchkeeper.eventsourcing.read_models import StoredRow
from watchkeeper.observability.models import Health, HealthStatus
from watchkeeper.observability.projections import ERRORS, HEALTH_BOARD
from watchkeeper.redaction import redacted_text

UNKNOWN = "unknown"


def board(reading: Reading) -> views.HealthBoard:
    components = [Health.of(kept.record) for kept in reading.rows(HEALTH_BOARD)]
    worst = max((one.status for one in components), key=lambda status: status.badness, default=None)
    so_bad = [one.since for one in components if one.status is worst is not HealthStatus.HEALTHY]
    return views.HealthBoard(
        status=worst.value if worst else UNKNOWN,
        since=min(so_bad, default=None),
        components=[rendering.component_health(one) for one in components],
    )


def errors(
    reading: Reading, where: str | None, span: Span, *, limit: int, after: str | None
) -> Slice[views.ErrorDetail]:
    matches = (lambda kept: kept.record["where"] == where) if where else None
    found = reading.page(
        ERRORS,
        matches=matches,
        between=of_times(*span.iso()),
        limit=limit,
        after=after,
        descending=True,
    )
    return Slice([_error(kept) for kept in found.items], found.position)


def _error(kept: StoredRow) -> views.ErrorDetail:
    record, event = kept.record, kept.record["event"]
    return views.ErrorDetail(
        id=kept.stamp.event_id,
        occurred_at=from_iso(kept.stamp.occurred_at),
        where=record["where"],
        error=record["error"],
        cause=redacted_text(record["cause"]),  # again: not every publisher of errors can redact them
        event=views.FailedEvent(
            id=event["id"],
            type=event["type"],
            occurred_at=_moment(event["occurred_at"]),
            aggregate_id=event.get("aggregate_id"),
            sequence=event.get("sequence"),
        ),
        again=record["again"]["queue"],
        correlation_id=kept.stamp.correlation_id,
    )


def _moment(text: str) -> datetime | None:
    """The time of a failed event may be malformed."""
    try:
        return from_iso(text)
    except (OverflowError, ValueError):
        return None
