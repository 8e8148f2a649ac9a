"""Mark a report in the calendar as processed, once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchkeeper.clock import Clock
from watchkeeper.markets.repositories.earnings import EarningsRepository

if TYPE_CHECKING:
    from watchkeeper.markets.events import EarningsProcessed


@dataclass(frozen=True, slots=True)
class EarningsMarking:
    earnings: EarningsRepository
    clock: Clock

    def mark(self, event: "EarningsProcessed") -> int:
        """How many items were marked: none if that was done before, or the report no longer exists. It may have moved
        since the event, so it is found by its fiscal period."""
        found = self.earnings.of_asset(event.symbol)
        of_period = [earnings for earnings in found if earnings.fiscal_date_ending == event.fiscal_date_ending]
        return sum(self.earnings.mark_processed(earnings, self.clock()) for earnings in of_period)
