"""How every watch reports problems with its sources."""

from datetime import datetime

from typing_extensions import TypedDict

from watchkeeper.progress import Source


class GapState(TypedDict):
    since: datetime
    reason: str


class RefusalState(TypedDict):
    subject: str
    """What was rejected, as far as it could be read: a mail, a row, a symbol."""
    reason: str
    at: datetime


def gaps(source: Source) -> list[GapState]:
    return [GapState(since=gap.since, reason=gap.reason) for gap in source.gaps]


def refusals(source: Source) -> list[RefusalState]:
    return [RefusalState(subject=one.subject, reason=one.reason, at=one.at) for one in source.refusals]
