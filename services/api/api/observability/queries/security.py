"""Security events, newest first."""

from collections.abc import Collection
from dataclasses import dataclass

from api.observability import rendering, views
from api.observability.queries.parameters import Span
from api.observability.queries.reading import Reading
from api.web.paging import Slice
from watchkeeper.dynamodb import Between
from watchkeeper.eventsourcing.read_models import StoredRow
from watchkeeper.observability.models import SecurityState, SecurityStatus
from watchkeeper.observability.projections import SECURITY_EVENTS

_AFTER_TIME = "."
"""The character that sorts right after ``-``, which separates the time from the rest of an id."""

_OPEN = frozenset({SecurityState.DETECTED, SecurityState.TRIAGED})


@dataclass(frozen=True, slots=True)
class SecurityFilter:
    """Criteria for security events; an empty one matches everything."""

    states: tuple[str, ...]
    severities: tuple[str, ...]
    span: Span
    """When it was detected."""

    def matches(self, event: views.SecurityEventDetail) -> bool:
        return (
            (not self.states or event["state"] in self.states)
            and (not self.severities or event["severity"] in self.severities)
            and self.span.since.replace(microsecond=0) <= event["detected_at"] <= self.span.until
        )


def security_events(
    reading: Reading, wanted: SecurityFilter, *, limit: int, after: str | None
) -> Slice[views.SecurityEventDetail]:
    return reading.page(
        SECURITY_EVENTS,
        _event,
        matches=wanted.matches,
        between=_ids(wanted.span),
        limit=limit,
        after=after,
        descending=True,
    )


def only_open(states: Collection[str]) -> bool:
    """Whether only events that are not closed are wanted."""
    return bool(states) and _OPEN.issuperset(states)


def security_event(reading: Reading, security_event_id: str) -> views.SecurityEventDetail:
    """Raises ``ItemNotFound``."""
    return _event(reading.get(SECURITY_EVENTS, security_event_id))


def _ids(span: Span) -> Between:
    """The ids of a span: what the system detects by itself has an id made of the hour, and sorts at its start."""
    return Between(f"{span.since:%Y%m%dT%H}", f"{span.until:%Y%m%dT%H%M%SZ}{_AFTER_TIME}")


def _event(kept: StoredRow) -> views.SecurityEventDetail:
    return rendering.security_event(SecurityStatus.of(kept.record), kept.stamp.sequence)
