"""The calls to AlphaVantage: each is taken from the budget that all functions share, and made at its scheduled time."""

import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from ingest.errors import BudgetSpent
from watchkeeper.clock import Clock
from watchkeeper.errors import WatchkeeperError
from watchkeeper.logs import logger
from watchkeeper.markets.budget import BudgetRepository, Purpose
from watchkeeper.metrics import ALPHAVANTAGE_BUDGET_LEFT, ALPHAVANTAGE_CALLS_USED, measure

PATIENCE_SECONDS = 100.0
"""A call that has to wait longer than this is left to another invocation."""

_LONGEST_SPACING = 5.0
"""In seconds; an answer that took longer was an exception."""

_KEPT_SECONDS = 30.0
"""A call that was taken but not made, because the work ended early, can still be used by the next work."""


class Calls:
    """Paces an ``Upstream`` by the budget. One instance per execution environment."""

    def __init__(
        self,
        budget: BudgetRepository,
        *,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
        purpose: Purpose = Purpose.FUNDAMENTALS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """A call is not waited for longer than ``patience`` seconds."""
        self._budget = budget
        self._clock = clock
        self._sleep = sleep
        self._purpose = purpose
        self._patience = patience
        self._taken: deque[float] = deque()
        self._not_before = 0.0
        self._made: float | None = None
        """When the last call was made of those taken together."""
        self._slowest = 0.0
        """The longest time from one of them until the next could have been made."""
        self._pace = 0.0
        """The same for those taken together before; a single call does not show it."""

    def take(self, wanted: int) -> None:
        """Take calls in advance, with one write: fewer if fewer are left. Raises ``BudgetSpent`` if none are left."""
        now = self._clock()
        self._made = None  # the time since then does not count: this is other work
        while self._taken and self._taken[0] < _still_good(now):
            self._taken.popleft()
        if (missing := wanted - len(self._taken)) <= 0:
            return
        self._pace, self._slowest = self._slowest or self._pace, 0.0
        granted = self._budget.take(
            missing, now, patience=self._patience, purpose=self._purpose, spacing=min(self._pace, _LONGEST_SPACING)
        )
        self._taken += granted.moments
        measure(ALPHAVANTAGE_CALLS_USED, len(granted.moments))
        measure(ALPHAVANTAGE_BUDGET_LEFT, granted.left)
        if not self._taken:
            raise BudgetSpent("the budget of calls is spent", retry_at=datetime.fromtimestamp(granted.retry_at, UTC))

    def wait(self) -> None:
        """Wait until the next call may be made. Raises ``BudgetSpent``.

        The scheduled time of a call may have passed when its turn comes, because the previous one took long: the next
        ones still keep their distance from it.
        """
        self._note_pace()
        self.take(1)
        now = self._clock().timestamp()
        moment = max(self._taken.popleft(), self._not_before, now)
        self._not_before = moment + 1 / self._budget.limits.per_second
        self._made = moment
        if moment > now:
            self._sleep(moment - now)

    def _note_pace(self) -> None:
        """Measure the time of a call, but not after the last of those taken together: the worker may have been idle."""
        if self._made is not None and self._taken:
            self._slowest = max(self._slowest, self._clock().timestamp() - self._made)

    def give_back(self) -> None:
        """Return calls that were taken but not made to the budget. If that cannot be stored, they still count."""
        if not self._taken:
            return
        moments = tuple(self._taken)
        self._taken.clear()
        try:
            self._budget.give_back(moments, self._clock(), self._purpose)
        except WatchkeeperError as error:
            logger.warning("calls are lost that were not made", calls=len(moments), reason=str(error))
        else:
            measure(ALPHAVANTAGE_CALLS_USED, -len(moments))

    def pause(self, until: float) -> None:
        """Nobody makes a call before that time. Calls already taken wait for it; if it is too far away, they are given
        back, and only the budget decides when the pause ends, since an operator can end it."""
        now = self._clock()
        if until > now.timestamp() + self._patience:
            self.give_back()
        else:
            self._not_before = max(self._not_before, until)
        self._budget.pause(until, now)


def _still_good(now: datetime) -> float:
    """The oldest time whose call can still be made: none of yesterday's, which the upstream would count for today."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(now.timestamp() - _KEPT_SECONDS, today.timestamp())
