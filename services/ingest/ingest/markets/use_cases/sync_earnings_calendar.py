"""Bring the earnings calendar up to date. A fiscal period is reported once: a new date replaces the old one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from ingest.markets.alphavantage import AlphaVantage
from ingest.markets.calendar import parse_calendar
from ingest.reading import FULL, Reading
from watchkeeper.clock import Clock
from watchkeeper.errors import ConditionFailed
from watchkeeper.logs import logger
from watchkeeper.markets.models import Earnings
from watchkeeper.markets.repositories.earnings import EarningsRepository

HORIZON = "3month"

BEHIND = timedelta(days=120)
"""A report that did not come on its date can still be announced for another, but not after this time."""

AHEAD = timedelta(days=400)
"""Further than the upstream's horizon ever reaches."""

BELIEVED = 0.8
"""With less than this share of the last calendar's reports, missing ones do not count as withdrawn."""

FORGETTING = 0.9
"""A calendar that stays short is accepted after some days: each day, the number it is compared with shrinks to this
share."""

_LISTED = "listed"

_Place = tuple[str, date]
"""A symbol and a date: of the report, or the end of the fiscal period."""


@dataclass(frozen=True, slots=True)
class Move:
    before: Earnings
    told: Earnings

    @property
    def moved(self) -> Earnings:
        return replace(self.told, moved_from=self.before.earnings_date, processed_at=self.before.processed_at)


@dataclass(frozen=True, slots=True)
class EarningsCalendarSync:
    client: AlphaVantage
    earnings: EarningsRepository
    clock: Clock

    def read(self, reading: Reading) -> None:
        """Raises ``UpstreamError``; then nothing is stored."""
        reading.start(FULL)
        calendar = parse_calendar(self.client.earnings_calendar(HORIZON))
        for refused in calendar.refused:
            reading.refuse(refused)
        today = self.clock().date()
        known = self._known(today)
        reading.keep_lease()
        written = self._store(calendar.rows, known)
        withdrawn = self._withdraw(calendar.rows, known, today, reading)
        reading.count(
            fetched=len(calendar.rows) + len(calendar.refused),
            stored=written + withdrawn,
            unchanged=len(calendar.rows) - written,
        )
        reading.go_live()
        listed = max(len(calendar.rows), int(FORGETTING * int(reading.cursor.get(_LISTED, 0))))
        reading.finish({_LISTED: listed}, complete=True)

    def _known(self, today: date) -> dict[_Place, Earnings]:
        return _by_period(found for _, found in self.earnings.between(today - BEHIND, today + AHEAD))

    def _store(self, told: Iterable[Earnings], known: Mapping[_Place, Earnings]) -> int:
        """How many were written. New ones come last: they may have a date that a moved report has left."""
        new: list[Earnings] = []
        moves: list[Move] = []
        changed = 0
        for earnings in told:
            before = known.get(_period(earnings))
            if before is None:
                new.append(earnings)
            elif before.earnings_date != earnings.earnings_date:
                moves.append(Move(before, earnings))
            else:
                changed += self._change(before, earnings)
        self._move_all(moves)
        self.earnings.put(new)
        return changed + len(moves) + len(new)

    def _change(self, before: Earnings, told: Earnings) -> bool:
        """Whether anything was written."""
        wanted = replace(told, moved_from=before.moved_from, processed_at=before.processed_at)
        if wanted == before:
            return False
        self.earnings.change(wanted)
        return True

    def _move_all(self, moves: Iterable[Move]) -> None:
        """A report moves to a date after the one that was there has left it. Those that swap dates stay on the existing
        ones, so that no date is left."""
        waiting = {_day(move.before): move for move in moves}
        while free := [day for day, move in waiting.items() if _day(move.told) not in waiting]:
            for day in free:
                self._move(waiting.pop(day))
        self.earnings.swap([move.moved for move in waiting.values()])

    def _move(self, move: Move) -> None:
        before, told = move.before, move.told
        logger.info(
            "a report moved",
            symbol=told.symbol,
            fiscal_date_ending=told.fiscal_date_ending.isoformat(),
            before=before.earnings_date.isoformat(),
            now=told.earnings_date.isoformat(),
        )
        try:
            self.earnings.move(before, move.moved)
        except ConditionFailed:  # it was processed or moved after it was read
            self._move_again(told)

    def _move_again(self, told: Earnings) -> None:
        before = self._known(self.clock().date()).get(_period(told))
        if before is None:
            self.earnings.put([told])
        elif before.earnings_date != told.earnings_date:
            self.earnings.move(before, Move(before, told).moved)

    def _withdraw(
        self, told: Sequence[Earnings], known: Mapping[_Place, Earnings], today: date, reading: Reading
    ) -> int:
        """Mark future reports that are no longer announced as withdrawn; how many. Where another fiscal period is
        announced for the same date, it has already replaced them."""
        if len(told) < BELIEVED * int(reading.cursor.get(_LISTED, 0)):
            reading.note_gap(f"the calendar had {len(told)} reports: nothing was taken for withdrawn")
            return 0
        announced = {_period(earnings) for earnings in told}
        taken = {_day(earnings) for earnings in told}
        last = max(earnings.earnings_date for earnings in told)
        gone = [
            earnings
            for period, earnings in known.items()
            if period not in announced
            and _day(earnings) not in taken
            and today < earnings.earnings_date <= last
            and earnings.withdrawn_at is None
        ]
        for earnings in gone:
            self.earnings.change(replace(earnings, withdrawn_at=self.clock().replace(microsecond=0)))
        return len(gone)


def _by_period(stored: Iterable[Earnings]) -> dict[_Place, Earnings]:
    return {_period(earnings): earnings for earnings in stored}


def _period(earnings: Earnings) -> _Place:
    return earnings.symbol, earnings.fiscal_date_ending


def _day(earnings: Earnings) -> _Place:
    return earnings.symbol, earnings.earnings_date
