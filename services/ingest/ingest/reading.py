"""One function call's part in reading a source: the lease, the counters, the saved cursor, the errors.

A run of a source may take many calls. Each acquires the upstream's lease, continues from the stored cursor, and
advances it only after everything before it is stored; so a call can be killed at any point.
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
"""A worker that was killed blocks the next one no longer than this."""

LEASE_KEPT_SECONDS = 15
"""The lease is renewed at a save when it is older than this: the longest step between two saves fits into the rest."""

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
    """Unique to the call, which holds the lease under this name."""
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
        """Continue the unfinished run, or start one; returns whether it started one."""
        run = self.source.run
        if run and run.unfinished and mode in (run.mode, RECENT):
            return False
        self.start(mode)
        return True

    def start(self, mode: str) -> None:
        """Start a run, whatever the state of the last one: for what is read in one call."""
        self.source = replace(self.source, run=Run(id=self._caller.id, mode=mode, started_at=self._clock()))

    def count(self, *, fetched: int = 0, stored: int = 0, unchanged: int = 0) -> None:
        run = self.run
        counted = replace(
            run, fetched=run.fetched + fetched, stored=run.stored + stored, unchanged=run.unchanged + unchanged
        )
        self.source = replace(self.source, run=counted)

    def refuse(self, refused: RowRefused) -> None:
        """Count and record a row that was refused; the reading continues."""
        counted = with_counts(self.run, [refused])
        self.source = with_refusals(replace(self.source, run=counted), [refused], self._clock())

    def note_gap(self, reason: str) -> None:
        """Report in ``/freshness`` that something may be missing."""
        gaps = (*self.source.gaps, Gap(self._clock(), reason))[-_KEPT_GAPS:]
        self.source = replace(self.source, gaps=gaps)

    def save(self, cursor: Mapping[str, Any]) -> None:
        """Store the cursor, if it moved. Raises ``LeaseTaken`` if somebody else has taken over."""
        self.keep_lease()
        self.source = replace(self.source, cursor=cursor)
        if self.source != self._stored:
            self._progress.save(self.source)
            self._stored = self.source

    def go_live(self) -> None:
        """The history is complete."""
        self.source = replace(self.source, phase=LIVE)

    def finish(self, cursor: Mapping[str, Any], *, complete: bool) -> None:
        """End the run; ``complete`` when it read everything there was, which closes the gaps noted before it."""
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
        """Called before each write: raises ``LeaseTaken`` if another worker reads this upstream by now."""
        now = self._clock()
        if (now - self._lease_kept).total_seconds() >= LEASE_KEPT_SECONDS:
            self._progress.take_lease(self._upstream, self._caller.id, now=now, seconds=LEASE_SECONDS)
            self._lease_kept = now

    def fail(self, error: UpstreamError) -> None:
        """Record the error on the source as it is stored now, since another call may have continued in the meantime;
        with the rows refused so far, which may be the cause."""
        stored = self._progress.source(self.source.name)
        self._progress.save(failed(replace(stored, refusals=self.source.refusals), error, self._clock()))


@contextmanager
def reading(name: str, upstream: str, progress: ProgressRepository, caller: Caller, clock: Clock) -> Iterator[Reading]:
    """Read a source while holding the lease on its upstream. Raises ``LeaseTaken`` if another worker holds it.

    An ``UpstreamError`` is recorded on the source, whose cursor stays where it was last saved, and re-raised.
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
    """The run with this many more refused, by reason; reasons beyond the first ones are counted together."""
    for one in refused:
        reason = one.reason[:_KEPT_CHARACTERS]
        if reason not in run.reasons and len(run.reasons) >= _KEPT_REASONS:
            reason = _OTHER
        run = replace(run, refused=run.refused + 1, reasons={**run.reasons, reason: run.reasons.get(reason, 0) + 1})
    return run


def with_refusals(source: Source, refused: Sequence[RowRefused], now: datetime) -> Source:
    """The source with the last of the refused rows."""
    told = (Refusal(one.subject[:_KEPT_CHARACTERS], one.reason[:_KEPT_CHARACTERS], now) for one in refused)
    return replace(source, refusals=(*source.refusals, *told)[-_KEPT_REFUSALS:])


def failed(source: Source, error: UpstreamError, now: datetime) -> Source:
    """The source as ``/freshness`` shows it after a failed attempt; that the circuit breaker is open says less than the
    error that opened it."""
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
