"""Fundamentals of a company, newest first, by page or all at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from api.web.paging import MAX_ROWS, Slice, take
from api.web.problems import AnswerTooLarge
from watchkeeper.markets.models import Overview, Period, Report, Statement
from watchkeeper.markets.repositories.fundamentals import FundamentalsRepository

Told = Report | Overview

_WHOLE_PAGE = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    symbol: str
    statement: Statement
    period: Period | None
    """``None`` for an overview."""
    since: date | None
    until: date | None


def day_of(told: Told) -> date:
    """The day it is sorted by."""
    return told.last_updated if isinstance(told, Overview) else told.fiscal_date_ending


def page_of(fundamentals: FundamentalsRepository, wanted: Wanted, *, limit: int, before: str | None) -> Slice[Told]:
    """A page, newest first; ``before`` is the day where the previous page ended."""
    until = date.fromisoformat(before) - timedelta(days=1) if before else wanted.until
    rows = ((day_of(told).isoformat(), told) for told in _newest(fundamentals, wanted, until, limit + 1))
    return take(rows, lambda _: True, limit)


def all_of(fundamentals: FundamentalsRepository, wanted: Wanted) -> list[Told]:
    """Raises ``AnswerTooLarge`` for more than ``MAX_ROWS``."""
    found = list(islice(_newest(fundamentals, wanted, wanted.until, _WHOLE_PAGE), MAX_ROWS + 1))
    if len(found) > MAX_ROWS:
        raise AnswerTooLarge
    return found


def _newest(fundamentals: FundamentalsRepository, wanted: Wanted, until: date | None, page_size: int) -> Iterator[Told]:
    if wanted.since and until and until < wanted.since:
        return iter(())
    if wanted.period is None:
        return fundamentals.overviews(wanted.symbol, since=wanted.since, until=until, page_size=page_size)
    return fundamentals.reports(
        wanted.symbol, wanted.statement, wanted.period, since=wanted.since, until=until, page_size=page_size
    )
