"""Security events: what needs attention, and how it was handled."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from watchkeeper.errors import ItemNotFound
from watchkeeper.eventsourcing.aggregate import AggregateRoot, EventData
from watchkeeper.observability import ids
from watchkeeper.observability.events import (
    SecurityEventChange,
    SecurityEventClosed,
    SecurityEventDetected,
    SecurityEventRepeated,
    SecurityEventTriaged,
)
from watchkeeper.observability.models import SecuritySeverity, SecurityState, SecurityStatus, as_json
from watchkeeper.observability.refusals import WrongState, optional_text, require, required_text

LONGEST_SUMMARY = 300
LONGEST_SOURCE = 100
LONGEST_TEXT = 500
"""Of a note, and of a resolution."""

_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


class SecurityEvent(AggregateRoot):
    kind: ClassVar[str] = "SecurityEvent"
    events: ClassVar[tuple[type[EventData], ...]] = (
        SecurityEventDetected,
        SecurityEventRepeated,
        SecurityEventTriaged,
        SecurityEventClosed,
    )

    def __init__(self, aggregate_id: str) -> None:
        super().__init__(aggregate_id)
        self._status: SecurityStatus | None = None

    @property
    def status(self) -> SecurityStatus:
        """Raises ``ItemNotFound`` for one that was never detected."""
        if self._status is None:
            raise ItemNotFound(f"there is no {self.id}")
        return self._status

    def detect(
        self, *, kind: str, severity: SecuritySeverity, summary: str, source: str, at: datetime, count: int = 1
    ) -> None:
        if self._status is not None:
            raise WrongState("the security event is detected already")
        require(
            _KIND.fullmatch(kind) is not None,
            "the kind begins with a letter, and has up to 64 letters, digits, '_', '.' and '-'",
        )
        _check_count(count)
        at = at.replace(microsecond=0)
        self.record(
            SecurityEventDetected(
                SecurityStatus(
                    id=ids.own(self.id),
                    kind=kind,
                    severity=severity,
                    summary=required_text("the summary", summary, LONGEST_SUMMARY),
                    source=required_text("the source", source, LONGEST_SOURCE),
                    state=SecurityState.DETECTED,
                    count=count,
                    detected_at=at,
                    last_seen_at=at,
                )
            )
        )

    def repeat(self, *, severity: SecuritySeverity, at: datetime, count: int = 1) -> None:
        """It happened again; the highest severity wins. An occurrence after it was closed reopens it, since whoever
        closed it did not know about that."""
        _check_count(count)
        at = at.replace(microsecond=0)
        status = self.status
        if status.closed_at is not None and at > status.closed_at:
            status = _reopened(status)
        self.record(
            SecurityEventRepeated(
                replace(
                    status,
                    count=status.count + count,
                    severity=status.severity.or_worse(severity),
                    last_seen_at=max(status.last_seen_at, at),
                )
            )
        )

    def triage(self, *, by: str, now: datetime, note: str = "") -> None:
        if self.status.state is not SecurityState.DETECTED:
            raise WrongState(f"the security event is {self.status.state} already")
        self.record(
            SecurityEventTriaged(
                replace(
                    self.status,
                    state=SecurityState.TRIAGED,
                    triaged_at=now.replace(microsecond=0),
                    triaged_by=by,
                    note=optional_text("the note", note, LONGEST_TEXT),
                )
            )
        )

    def close(self, *, by: str, now: datetime, resolution: str) -> None:
        """Allowed without triage: what is obvious needs none."""
        if self.status.state is SecurityState.CLOSED:
            raise WrongState("the security event is closed already")
        self.record(
            SecurityEventClosed(
                replace(
                    self.status,
                    state=SecurityState.CLOSED,
                    closed_at=now.replace(microsecond=0),
                    closed_by=by,
                    resolution=required_text("the resolution", resolution, LONGEST_TEXT),
                )
            )
        )

    def apply(self, data: EventData) -> None:
        assert isinstance(data, SecurityEventChange)
        self._status = data.security_event

    def state(self) -> dict[str, Any]:
        return {"security_event": as_json(self.status)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._status = SecurityStatus.of(state["security_event"])


def _check_count(count: int) -> None:
    require(count >= 1, "the count is 1 or more")


def _reopened(status: SecurityStatus) -> SecurityStatus:
    """Back in the state before triage."""
    return replace(
        status,
        state=SecurityState.DETECTED,
        triaged_at=None,
        triaged_by=None,
        note=None,
        closed_at=None,
        closed_by=None,
        resolution=None,
    )
