"""Requesting pollenations on the bus.

The events of one run have the same ids in every retry: their cause is the run and the asset. A duplicate event costs
its consumer a read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol

from scheduler.markets.choosing import Choice, Need, choose_regular, choose_reported, reports_since, to_process
from scheduler.markets.occurrences import Occurrence, occurrence_of
from scheduler.markets.room import Room
from scheduler.markets.scoring import FRESH
from watchkeeper import correlation
from watchkeeper.clock import Clock, utc_now
from watchkeeper.dynamodb import Value
from watchkeeper.events import DeliveryFailed, DomainEvent, EventPublisher
from watchkeeper.logs import logger
from watchkeeper.markets.events import PollenationNeeded, Reason, domain_event
from watchkeeper.markets.models import ACTIVE, Asset, Earnings
from watchkeeper.metrics import POLLENATIONS_LEFT_OUT, POLLENATIONS_NEEDED, measure

EVENTS_AT_ONCE = 500
"""The number the publisher's patience is meant for."""


class Calendar(Protocol):
    def between(self, first: date, last: date) -> Iterator[tuple[str, Earnings]]: ...


class Assets(Protocol):
    def get_many(self, symbols: Iterable[str]) -> dict[str, Asset]: ...

    def stalest(self, status: str, *, until: datetime | None = None) -> Iterator[tuple[dict[str, Value], Asset]]: ...


class Window(Protocol):
    def refuse(self, now: datetime) -> None:
        """Raises ``MaintenanceWindow`` during the window."""


Choose = Callable[[datetime], Choice]


@dataclass(frozen=True, slots=True)
class Reported:
    """Companies that have reported, and whose fundamentals are incomplete."""

    calendar: Calendar
    assets: Assets
    room: Room

    def __call__(self, now: datetime) -> Choice:
        today = now.astimezone(UTC).date()
        reports = to_process(report for _, report in self.calendar.between(reports_since(today), today))
        return choose_reported(reports, self.assets.get_many(reports), now, self.room.of_a_day())


@dataclass(frozen=True, slots=True)
class Regular:
    """The best use of the rest of the day's budget. Volume alone does not determine the order, so all assets that were
    not pollenated within a day are considered, by the index that has these with all attributes."""

    assets: Assets
    room: Room

    def __call__(self, now: datetime) -> Choice:
        room = self.room.of_today(now)
        stale = self.assets.stalest(ACTIVE, until=now - FRESH)
        return choose_regular((asset for _, asset in stale), now, room)


class Trigger:
    def __init__(
        self,
        reason: Reason,
        choose: Choose,
        publisher: EventPublisher,
        maintenance: Window,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._reason = reason
        self._choose = choose
        self._publisher = publisher
        self._maintenance = maintenance
        self._clock = clock

    def count(self) -> Choice:
        """What a run would publish now; nothing is published."""
        return self._choose(self._clock())

    def run(self, event: Mapping[str, Any]) -> Choice:
        """What was published. Raises ``MaintenanceWindow``, and ``DeliveryFailed`` if some events could not be
        published: a retry of the run publishes them under the same ids, as far as there is room then, and the next run
        those that are still needed."""
        now = self._clock()
        self._maintenance.refuse(now)
        choice = self._choose(now)
        occurrence = occurrence_of(event, now)
        self._tell([_event(need, occurrence) for need in choice.needs], choice.left_out)
        return choice

    def _tell(self, events: Sequence[DomainEvent], left_out: int) -> None:
        failed = 0
        try:
            _publish(events, self._publisher)
        except DeliveryFailed as failure:
            failed = len(failure.failed)
            raise
        finally:
            told = len(events) - failed
            measure(POLLENATIONS_NEEDED, told, reason=self._reason)
            measure(POLLENATIONS_LEFT_OUT, left_out, reason=self._reason)
            logger.info("pollenations chosen", reason=self._reason, told=told, failed=failed, left_out=left_out)


def _event(need: Need, occurrence: Occurrence) -> DomainEvent:
    return domain_event(
        PollenationNeeded(symbol=need.symbol, reason=need.reason, score=need.score),
        cause=f"{need.reason}/{occurrence.name}/{need.symbol}",
        occurred_at=occurrence.at,
        correlation_id=correlation.current(),
    )


def _publish(events: Sequence[DomainEvent], publisher: EventPublisher) -> None:
    """If none of a chunk can be delivered, the chunks after it are not tried."""
    failures: list[DeliveryFailed] = []
    for start in range(0, len(events), EVENTS_AT_ONCE):
        chunk = events[start : start + EVENTS_AT_ONCE]
        try:
            publisher.publish(chunk)
        except DeliveryFailed as failure:
            failures.append(failure)
            if len(failure.failed) == len(chunk):
                failures.append(DeliveryFailed(events[start + EVENTS_AT_ONCE :], "they were not tried"))
                break
    if failed := [event for failure in failures for event in failure.failed]:
        raise DeliveryFailed(failed, str(failures[0]))
