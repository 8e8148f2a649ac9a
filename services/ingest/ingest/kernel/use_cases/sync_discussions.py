"""Read a list's mail: its history in windows of time, then new mails in order of arrival.

The history is read oldest first in windows of the time of receipt, sized so that a window holds a few thousand
mails: parents come before their replies, memory stays bounded, and a run can continue at the window where it stopped.

Once the history is complete, each run requests everything again but reads only the beginning: the archive sends the
newest arrival first, so the reading stops at a stretch of mails that are all known. A mail that arrives late is found
whatever its Date and Received headers claim, which no query by time can guarantee.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from ingest.kernel.lore import FIRST_SECOND, Lore
from ingest.kernel.mail import Mail, parse
from ingest.kernel.use_cases.count_weeks import ask_to_count
from ingest.kernel.use_cases.keep_mails import Kept, MailKeeper, Weeks
from ingest.reading import FULL, RECENT, REFRESH, Reading
from watchkeeper.clock import Clock
from watchkeeper.errors import InvalidCursor
from watchkeeper.queues import WorkQueue

WINDOW_MAILS = 2000
"""The target size of a window of the history."""

MAX_WINDOW_MAILS = 3 * WINDOW_MAILS
"""A window with more is split and read again, so that no mailbox can fill the memory."""

MAX_WINDOW_BYTES = 48 * 1024 * 1024
"""The same for windows of large mails."""

KNOWN_STRETCH = 100
"""After this many known mails in a row, including one of the newest of the last run, all older ones are known."""

LONG_STRETCH = 20 * KNOWN_STRETCH
"""After this many they are known in any case: the archive may have dropped what was the newest."""

_MARKERS = 50

KEPT_AT_ONCE = 500
"""Mails that are linked and written together."""

MAX_BACKLOG = MAX_WINDOW_MAILS
"""More new mails than this since the last run are read in windows, like the history."""

REFRESH_DAYS = 60
"""How far back a refresh reads."""

THREAD_GRACE_SECONDS = 300

_DAY = 86_400
_FIRST_SPAN = 30 * _DAY
_SHORTEST_SPAN = 60
_LONGEST_SPAN = 20 * 365 * _DAY
_BACKLOG_MARGIN = 7 * _DAY
_SLICE = 100


@dataclass(slots=True)
class Position:
    """How far a list has been read; stored as the source's cursor."""

    window: int | None = None
    """Where the history continues (seconds of the epoch); ``None`` when it is complete."""
    span: int = _FIRST_SPAN
    """Length of the next window in seconds."""
    whole: bool = False
    """Whether the history is being read from its very beginning."""
    newest: list[str] = field(default_factory=list)
    """The newest arrivals when the last run ended: anything older than any of them has been seen."""
    weeks: list[str] = field(default_factory=list)
    """``<list>#<week>`` pairs whose figures are to be recounted."""

    @property
    def in_history(self) -> bool:
        return self.window is not None

    @classmethod
    def load(cls, cursor: Mapping[str, Any]) -> "Position":
        """Raises ``InvalidCursor`` for one that this module did not write."""
        try:
            position = cls(**cursor)
            window = FIRST_SECOND if position.window is None else position.window
            if not FIRST_SECOND <= window < 2**35 or not _SHORTEST_SPAN <= position.span <= _LONGEST_SPAN:
                raise ValueError("a value is out of bounds")
            if not all(isinstance(text, str) for text in (*position.newest, *position.weeks)):
                raise ValueError("a value is of the wrong kind")
        except (TypeError, ValueError) as error:
            raise InvalidCursor(f"the stored cursor cannot be read: {error}") from error
        return position

    def dump(self) -> dict[str, Any]:
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) not in (None, [], False)}

    def touch(self, weeks: Weeks) -> None:
        self.weeks = sorted({*self.weeks, *(f"{list_name}#{week}" for list_name, week in weeks)})


class _TooMany(Exception):
    """A window holds more than fits into memory."""


