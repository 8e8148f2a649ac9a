"""Recording metrics: the commands of one series in sequence, different series in parallel."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from api.observability import views
from api.observability.commands.bodies import NewMetric, Unreadable
from watchkeeper import correlation
from watchkeeper.errors import DatabaseError, HistoryError, LimitExceeded, Unavailable, WatchkeeperError
from watchkeeper.eventsourcing.event import Cause
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.eventsourcing.store import ConcurrencyConflict
from watchkeeper.logs import logger
from watchkeeper.observability import ids
from watchkeeper.observability.metrics import MAX_VALUES, TOO_MUCH_NEWER, Metric, Sample
from watchkeeper.observability.series import Series

AT_ONCE = 8
"""Series that are written in parallel; an AWS client has ten connections."""

SECONDS_PER_COMMAND = 0.02
"""The additional time that a request gets for each of its commands."""

AGAIN = "there was not enough time, or there were concurrent changes: try again"
UNREADABLE = "the series cannot be read; an operator must look into it"


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The identity and cause of a request, which all of its commands share."""

    id: str | None
    """``None`` for a request whose retries cannot be recognised."""
    cause: Cause
    issued_at: datetime
    """When the request was first made. The age of values is measured at this time, so that it does not depend on the
    number of retries."""


@dataclass(slots=True)
class Outcome:
    """The results for the metrics of a request."""

    results: list[views.TakenOrNot]
    failures: list[WatchkeeperError] = field(default_factory=list)
    """The reasons for temporary failures."""
    unreadable: list[HistoryError] = field(default_factory=list)
    """The reasons why series cannot be read."""

    @property
    def taken(self) -> int:
        return sum(result["taken"] for result in self.results)

    @property
    def is_last_word(self) -> bool:
        """Whether a retry would have the same results."""
        return not self.failures

    def view(self) -> views.Recorded:
        return views.Recorded(taken=self.taken, refused=len(self.results) - self.taken, results=self.results)


@dataclass(slots=True)
class _OfSeries:
    """The metrics of a request that belong to one series."""

    series: Series
    samples: list[tuple[int, Sample]] = field(default_factory=list)
    """With their positions in the request."""
    results: list[views.TakenOrNot] = field(default_factory=list)
    failure: WatchkeeperError | None = None
    """The reason for a temporary failure."""
    unreadable: HistoryError | None = None
    """The reason why the series cannot be read."""

    def record(self, metrics: EventSourcedRepository[Metric], request: RequestContext) -> None:
        """In order of time, with as many values per command as an event holds. After a temporary failure the remaining
        commands fail too: their values are newer, and alerts ignore older values that arrive later."""
        with correlation.following(request.cause.correlation_id):  # a new thread does not inherit it
            for number, part in enumerate(self._parts(), 1):
                places, samples = zip(*part, strict=True)
                reasons = [AGAIN] * len(part) if self.failure else self._attempt(metrics, request, number, samples)
                self.results += map(_result, places, reasons)

    def _parts(self) -> Iterator[Sequence[tuple[int, Sample]]]:
        """Deterministic for the same request, so that each part is identified by its number."""
        in_order = sorted(self.samples, key=lambda one: one[1].at)
        return (in_order[first : first + MAX_VALUES] for first in range(0, len(in_order), MAX_VALUES))

    def _attempt(
        self, metrics: EventSourcedRepository[Metric], request: RequestContext, number: int, samples: Sequence[Sample]
    ) -> Sequence[str | None]:
        """For each sample the reason why it was not recorded, or ``None``."""
        try:
            return self._take(metrics, request, number, samples)
        except LimitExceeded as error:
            reason = str(error)
        except HistoryError as error:
            logger.error("a series cannot be read", series=self.series.text, reason=str(error))
            self.unreadable, reason = error, UNREADABLE
        except (ConcurrencyConflict, DatabaseError) as error:
            self.failure, reason = error, AGAIN
        return [reason] * len(samples)

    def _take(
        self, metrics: EventSourcedRepository[Metric], request: RequestContext, number: int, samples: Sequence[Sample]
    ) -> Sequence[str | None]:
        """For each sample the reason why it was not recorded, or ``None``.

        The reasons for a command that was processed before are determined again. Only ``TOO_MUCH_NEWER`` can have
        arisen since, so it counts as recorded. That is wrong for a sample that was rejected for this reason at first,
        while others of its command were recorded, and if the first response was never stored."""
        reasons: list[str | None] = []

        def take(metric: Metric) -> None:
            reasons[:] = metric.take(samples, request.issued_at)

        processed = metrics.process(
            ids.metric(self.series),
            take,
            cause=request.cause,
            command_id=f"{request.id}/{self.series.text}/{number}" if request.id else None,
            issued_at=request.issued_at,
        )
        if processed.already_processed:
            return [None if reason == TOO_MUCH_NEWER else reason for reason in reasons]
        return reasons


