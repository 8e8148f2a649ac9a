"""Assets, reports, news and earnings, so that a test says only what matters to it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from watchkeeper.markets.models import Article, Asset, Earnings, Mention, Overview, Period, Report, Statement

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""A Friday."""
TODAY = NOON.date()


def an_asset(symbol: str, volume: int = 0, **changes: Any) -> Asset:
    fields: dict[str, Any] = {
        "symbol": symbol,
        "id": f"id-{symbol}",
        "name": f"{symbol} Incorporated",
        "status": "active",
        "exchange": "NASDAQ",
        "asset_class": "us_equity",
        "tradable": True,
        "volume": volume,
    }
    return Asset(**fields | changes)


def a_report(
    day: str,
    statement: Statement = Statement.INCOME_STATEMENT,
    period: Period = Period.QUARTERLY,
    symbol: str = "IBM",
    **values: str,
) -> Report:
    return Report(symbol, statement, period, date.fromisoformat(day), values or {"totalRevenue": "17618000000"})


def an_overview(day: str, symbol: str = "IBM", **values: str) -> Overview:
    return Overview(symbol, date.fromisoformat(day), values or {"Name": "IBM", "PERatio": "36.82"})


def an_article(
    number: int, *scores: tuple[str, str], published: datetime = NOON, relevance: str = "0.5", **changes: Any
) -> Article:
    """With what it says of each symbol: ``("AAPL", "0.31")``."""
    mentions = tuple(
        Mention(symbol, Decimal(relevance), Decimal(score), "Somewhat-Bullish") for symbol, score in scores
    )
    fields: dict[str, Any] = {
        "id": f"news-{number:03}",
        "published_at": published,
        "title": f"Article {number}",
        "url": f"https://news.example/{number}",
        "source": "Example",
        "summary": "Something happened.",
        "authors": ("Ann Author",),
        "topics": ("earnings",),
        "score": Decimal("0.123456"),
        "label": "Neutral",
        "mentions": mentions,
    }
    return Article(**fields | changes)


def a_day(symbol: str, days: int, **changes: Any) -> Earnings:
    """Of a report, so many days from today."""
    day = TODAY + timedelta(days=days)
    fields: dict[str, Any] = {
        "symbol": symbol,
        "earnings_date": day,
        "fiscal_date_ending": date(2026, 9, 30),
        "name": f"{symbol} Incorporated",
        "estimate": Decimal("1.50"),
        "currency": "USD",
    }
    return Earnings(**fields | changes)