@dataclass(frozen=True, slots=True)
class DiscussionSync:
    """Reads lists with these collaborators."""

    client: Lore
    keeper: MailKeeper
    work: WorkQueue
    threads: WorkQueue
    clock: Clock

    def read(self, list_name: str, mode: str, reading: Reading) -> bool:
        """Bring the list up to date; ``False`` when the time ran out and the rest is left to another call."""
        started = reading.begin(mode)
        self.client.require_list(list_name)
        position = self._position(list_name, mode if started else RECENT, reading)
        if not self._history(list_name, position, reading):
            return False
        reading.go_live()
        reading.save(position.dump())
        self._newest(list_name, position, reading)
        if position.in_history:  # too much for a single pass
            return self.read(list_name, mode, reading)
        ask_to_count(self.work, position.weeks)
        position.weeks = []
        complete, position.whole = position.whole, False
        reading.finish(position.dump(), complete=complete)
        return True

    def _position(self, list_name: str, mode: str, reading: Reading) -> Position:
        try:
            position = Position.load(reading.cursor)
        except InvalidCursor as error:
            reading.note_gap(str(error))
            position = Position(window=FIRST_SECOND, whole=True)
        loads = reading.loading and not position.in_history
        starts_over = mode == FULL and not (reading.loading and position.in_history)
        if loads or starts_over:
            oldest = self.client.oldest(list_name)
            position.window = max(FIRST_SECOND, int(oldest.timestamp())) if oldest else None
            position.whole = True
        elif not position.in_history and mode == REFRESH:
            position.window = int(self.clock().timestamp()) - REFRESH_DAYS * _DAY
        reading.save(position.dump())
        return position

    def _history(self, list_name: str, position: Position, reading: Reading) -> bool:
        more = position.in_history
        while more:
            more = self._read_window(list_name, position, reading)
            if not more:
                reading.go_live()
            reading.save(position.dump())
            if more and reading.out_of_time():
                return False
        return True

    def _read_window(self, list_name: str, position: Position, reading: Reading) -> bool:
        """Read one window and move the position past it; ``False`` after the last one, which is open-ended, to include
        mails dated in the future."""
        start = position.window or FIRST_SECOND
        end = start + position.span
        last = end >= int(self.clock().timestamp())
        try:
            with self.client.received(list_name, start, None if last else end - 1) as raw:
                mails = self._parsed(raw, bounded=position.span > _SHORTEST_SPAN)
        except _TooMany:
            position.span = max(_SHORTEST_SPAN, position.span // 4)
            return True
        self._keep(list_name, mails[::-1], position, reading)
        position.window = None if last else end
        position.span = _next_span(position.span, len(mails))
        return not last

    def _parsed(self, raw: Iterator[bytes], *, bounded: bool) -> list[Mail]:
        mails: list[Mail] = []
        octets = 0
        for one in raw:
            octets += len(one)
            if bounded and mails and (len(mails) >= MAX_WINDOW_MAILS or octets > MAX_WINDOW_BYTES):
                raise _TooMany
            mails.append(parse(one, now=self.clock()))
        return mails

    def _newest(self, list_name: str, position: Position, reading: Reading) -> None:
        """Read what arrived since the last run, whatever its claimed date."""
        with self.client.received(list_name, FIRST_SECOND) as raw:
            mails, newest, complete = self._until_known(list_name, raw, set(position.newest))
        if not complete:
            position.window = self._backlog_start(mails)
            reading.save(position.dump())
            return
        kept = self._keep(list_name, mails[::-1], position, reading)
        position.newest = newest
        for message_id in kept.orphaned:
            self.threads.send({"message_ids": [message_id], "list": list_name}, delay=THREAD_GRACE_SECONDS)

    def _until_known(
        self, list_name: str, raw: Iterator[bytes], markers: set[str]
    ) -> tuple[list[Mail], list[str], bool]:
        """The unknown mails down to what the last run saw, and the newest arrivals; ``False`` if there are too many.

        Known mails alone prove little: a thread that was fetched separately may be newer than mails not read yet.
        """
        mails: list[Mail] = []
        newest: list[str] = []
        stretch = octets = 0
        reached = False
        while part := [parse(one, now=self.clock()) for one in islice(raw, _SLICE)]:
            newest += [mail.message_id for mail in part[: _MARKERS - len(newest)]]
            for mail, known in zip(part, self.keeper.is_known(part, list_name), strict=True):
                reached = reached or mail.message_id in markers
                stretch = stretch + 1 if known else 0
                if not known:
                    mails.append(mail)
                    octets += len(mail.text) + len(mail.diff or "")
            if stretch >= (KNOWN_STRETCH if reached else LONG_STRETCH):
                return mails, newest, True
            if len(mails) > MAX_BACKLOG or octets > MAX_WINDOW_BYTES:
                return mails, newest, False
        return mails, newest, True

    def _backlog_start(self, mails: Sequence[Mail]) -> int:
        oldest = min(mail.received for mail in mails)
        return max(FIRST_SECOND, int(oldest.timestamp()) - _BACKLOG_MARGIN)

    def _keep(self, list_name: str, mails: Sequence[Mail], position: Position, reading: Reading) -> Kept:
        """In slices, so that most of the work is done if a throttled table or a killed call interrupts it."""

        def before_write(weeks: Weeks) -> None:
            position.touch(weeks)
            reading.save(position.dump())

        total = Kept(0, 0, 0)
        for start in range(0, len(mails), KEPT_AT_ONCE):
            part = mails[start : start + KEPT_AT_ONCE]
            kept = self.keeper.keep(part, list_name, before_write=before_write)
            kept.count_in(reading)
            total = replace(total, orphaned=(*total.orphaned, *kept.orphaned))
        return total


def _next_span(span: int, mails: int) -> int:
    """The span that would have held ``WINDOW_MAILS``, changed by a factor of four at most."""
    ideal = span * WINDOW_MAILS // max(mails, 1)
    return max(_SHORTEST_SPAN, min(ideal, span * 4, _LONGEST_SPAN))