def commands_of(sent: Sequence[NewMetric | Unreadable]) -> int:
    """How many commands it takes to record them."""
    counts = Counter(_series(metric).text for metric in sent if isinstance(metric, NewMetric))
    return sum(-(-count // MAX_VALUES) for count in counts.values())


def record(
    metrics: EventSourcedRepository[Metric], sent: Sequence[NewMetric | Unreadable], request: RequestContext
) -> Outcome:
    """Record what can be recorded. When nothing was, it raises ``DatabaseError`` if a failure is temporary, and
    ``HistoryError`` if a series cannot be read."""
    found = _by_series(sent, request.issued_at)
    _record_all(metrics, found, request)
    refused = [_result(place, _why(one)) for place, one in enumerate(sent) if isinstance(one, Unreadable)]
    results = [*refused, *(result for of_series in found for result in of_series.results)]
    outcome = Outcome(
        sorted(results, key=lambda result: result["index"]),
        [one.failure for one in found if one.failure],
        [one.unreadable for one in found if one.unreadable],
    )
    if outcome.failures:
        reasons = Counter(type(error).__name__ for error in outcome.failures)
        logger.warning("series were not appended to", reasons=reasons)
    if outcome.failures and not outcome.taken:
        raise _told(outcome.failures)
    if outcome.unreadable and not outcome.taken:
        raise outcome.unreadable[0]
    return outcome


def _record_all(metrics: EventSourcedRepository[Metric], found: Sequence[_OfSeries], request: RequestContext) -> None:
    if len(found) == 1:
        found[0].record(metrics, request)
    elif found:
        with ThreadPoolExecutor(min(AT_ONCE, len(found))) as pool:
            list(pool.map(lambda one: one.record(metrics, request), found))


def _by_series(sent: Sequence[NewMetric | Unreadable], now: datetime) -> list[_OfSeries]:
    found: dict[str, _OfSeries] = {}
    for place, metric in enumerate(sent):
        if isinstance(metric, NewMetric):
            series = _series(metric)
            of_series = found.setdefault(series.text, _OfSeries(series))
            of_series.samples.append((place, Sample(metric.at or now, metric.value, metric.unit)))
    return list(found.values())


def _series(metric: NewMetric) -> Series:
    return Series.named(metric.name, metric.dimensions)


def _why(unreadable: Unreadable) -> str:
    return f"{unreadable.member}: {unreadable.reason}" if unreadable.member else unreadable.reason


def _result(place: int, reason: str | None) -> views.TakenOrNot:
    if reason is None:
        return views.TakenOrNot(index=place, taken=True)
    if reason == AGAIN:
        return views.TakenOrNot(index=place, taken=False, reason=reason, again=True)
    return views.TakenOrNot(index=place, taken=False, reason=reason)


def _told(failures: Sequence[WatchkeeperError]) -> WatchkeeperError:
    """The error to raise for all of them: one that may be retried, if any may."""
    passing = next((error for error in failures if isinstance(error, Unavailable | ConcurrencyConflict)), None)
    if isinstance(passing, ConcurrencyConflict):
        return Unavailable(str(passing))
    return passing or failures[0]
