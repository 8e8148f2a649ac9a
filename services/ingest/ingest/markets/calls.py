"""The calls to AlphaVantage: each is taken from the budget that all functions share, and made at its moment."""

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
"""A call that may be made only later than this is left to another invocation."""

_LONGEST_SPACING = 5.0
"""Seconds: an answer that took longer was an exception."""

_KEPT_SECONDS = 30.0
"""A call that was taken and not made, as the work ended early, can still be made by the next work."""


class Calls:
    """Paces an ``Upstream`` by the budget. One for each execution environment."""

    def __init__(
        self,
        budget: BudgetRepository,
        *,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
        purpose: Purpose = Purpose.FUNDAMENTALS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """After ``patience`` seconds no call is waited for."""
        self._budget = budget
        self._clock = clock
        self._sleep = sleep
        self._purpose = purpose
        self._patience = patience
        self._taken: deque[float] = deque()
        self._not_before = 0.0
        self._made: float | None = None
        """The last call of those taken together."""
        self._slowest = 0.0
        """The longest time from one of them to when the next could have been made."""
        self._pace = 0.0
        """The same of those taken together before; of a single call nothing is learned."""

    def take(self, wanted: int) -> None:
        """Take calls beforehand, as one write: fewer if there are fewer. Raises ``BudgetSpent`` if there are none."""
        now = self._clock()
        self._made = None  # whatever time it was since then, this is other work
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
        """Until the next call may be made. Raises ``BudgetSpent``.

        The moment of a call may be over when its turn comes, as the one before took long: the next ones still keep
        their distance from it.
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
        """After the last of those taken together the worker may have had nothing to do."""
        if self._made is not None and self._taken:
            self._slowest = max(self._slowest, self._clock().timestamp() - self._made)

    def give_back(self) -> None:
        """Calls that were taken and are not made count no more. If that cannot be stored, they do."""
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
        """Nobody calls before that moment. Calls that were taken already wait for it; if it is too far they are given
        up, and the budget alone says when it is over, as an operator can end it."""
        now = self._clock()
        if until > now.timestamp() + self._patience:
            self.give_back()
        else:
            self._not_before = max(self._not_before, until)
        self._budget.pause(until, now)


def _still_good(now: datetime) -> float:
    """The oldest moment whose call can still be made: none of yesterday, which the upstream would count as of today."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(now.timestamp() - _KEPT_SECONDS, today.timestamp())
