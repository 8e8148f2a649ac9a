"""Processing errors. An event that failed may be malformed: what is shown of it has no secrets, and is not long."""

from datetime import datetime

from api.observability import views
from api.observability.queries.parameters import Span
from api.observability.queries.reading import Reading
from api.observability.rows import of_times
from api.web.paging import Slice
from watchkeeper.clock import from_iso
from watchkeeper.eventsourcing.read_models import StoredRow
from watchkeeper.observability.errors import LONGEST_CAUSE
from watchkeeper.observability.projections import ERRORS
from watchkeeper.redaction import redacted_text


def errors(
    reading: Reading, where: str | None, span: Span, *, limit: int, after: str | None
) -> Slice[views.ErrorDetail]:
    return reading.page(
        ERRORS,
        _error,
        matches=(lambda error: error["where"] == where) if where else None,
        between=of_times(*span.iso()),
        limit=limit,
        after=after,
        descending=True,
    )


def _error(kept: StoredRow) -> views.ErrorDetail:
    record, event = kept.record, kept.record["event"]
    return views.ErrorDetail(
        id=kept.stamp.event_id,
        occurred_at=from_iso(kept.stamp.occurred_at),
        where=record["where"],
        error=_shown(record["error"]),
        cause=_shown(record["cause"]),  # again: not every publisher of errors can redact it
        event=views.FailedEvent(
            id=_shown(event["id"]),
            type=_shown(event["type"]),
            occurred_at=_moment(event["occurred_at"]),
            aggregate_id=_shown(event["aggregate_id"]) if "aggregate_id" in event else None,
            sequence=event.get("sequence"),
        ),
        again=record["again"]["queue"],
        correlation_id=_shown(kept.stamp.correlation_id),
    )


def _shown(text: str) -> str:
    """Without secrets and addresses, and no longer than a cause."""
    text = redacted_text(text)
    return text if len(text) <= LONGEST_CAUSE else f"{text[: LONGEST_CAUSE - 1]}…"


def _moment(text: str) -> datetime | None:
    """The time of a failed event may be malformed."""
    try:
        return from_iso(text)
    except (OverflowError, ValueError):
        return None
