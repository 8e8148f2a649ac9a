"""How many more assets the budget of calls has room for. More would only wait in the queue, which would grow from day
to day."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from watchkeeper.markets.budget import CALLS_AN_ASSET, CALLS_OF_THE_CALENDAR, Limits, Spent, left, reserved, tomorrow


class Budget(Protocol):
    @property
    def limits(self) -> Limits: ...

    def spent(self, now: datetime) -> Spent: ...


class Room:
    def __init__(self, budget: Budget, waiting: Callable[[], int]) -> None:
        """``waiting`` counts the assets that are in the queue already."""
        self._budget = budget
        self._waiting = waiting

    def of_a_day(self) -> int:
        """Assets that fit into a whole day, in addition to its calendar and news."""
        limits = self._budget.limits
        return self._after_those_waiting(limits.per_day - limits.news_per_day - CALLS_OF_THE_CALENDAR)

    def of_today(self, now: datetime) -> int:
        """Assets that fit into the rest of the day, in addition to what is reserved for calendar and news. Nothing is
        left of a day on which the upstream allows no more calls."""
        spent, limits = self._budget.spent(now), self._budget.limits
        moment = now.timestamp()
        if spent.paused_until >= tomorrow(moment):
            return 0
        return self._after_those_waiting(left(spent, limits) - reserved(spent, limits, moment))

    def _after_those_waiting(self, calls: int) -> int:
        return max(0, max(0, calls) // CALLS_AN_ASSET - self._waiting())
