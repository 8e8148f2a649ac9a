"""The health of each upstream and service: the worst of the reasons there are against it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from watchkeeper.errors import ItemNotFound
from watchkeeper.eventsourcing.aggregate import AggregateRoot, EventData
from watchkeeper.observability import ids
from watchkeeper.observability.events import HealthChanged
from watchkeeper.observability.models import ComponentKind, Health, HealthStatus, Reason, as_json
from watchkeeper.observability.refusals import require

MAX_REASONS = 20
"""The worst are kept."""

LONGEST_TEXT = 200

_COMPONENT = re.compile(rf"(?:{'|'.join(ComponentKind)})/[a-z][a-z0-9-]{{0,31}}")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,127}")


class SystemHealth(AggregateRoot):
    """The health of one component, ``upstream/<name>`` or ``service/<name>``.

    What is reported again is not recorded again, so a report that comes late is known as such only if it is older than
    what is recorded under its key.
    """

    kind: ClassVar[str] = "SystemHealth"
    events: ClassVar[tuple[type[EventData], ...]] = (HealthChanged,)

    def __init__(self, aggregate_id: str) -> None:
        super().__init__(aggregate_id)
        self.component = ids.own(aggregate_id)
        self._health: Health | None = None

    @property
    def health(self) -> Health:
        """Raises ``ItemNotFound`` for one nobody ever reported of."""
        if self._health is None:
            raise ItemNotFound(f"there is no {self.id}")
        return self._health

    def report(self, key: str, status: HealthStatus, text: str, at: datetime) -> None:
        """Set the reason of that key, or take it away if the status is healthy."""
        require(_COMPONENT.fullmatch(self.component) is not None, "there is no such component")
        require(_KEY.fullmatch(key) is not None, "a reason's key has up to 128 letters, digits and '_.:/@+-'")
        at = at.replace(microsecond=0)
        reasons = {reason.key: reason for reason in self._health.reasons} if self._health else {}
        known = reasons.pop(key, None)
        if known and at < known.since:
            return
        if status is not HealthStatus.HEALTHY:
            unchanged = known if known and known.status is status else None
            reasons[key] = unchanged or Reason(key, status, text.strip()[:LONGEST_TEXT], at)
        self._become(_worst_first(reasons.values()), at)

    def apply(self, data: EventData) -> None:
        assert isinstance(data, HealthChanged)
        self._health = data.health

    def state(self) -> dict[str, Any]:
        return {"health": as_json(self.health)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._health = Health.of(state["health"])

    def _become(self, reasons: tuple[Reason, ...], at: datetime) -> None:
        status = reasons[0].status if reasons else HealthStatus.HEALTHY
        before = self._health
        if before is None:
            self.record(HealthChanged(Health(self.component, self._kind, status, at, reasons)))
        elif before.status is not status:
            since = max(at, before.since)
            self.record(
                HealthChanged(replace(before, status=status, since=since, reasons=reasons, previous=before.status))
            )
        elif _told(before.reasons) != _told(reasons):
            self.record(HealthChanged(replace(before, reasons=reasons)))

    @property
    def _kind(self) -> ComponentKind:
        return ComponentKind(self.component.partition("/")[0])


def _told(reasons: Iterable[Reason]) -> set[tuple[str, HealthStatus]]:
    return {(reason.key, reason.status) for reason in reasons}


def _worst_first(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Of equally bad ones the oldest first, so that what is new does not drive out what is known."""
    return tuple(sorted(reasons, key=lambda one: (-one.status.badness, one.since, one.key))[:MAX_REASONS])
