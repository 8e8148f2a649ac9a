"""Choosing the assets to pollenate, given the room for them."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from scheduler.markets.scoring import score, text_of
from watchkeeper.markets.events import Reason
from watchkeeper.markets.models import ACTIVE, Asset, Earnings

REPORT_DAYS = 14
"""How long an unprocessed report is considered: runs can be missed, and statements come later than reports."""


@dataclass(frozen=True, slots=True)
class Need:
    """An asset whose fundamentals are needed."""

    symbol: str
    reason: Reason
    score: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    needs: tuple[Need, ...]
    """The most needed first."""
    left_out: int
    """How many more are needed, but have no room. They are considered again in the next run."""


def reports_since(today: date) -> date:
    """The first day whose reports are considered."""
    return today - timedelta(days=REPORT_DAYS)


def to_process(reports: Iterable[Earnings]) -> dict[str, Earnings]:
    """By symbol, the newest report whose fundamentals are incomplete, except withdrawn ones."""
    waiting = (one for one in reports if one.processed_at is None and one.withdrawn_at is None)
    return {one.symbol: one for one in sorted(waiting, key=lambda one: one.earnings_date)}


def choose_reported(reports: Mapping[str, Earnings], assets: Mapping[str, Asset], now: datetime, room: int) -> Choice:
    """Of the companies that have reported, those to pollenate: the last day's first (yesterday's, whose figures can be
    out, before today's), then the others, the most traded first.

    A company that was already pollenated today is not chosen again, whatever the result: neither one that was
    pollenated before its report, nor one whose figures are late.
    """
    today = now.astimezone(UTC).date()
    due = [assets[symbol] for symbol in reports if symbol in assets and _is_due(assets[symbol], today)]
    wanted = sorted(due, key=lambda asset: (_lateness(reports[asset.symbol], today), -asset.volume, asset.symbol))
    chosen = tuple(Need(asset.symbol, Reason.EARNINGS) for asset in wanted[: max(room, 0)])
    return Choice(chosen, len(wanted) - len(chosen))


def choose_regular(assets: Iterable[Asset], now: datetime, room: int) -> Choice:
    """The active assets with the highest scores; with equal scores, the first by symbol. Assets are streamed, and no
    more are held than there is room for."""
    wanted = 0

    def scored() -> Iterator[tuple[float, str]]:
        nonlocal wanted
        for asset in assets:
            if asset.status == ACTIVE and (value := score(asset, now)):
                wanted += 1
                yield -value, asset.symbol

    best = heapq.nsmallest(max(room, 1), scored())[: max(room, 0)]  # they are counted even without room
    chosen = tuple(Need(symbol, Reason.REGULAR, text_of(-negative)) for negative, symbol in best)
    return Choice(chosen, wanted - len(chosen))


def _is_due(asset: Asset, today: date) -> bool:
    last = asset.last_pollenated
    return asset.status == ACTIVE and (last is None or last.astimezone(UTC).date() < today)


def _lateness(report: Earnings, today: date) -> int:
    """0 for yesterday's, 1 for today's, 2 for older ones."""
    days = (today - report.earnings_date).days
    return {1: 0, 0: 1}.get(days, 2)
