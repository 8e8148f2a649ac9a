"""One budget of calls, shared by all users of a key.

It is one item. A worker takes calls from it before making them, and gets the times at which they may be made: no two
within the same fraction of a second, no more than so many within any minute, and so many per UTC day. Concurrent
workers are detected by the item's edition, so that no call is granted twice. What the upstream says is stored in it as
well: a pause applies to everybody.

| access pattern | key condition |
|---|---|
| the calls of a key | table: `pk = BUDGET`, `sk = <upstream>` |
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import floor

from watchkeeper import records
from watchkeeper.budgets import Patience
from watchkeeper.dynamodb import Keys, Table
from watchkeeper.errors import ConditionFailed, Throttled

KEYS = Keys("pk", "sk")

CALLS_AN_ASSET = 5
"""One for each statement."""

CALLS_OF_THE_CALENDAR = 1
"""A day."""


class Purpose(StrEnum):
    """What a call is for. The earnings calendar and the news each have a share of the day's calls; fundamentals, which
    could use any number of calls, get the rest."""

    FUNDAMENTALS = "fundamentals"
    CALENDAR = "calendar"
    NEWS = "news"


MINUTE = 60
_HOUR = 3600
_DAY = 24 * _HOUR

_KEPT = ("day", "used", "news", "calendar", "next_at", "paused_until")
_CONFLICT_SECONDS = 10.0
"""How long a worker retries after conflicts with others."""


@dataclass(frozen=True, slots=True)
class Limits:
    per_second: float
    per_minute: int
    per_day: int
    news_per_day: int
    """The share of news, so that the rest is left for fundamentals: hourly news would use up a free key's whole day."""


@dataclass(frozen=True, slots=True)
class Spent:
    """The calls that were taken. Moments are seconds since 1970."""

    day: str = ""
    """The UTC day that is counted."""
    used: int = 0
    """Calls of the day."""
    news: int = 0
    """Those of them that were for news."""
    calendar: int = 0
    """Those of them that were for the calendar."""
    next_at: float = 0.0
    """Before this moment no call is made."""
    seconds: Mapping[int, int] = field(default_factory=dict)
    """Calls of the last minute, by their second."""
    paused_until: float = 0.0
    """Because the upstream said so, or rejected the key."""


@dataclass(frozen=True, slots=True)
class Grant:
    moments: tuple[float, ...]
    """When each of the calls may be made; fewer than were asked for, or none, if there are no more."""
    left: int
    """Calls left in the day's budget."""
    retry_at: float
    """When it is worthwhile to ask for more."""


def grant(
    spent: Spent,
    limits: Limits,
    wanted: int,
    now: float,
    *,
    patience: float,
    purpose: Purpose = Purpose.FUNDAMENTALS,
    spacing: float = 0.0,
) -> tuple[Spent, Grant]:
    """Take up to so many calls, none of them later than ``patience`` seconds from now. ``spacing`` is how many seconds
    a response takes, if that is longer than the rate limit requires: a worker makes one call after the other, and would
    otherwise make its last ones during the turns of others.
    """
    current = _of_today(spent, now)
    moments: list[float] = []
    retry_at = now
    for _ in range(wanted):
        moment, retry_at = _next(current, limits, now, purpose)
        if moment is None or moment > now + patience:
            break
        moments.append(moment)
        current = _taken(current, limits, moment, purpose, spacing)
    return current, Grant(tuple(moments), left(current, limits), retry_at)


def returned(spent: Spent, moments: Sequence[float], purpose: Purpose = Purpose.FUNDAMENTALS) -> Spent:
    """Return calls to the day's budget. Their moments stay taken: others keep their distance from them."""
    calls = sum(datetime.fromtimestamp(moment, UTC).date().isoformat() == spent.day for moment in moments)
    return replace(
        spent,
        used=max(0, spent.used - calls),
        news=max(0, spent.news - calls * (purpose is Purpose.NEWS)),
        calendar=max(0, spent.calendar - calls * (purpose is Purpose.CALENDAR)),
    )


def left(spent: Spent, limits: Limits) -> int:
    return max(0, limits.per_day - spent.used)


