"""The maintenance window: days on which nothing is collected, unless an operator says otherwise.

| access pattern | key condition |
|---|---|
| an operator's override | table: `pk = MAINTENANCE`, `sk = markets` |
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from watchkeeper.clock import from_iso, to_iso
from watchkeeper.dynamodb import Keys, Table
from watchkeeper.errors import ConfigurationError, WatchkeeperError

KEYS = Keys("pk", "sk")

_KEY = {"pk": "MAINTENANCE", "sk": "markets"}
_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


class MaintenanceWindow(WatchkeeperError):
    """Nothing is collected now; work has to wait, unless an operator says ``open``."""


class Word(StrEnum):
    """An operator's override, which holds until a given time."""

    OPEN = "open"
    """Work continues, whatever day it is."""
    CLOSED = "closed"
    """Work waits, whatever day it is."""


@dataclass(frozen=True, slots=True)
class Said:
    word: Word
    until: datetime


class Maintenance:
    def __init__(self, table: Table, days: Sequence[str]) -> None:
        """``days`` of the week, in UTC, as cron names them: ``SUN``. Raises ``ConfigurationError``."""
        if unknown := set(days) - set(_DAYS):
            raise ConfigurationError(f"{', '.join(sorted(unknown))} is no day of the week; they are {', '.join(_DAYS)}")
        self._table = table
        self._days = frozenset(days)

    def said(self) -> Said | None:
        item = self._table.get(_KEY, consistent=False)
        return Said(Word(str(item["word"])), from_iso(str(item["until"]))) if item else None

    def say(self, word: Word, until: datetime) -> None:
        """Override the days, from now until then."""
        expiry = int(until.timestamp())
        self._table.put({**_KEY, "word": str(word), "until": to_iso(until), "expires_at": expiry}, keys=KEYS)

    def unsay(self) -> None:
        """End the override: only the day counts again."""
        self._table.delete(_KEY)

    def is_on(self, now: datetime) -> bool:
        """Whether nothing may be collected."""
        said = self.said()
        if said and said.until > now:
            return said.word is Word.CLOSED
        return _DAYS[now.astimezone(UTC).weekday()] in self._days

    def refuse(self, now: datetime) -> None:
        """Raises ``MaintenanceWindow`` if nothing may be collected."""
        if self.is_on(now):
            raise MaintenanceWindow("it is the maintenance window: work waits until it ends, or an operator opens it")
