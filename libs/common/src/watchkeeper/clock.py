"""Time as an argument: everything that needs the time takes a ``Clock``."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the current time, aware and in UTC."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def to_iso(moment: datetime) -> str:
    """``2026-07-01T13:39:18Z``: UTC to the second, so that text order is time order."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")[:19] + "Z"


def from_iso(text: str) -> datetime:
    """Read an ISO 8601 time; one without a zone is taken as UTC. Raises ``ValueError`` for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def iso_week(moment: datetime) -> str:
    """The ISO 8601 week, ``2026-W28``; text order is time order."""
    year, week, _ = moment.astimezone(UTC).isocalendar()
    return f"{year:04d}-W{week:02d}"


def week_bounds(week: str) -> tuple[datetime, datetime]:
    """First moment of an ISO week and of the one after it."""
    start = datetime.strptime(f"{week}-1", "%G-W%V-%u").replace(tzinfo=UTC)
    return start, datetime.fromtimestamp(start.timestamp() + 7 * 86400, UTC)