def news_allowed(limits: Limits, now: float) -> int:
    """How many calls for news the day may have seen by now: its share is released hour by hour."""
    hour = datetime.fromtimestamp(now, UTC).hour
    return -(-limits.news_per_day * (hour + 1) // 24)


def reserved(spent: Spent, limits: Limits, now: float) -> int:
    """Calls of the rest of the day that are not for fundamentals. Those that news could have taken up to an hour ago,
    but did not, are no longer reserved."""
    today = _of_today(spent, now)
    missed = news_allowed(limits, now - _HOUR) if now % _DAY >= _HOUR else 0
    news = limits.news_per_day - max(today.news, missed)
    return max(0, news) + max(0, CALLS_OF_THE_CALENDAR - today.calendar)


def _of_today(spent: Spent, now: float) -> Spent:
    """A day that has begun for one worker is not undone by another whose clock is behind: its count would restart."""
    today = datetime.fromtimestamp(now, UTC).date().isoformat()
    recent = {second: calls for second, calls in spent.seconds.items() if second > now - MINUTE - 1}
    if spent.day >= today:
        return replace(spent, seconds=recent)
    return replace(spent, day=today, used=0, news=0, calendar=0, seconds=recent)


def _next(spent: Spent, limits: Limits, now: float, purpose: Purpose) -> tuple[float | None, float]:
    """The moment of the next call, ``None`` if there is none today, and when to ask again if there is none in time."""
    moment = _with_room(spent, limits, max(now, spent.next_at, spent.paused_until))
    if _is_left(spent, limits, now, purpose) and moment < tomorrow(now):
        return moment, moment
    later = (after for after in (moment, *_hours_after(moment)) if _is_left(spent, limits, after, purpose))
    return None, next(later, max(tomorrow(now), moment))


def _is_left(spent: Spent, limits: Limits, now: float, purpose: Purpose) -> bool:
    """Whether the day has a call for it."""
    today = _of_today(spent, now)
    free = left(today, limits)
    if purpose is Purpose.FUNDAMENTALS:
        return free > reserved(today, limits, now)
    if purpose is Purpose.NEWS:
        return free > 0 and today.news < news_allowed(limits, now)
    return free > 0


def _with_room(spent: Spent, limits: Limits, moment: float) -> float:
    """The first moment from this one on whose minute has room. A second counts as a whole: it is counted at its end."""
    while sum(calls for second, calls in spent.seconds.items() if second > moment - MINUTE - 1) >= limits.per_minute:
        moment = min(second for second in spent.seconds if second > moment - MINUTE - 1) + MINUTE + 1
    return moment


def _taken(spent: Spent, limits: Limits, moment: float, purpose: Purpose, spacing: float) -> Spent:
    second = floor(moment)
    return replace(
        spent,
        used=spent.used + 1,
        news=spent.news + (purpose is Purpose.NEWS),
        calendar=spent.calendar + (purpose is Purpose.CALENDAR),
        next_at=moment + max(1 / limits.per_second, spacing),
        seconds={**spent.seconds, second: spent.seconds.get(second, 0) + 1},
    )


def tomorrow(now: float) -> float:
    """When the next UTC day begins."""
    midnight = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return (midnight + timedelta(days=1)).timestamp()


def _hours_after(moment: float) -> Iterator[float]:
    """The beginnings of the hours of two days: shares grow by the hour, and are available again the day after."""
    first = (floor(moment) // _HOUR + 1) * _HOUR
    return (float(hour) for hour in range(first, first + 2 * _DAY, _HOUR))


class BudgetRepository:
    def __init__(self, table: Table, upstream: str, limits: Limits) -> None:
        self._table = table
        self._key = {"pk": "BUDGET", "sk": upstream}
        self.limits = limits

    def spent(self, now: datetime) -> Spent:
        """As of now: calls of an earlier day no longer count."""
        return _of_today(self._read()[0], now.timestamp())

    def take(
        self,
        wanted: int,
        now: datetime,
        *,
        patience: float,
        purpose: Purpose = Purpose.FUNDAMENTALS,
        spacing: float = 0.0,
    ) -> Grant:
        """Take up to so many calls, see ``grant``. Raises ``Throttled`` if conflicts with others persist."""
        trying = Patience(_CONFLICT_SECONDS)
        while True:
            spent, edition = self._read()
            after, granted = grant(
                spent, self.limits, wanted, now.timestamp(), patience=patience, purpose=purpose, spacing=spacing
            )
            if not granted.moments or self._store(after, edition):
                return granted
            if not trying.pause():
                raise Throttled("others take from the budget all the time")

    def give_back(self, moments: Sequence[float], now: datetime, purpose: Purpose = Purpose.FUNDAMENTALS) -> None:
        """Return calls that were taken but not made. Raises ``Throttled``."""
        self._change(lambda spent: returned(_of_today(spent, now.timestamp()), moments, purpose))

    def pause(self, until: float, now: datetime) -> None:
        """Allow no calls before that moment. A longer pause stays. Raises ``Throttled``."""

        def paused(spent: Spent) -> Spent:
            if spent.paused_until >= until:
                return spent
            return replace(_of_today(spent, now.timestamp()), paused_until=until)

        self._change(paused)

    def resume(self) -> None:
        """End a pause. Raises ``Throttled``."""
        self._change(lambda spent: replace(spent, paused_until=0.0))

    def _change(self, changed: Callable[[Spent], Spent]) -> None:
        trying = Patience(_CONFLICT_SECONDS)
        while True:
            spent, edition = self._read()
            after = changed(spent)
            if after == spent or self._store(after, edition):
                return
            if not trying.pause():
                raise Throttled("others take from the budget all the time")

    def _read(self) -> tuple[Spent, int]:
        item = self._table.get(self._key)
        if item is None:
            return Spent(), 0
        record = records.loads(str(item["record"]))
        return Spent(**{**record, "seconds": _spread(record["seconds"])}), int(item["edition"])

    def _store(self, spent: Spent, edition: int) -> bool:
        """``False`` if another worker has changed it since it was read."""
        record = {name: getattr(spent, name) for name in _KEPT}
        try:
            self._table.put(
                {
                    **self._key,
                    "edition": edition + 1,
                    "record": records.dumps({**record, "seconds": _packed(spent.seconds)}),
                },
                keys=KEYS,
                condition="edition = :read" if edition else "attribute_not_exists(edition)",
                values={":read": edition} if edition else {},
            )
        except ConditionFailed:
            return False
        return True


def _packed(seconds: Mapping[int, int]) -> list[int]:
    """The first second, and the calls of each from it on: short enough for an item of one write unit."""
    if not seconds:
        return []
    first, last = min(seconds), max(seconds)
    return [first, *(seconds.get(second, 0) for second in range(first, last + 1))]


def _spread(packed: list[int]) -> dict[int, int]:
    return {packed[0] + place: calls for place, calls in enumerate(packed[1:]) if calls} if packed else {}
