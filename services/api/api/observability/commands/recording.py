"""Taking metrics: those of a series in one append, those of different series beside each other."""

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from api.observability import views
from api.observability.commands.bodies import NewMetric, Unreadable
from watchkeeper import correlation
from watchkeeper.errors import DatabaseError, LimitExceeded, Unavailable, WatchkeeperError
from watchkeeper.eventsourcing.event import Cause
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.eventsourcing.store import ConcurrencyConflict
from watchkeeper.logs import logger
from watchkeeper.observability import ids
from watchkeeper.observability.metrics import Metric, Sample
from watchkeeper.observability.series import Series

AT_ONCE = 8
"""Series that are appended to at the same time; a client of AWS has ten connections."""

SECONDS_PER_SERIES = 0.02
"""That a request may take longer for each series it is about."""

AGAIN = "there was no time for it, or others were faster: try again"


@dataclass(frozen=True, slots=True)
class Command:
    """Whose request it is, and what it follows from."""

    id: str | None
    """None of a request that cannot be told when it comes again."""
    cause: Cause
    now: datetime
    given_at: datetime | None = None
    """No later than the request came first; None where its id is."""


@dataclass(slots=True)
class Outcome:
    """What became of the metrics of a request."""

    results: list[views.TakenOrNot]
    failures: list[WatchkeeperError] = field(default_factory=list)
    """Why some were not taken for now."""

    @property
    def taken(self) -> int:
        return sum(result["taken"] for result in self.results)

    @property
    def is_last_word(self) -> bool:
        """Whether the same metrics would become of the same if they were sent again."""
        return not self.failures

    def view(self) -> views.Recorded:
        return views.Recorded(taken=self.taken, refused=len(self.results) - self.taken, results=self.results)


@dataclass(slots=True)
class _OfSeries:
    """The metrics of a request that are of one series."""

    series: Series
    places: list[int] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    reasons: list[str | None] = field(default_factory=list)
    failure: WatchkeeperError | None = None

    def record(self, metrics: EventSourcedRepository[Metric], command: Command) -> None:
        def take(metric: Metric) -> None:
            self.reasons = metric.take(self.samples, command.now)

        command_id = f"{command.id}/{self.series.text}" if command.id else None
        try:
            with correlation.following(command.cause.correlation_id):  # a thread does not know it
                metrics.execute(
                    ids.metric(self.series),
                    take,
                    cause=command.cause,
                    command_id=command_id,
                    given_at=command.given_at,
                )
        except LimitExceeded as error:
            self.reasons = [str(error)] * len(self.samples)
        except (ConcurrencyConflict, DatabaseError) as error:
            self.failure = error

    def results(self) -> Iterable[views.TakenOrNot]:
        if self.failure:
            return (_not_now(place) for place in self.places)
        return (_result(place, reason) for place, reason in zip(self.places, self.reasons, strict=True))


def series_of(sent: Sequence[NewMetric | Unreadable]) -> int:
    """How many series they are of."""
    return len({_series(metric).text for metric in sent if isinstance(metric, NewMetric)})


def record(
    metrics: EventSourcedRepository[Metric], sent: Sequence[NewMetric | Unreadable], command: Command
) -> Outcome:
    """Take what can be. Raises ``DatabaseError`` when nothing was taken, and something only for now."""
    found = _by_series(sent, command.now)
    _record_all(metrics, found, command)
    refused = [_result(place, _why(one)) for place, one in enumerate(sent) if isinstance(one, Unreadable)]
    results = [*refused, *(result for of_series in found for result in of_series.results())]
    outcome = Outcome(
        sorted(results, key=lambda result: result["index"]), [one.failure for one in found if one.failure]
    )
    if outcome.failures:
        reasons = Counter(type(error).__name__ for error in outcome.failures)
        logger.warning("series were not appended to", reasons=reasons)
    if outcome.failures and not outcome.taken:
        raise _told(outcome.failures)
    return outcome


def _record_all(metrics: EventSourcedRepository[Metric], found: Sequence[_OfSeries], command: Command) -> None:
    if len(found) == 1:
        found[0].record(metrics, command)
    elif found:
        with ThreadPoolExecutor(min(AT_ONCE, len(found))) as pool:
            list(pool.map(lambda one: one.record(metrics, command), found))


def _by_series(sent: Sequence[NewMetric | Unreadable], now: datetime) -> list[_OfSeries]:
    found: dict[str, _OfSeries] = {}
    for place, metric in enumerate(sent):
        if isinstance(metric, NewMetric):
            series = _series(metric)
            of_series = found.setdefault(series.text, _OfSeries(series))
            of_series.places.append(place)
            of_series.samples.append(Sample(metric.at or now, metric.value, metric.unit))
    return list(found.values())


def _series(metric: NewMetric) -> Series:
    return Series.named(metric.name, metric.dimensions)


def _why(unreadable: Unreadable) -> str:
    return f"{unreadable.member}: {unreadable.reason}" if unreadable.member else unreadable.reason


def _result(place: int, reason: str | None) -> views.TakenOrNot:
    if reason is None:
        return views.TakenOrNot(index=place, taken=True)
    return views.TakenOrNot(index=place, taken=False, reason=reason)


def _not_now(place: int) -> views.TakenOrNot:
    return views.TakenOrNot(index=place, taken=False, reason=AGAIN, again=True)


def _told(failures: Sequence[WatchkeeperError]) -> WatchkeeperError:
    """What is to be told of them all: that it may go through later, if that is so of any."""
    passing = next((error for error in failures if isinstance(error, Unavailable | ConcurrencyConflict)), None)
    if isinstance(passing, ConcurrencyConflict):
        return Unavailable(str(passing))
    return passing or failures[0]
