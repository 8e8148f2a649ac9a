"""One function call's part in reading a source: the lease, the counters, the saved cursor, the errors.

A run of a source may take many calls. Each takes the upstream's lease, goes on from the stored cursor, and stores the
cursor again after everything before it is stored; so a call can be killed anywhere.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ingest.errors import RowRefused, UpstreamBlocked, UpstreamError, UpstreamResting
from watchkeeper.clock import Clock
from watchkeeper.progress import (
    LIVE,
    LOADING,
    Gap,
    ProgressRepository,
    Refusal,
    Run,
    Source,
)

LEASE_SECONDS = 150
"""A worker that was killed holds up the next one no longer than this."""

LEASE_KEPT_SECONDS = 15
"""Kept again at a save when it is older than this: the longest step between two saves fits into the rest."""

MARGIN_SECONDS = 120
"""A call with less time left than this stops at the next save: the longest step, retries included, fits into it."""

RECENT = "recent"
REFRESH = "refresh"
FULL = "full"
MODES = (RECENT, REFRESH, FULL)

_KEPT_REFUSALS = 20
_KEPT_GAPS = 20
_KEPT_CHARACTERS = 500
_KEPT_REASONS = 20
_OTHER = "other"


@dataclass(frozen=True, slots=True)
class Caller:
    """The function call that does the work."""

    id: str
    """Unique to the call: it holds the lease under this name."""
    seconds_left: Callable[[], float]


class Reading:
    """Use as a context manager through ``reading``."""

    def __init__(
        self, source: Source, upstream: str, progress: ProgressRepository, caller: Caller, clock: Clock
    ) -> None:
        self.source = source
        self._stored = source
        self._upstream = upstream
        self._progress = progress
        self._caller = caller
        self._clock = clock
        self._lease_kept = clock()

    @property
    def loading(self) -> bool:
        return self.source.phase == LOADING

    @property
    def cursor(self) -> Mapping[str, Any]:
        return self.source.cursor

    @property
    def run(self) -> Run:
        if self.source.run is None:
            raise AssertionError("a reading begins with a run")
        return self.source.run

    def begin(self, mode: str) -> bool:
        """Go on with the run that is unfinished, or start one; says whether it started one."""
        run = self.source.run
        if run and run.unfinished and mode in (run.mode, RECENT):
            return False
        self.start(mode)
        return True

    def start(self, mode: str) -> None:
        """Start a run, whatever became of the last one: for what is read in one call."""
        self.source = replace(self.source, run=Run(id=self._caller.id, mode=mode, started_at=self._clock()))

    def count(self, *, fetched: int = 0, stored: int = 0, unchanged: int = 0) -> None:
        run = self.run
        counted = replace(
            run, fetched=run.fetched + fetched, stored=run.stored + stored, unchanged=run.unchanged + unchanged
        )
        self.source = replace(self.source, run=counted)

    def refuse(self, refused: RowRefused) -> None:
        """Count a row that could not be taken and keep word of it; the reading goes on."""
        counted = with_counts(self.run, [refused])
        self.source = with_refusals(replace(self.source, run=counted), [refused], self._clock())

    def note_gap(self, reason: str) -> None:
        """Say in ``/freshness`` that something may be missing."""
        gaps = (*self.source.gaps, Gap(self._clock(), reason))[-_KEPT_GAPS:]
        self.source = replace(self.source, gaps=gaps)

    def save(self, cursor: Mapping[str, Any]) -> None:
        """Store how far the reading is, if it moved. Raises ``LeaseTaken`` if somebody else reads on by now."""
        self.keep_lease()
        self.source = replace(self.source, cursor=cursor)
        if self.source != self._stored:
            self._progress.save(self.source)
            self._stored = self.source

    def go_live(self) -> None:
        """The history is here."""
        self.source = replace(self.source, phase=LIVE)

    def finish(self, cursor: Mapping[str, Any], *, complete: bool) -> None:
        """End the run; ``complete`` when it read all there was, which fills the gaps noted before it."""
        run = replace(self.run, finished_at=self._clock())
        gaps = tuple(gap for gap in self.source.gaps if not complete or gap.since > run.started_at)
        self.source = replace(
            self.source,
            run=run,
            last_success=run.started_at,
            error=None,
            failing_since=None,
            blocked_since=None,
            failures=0,
            gaps=gaps,
        )
        self.save(cursor)

    def out_of_time(self) -> bool:
        return self._caller.seconds_left() < MARGIN_SECONDS

    def keep_lease(self) -> None:
        """Before each write: raises ``LeaseTaken`` when somebody else reads this upstream by now."""
        now = self._clock()
        if (now - self._lease_kept).total_seconds() >= LEASE_KEPT_SECONDS:
            self._progress.take_lease(self._upstream, self._caller.id, now=now, seconds=LEASE_SECONDS)
            self._lease_kept = now

    def fail(self, error: UpstreamError) -> None:
        """Note the error on the source as it is stored, for another call may have read on in the meantime; with what
        was refused up to here, which can be why."""
        stored = self._progress.source(self.source.name)
        self._progress.save(failed(replace(stored, refusals=self.source.refusals), error, self._clock()))


@contextmanager
def reading(name: str, upstream: str, progress: ProgressRepository, caller: Caller, clock: Clock) -> Iterator[Reading]:
    """Read a source as the only one who reads its upstream. Raises ``LeaseTaken`` when somebody does already.

    An ``UpstreamError`` is noted on the source, whose cursor stays where it was saved last, and raised on.
    """
    progress.take_lease(upstream, caller.id, now=clock(), seconds=LEASE_SECONDS)
    try:
        current = Reading(progress.source(name), upstream, progress, caller, clock)
        try:
            yield current
        except UpstreamError as error:
            current.fail(error)
            raise
    finally:
        progress.end_lease(upstream, caller.id)


def with_counts(run: Run, refused: Iterable[RowRefused]) -> Run:
    """The run with so many more refused, by reason; those beyond the first reasons are all of one."""
    for one in refused:
        reason = one.reason[:_KEPT_CHARACTERS]
        if reason not in run.reasons and len(run.reasons) >= _KEPT_REASONS:
            reason = _OTHER
        run = replace(run, refused=run.refused + 1, reasons={**run.reasons, reason: run.reasons.get(reason, 0) + 1})
    return run


def with_refusals(source: Source, refused: Sequence[RowRefused], now: datetime) -> Source:
    """The source with word of the last of what could not be taken."""
    told = (Refusal(one.subject[:_KEPT_CHARACTERS], one.reason[:_KEPT_CHARACTERS], now) for one in refused)
    return replace(source, refusals=(*source.refusals, *told)[-_KEPT_REFUSALS:])


def failed(source: Source, error: UpstreamError, now: datetime) -> Source:
    """The source as ``/freshness`` shows it after a failed attempt; why it rests says less than what made it rest."""
    reason = source.error if isinstance(error, UpstreamResting) and source.error else str(error)[:500]
    blocked = source.blocked_since if isinstance(error, UpstreamResting) else None
    if isinstance(error, UpstreamBlocked):
        blocked = source.blocked_since or now
    return replace(
        source,
        error=reason,
        failing_since=source.failing_since or now,
        blocked_since=blocked,
        failures=source.failures + 1,
    )
