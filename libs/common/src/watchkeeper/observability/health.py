"""The health of each upstream and service: as bad as the worst reason against it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from watchkeeper.clock import from_iso
from watchkeeper.errors import ItemNotFound
from watchkeeper.eventsourcing.aggregate import AggregateRoot, EventData
from watchkeeper.observability import ids
from watchkeeper.observability.events import HealthChanged
from watchkeeper.observability.models import ComponentKind, Health, HealthStatus, Reason, Recovery, as_json
from watchkeeper.observability.refusals import require

MAX_REASONS = 200
"""The worst are kept. It is far more than the reasons of all sources of an upstream, since a turn that is cut is lost;
an event with so many of the longest is still small enough for a bus."""

LONGEST_TEXT = 200

_COMPONENT = re.compile(rf"(?:{'|'.join(ComponentKind)})/[a-z][a-z0-9-]{{0,31}}")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,127}")


class SystemHealth(AggregateRoot):
    """The health of one component, ``upstream/<name>`` or ``service/<name>``.

    A repeated report is not recorded again, so a late one is recognised only if something as recent is recorded under
    its key. For reports that repeat periodically, the next one corrects that. A report that is made only once, on
    change, is a turn: every turn is recorded, so the latest wins in whatever order they arrive. Of two reports of the
    same second, the healthy one wins.
    """

    kind: ClassVar[str] = "SystemHealth"
    events: ClassVar[tuple[type[EventData], ...]] = (HealthChanged,)

    def __init__(self, aggregate_id: str) -> None:
        super().__init__(aggregate_id)
        self.component = ids.own(aggregate_id)
        self._health: Health | None = None
        self._recovered: dict[str, datetime] = {}
        """When each key was last recorded as healthy."""

    @property
    def health(self) -> Health:
        """Raises ``ItemNotFound`` for one that was never reported."""
        if self._health is None:
            raise ItemNotFound(f"there is no {self.id}")
        return self._health

    def report(self, key: str, status: HealthStatus, text: str, at: datetime, *, is_turn: bool = False) -> None:
        """Set the reason with that key, or remove it if the status is healthy."""
        require(_COMPONENT.fullmatch(self.component) is not None, "there is no such component")
        require(_KEY.fullmatch(key) is not None, "a reason's key has up to 128 letters, digits and '_.:/@+-'")
        at = at.replace(microsecond=0)
        reasons = {reason.key: reason for reason in self._health.reasons} if self._health else {}
        known = reasons.pop(key, None)
        if self._is_late(key, known, at):
            return
        if status is not HealthStatus.HEALTHY:
            lasts = known if known and known.status is status and not is_turn else None
            reasons[key] = lasts or Reason(key, status, text.strip()[:LONGEST_TEXT], at)
        health = self._with(_worst_first(reasons.values()), at)
        if is_turn or self._health is None or _told(self._health.reasons) != _told(health.reasons):
            self.record(HealthChanged(health, Recovery(key, at) if status is HealthStatus.HEALTHY else None))

    def apply(self, data: EventData) -> None:
        assert isinstance(data, HealthChanged)
        self._health = data.health
        if data.recovery:
            self._recovered[data.recovery.key] = data.recovery.at

    def state(self) -> dict[str, Any]:
        return {"health": as_json(self.health), "recovered": as_json(self._recovered)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._health = Health.of(state["health"])
        self._recovered = {key: from_iso(at) for key, at in state["recovered"].items()}

    def _is_late(self, key: str, known: Reason | None, at: datetime) -> bool:
        """Whether something newer is recorded, or the key is recorded as healthy in the same second."""
        recovered = self._recovered.get(key)
        return (known is not None and at < known.since) or (recovered is not None and at <= recovered)

    def _with(self, reasons: tuple[Reason, ...], at: datetime) -> Health:
        status = reasons[0].status if reasons else HealthStatus.HEALTHY
        before = self._health
        if before is None:
            return Health(self.component, self._kind, status, at, reasons)
        if before.status is status:
            return replace(before, reasons=reasons)
        return replace(before, status=status, since=max(at, before.since), reasons=reasons, previous=before.status)

    @property
    def _kind(self) -> ComponentKind:
        return ComponentKind(self.component.partition("/")[0])


def _told(reasons: Iterable[Reason]) -> set[tuple[str, HealthStatus]]:
    return {(reason.key, reason.status) for reason in reasons}


def _worst_first(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Of equally bad ones the oldest first, so that new reasons do not displace known ones."""
    return tuple(sorted(reasons, key=lambda one: (-one.status.badness, one.since, one.key))[:MAX_REASONS])
