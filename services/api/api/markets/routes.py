"""The markets watch's routes: they only translate between HTTP and the use cases."""

from http import HTTPStatus
from typing import cast

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON

from api.markets import calendar, fundamentals, listing, news, reading, rendering, requesting, sentiment, tables, views
from api.markets import coverage as covered
from api.markets.container import container
from api.markets.fundamentals import Wanted
from api.markets.listing import AssetFilter
from api.markets.parameters import (
    AssetOrder,
    Exchange,
    FromDay,
    PeriodName,
    Score,
    SeriesPeriod,
    SinceDay,
    SinceNewsDay,
    StaleDays,
    StatementName,
    Status,
    Symbol,
    SymbolSegment,
    Text,
    ToDay,
    Top,
    UntilDay,
    UntilNewsDay,
    Withdrawn,
    earnings_days,
    fiscal_days,
    moments,
    news_days,
    scores,
    series_moments,
    symbol_in_path,
    symbol_in_query,
)
from api.web.identity import Caller
from api.web.negotiation import preferred
from api.web.paging import page
from api.web.parameters import Cursor, Limit, Since, Until
from api.web.problems import InvalidParameter
from api.web.routing import ALWAYS_ASK, SHORTLY, Form, Routes
from watchkeeper.clock import utc_now
from watchkeeper.markets.models import Period, Statement

PREFIX = "/api/v1/markets"

_CSV = f"{tables.CONTENT_TYPE}; charset=utf-8"

routes = Routes(PREFIX)


@routes.get("/assets", "Find assets")
def list_assets(
    status: Status = "active",
    exchange: Exchange = None,
    text: Text = None,
    top: Top = None,
    stale_days: StaleDays = None,
    order: AssetOrder = "volume",
    limit: Limit = 30,
    cursor: Cursor = None,
) -> views.AssetList:
    """Most traded first, each with its rank among the assets with that status. Or the stalest first, without ranks:
    those whose fundamentals were never requested, then those for which that was the longest ago."""
    if top is not None and order == "staleness":
        raise InvalidParameter("top", "can be used with `order=volume` only")
    wanted = AssetFilter(status, exchange, text, top, stale_days)
    assets, now = container().facts.assets, utc_now()
    find = listing.by_volume if order == "volume" else listing.by_staleness
    items, following = page(
        container().cursors,
        {"list": "assets", "order": order, "wanted": wanted},
        cursor,
        lambda after: find(assets, wanted, now, limit=limit, after=after),
    )
    return views.AssetList(items=[rendering.asset_summary(one) for one in items], cursor=following)


@routes.get("/assets/<symbol>", "Read an asset")
def read_asset(symbol: SymbolSegment) -> views.AssetDetail:
    """With the result of the last request for each of its statements, and when its company reports."""
    return reading.asset(container().facts, symbol_in_path(symbol), utc_now())


@routes.get(
    "/assets/<symbol>/fundamentals",
    "Read a company's fundamentals",
    forms=(Form(HTTPStatus.OK, tables.CONTENT_TYPE),),
)
def read_fundamentals(
    symbol: SymbolSegment,
    statement: StatementName = "income_statement",
    period: PeriodName = "quarterly",
    since: SinceDay = None,
    until: UntilDay = None,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> views.Fundamentals:
    """Newest first, by the end of the fiscal period; overviews by the day they were first published so. Callers that
    prefer `text/csv` get all of them at once, regardless of `limit`, as from `fundamentals.csv`."""
    wanted = _wanted(symbol, statement, period, since, until)
    if preferred(routes.router.current_event.raw_event, APPLICATION_JSON, tables.CONTENT_TYPE) == tables.CONTENT_TYPE:
        return cast("views.Fundamentals", _table(wanted))
    facts = container().facts
    items, following = page(
        container().cursors,
        {"list": "fundamentals", "wanted": wanted},
        cursor,
        lambda before: fundamentals.page_of(facts.fundamentals, wanted, limit=limit, before=before),
    )
    return views.Fundamentals(
        symbol=wanted.symbol, statement=statement, items=[rendering.report(one) for one in items], cursor=following
    )


@routes.get("/assets/<symbol>/fundamentals.csv", "Export a company's fundamentals", content_type=tables.CONTENT_TYPE)
def take_fundamentals(
    symbol: SymbolSegment,
    statement: StatementName = "income_statement",
    period: PeriodName = "quarterly",
    since: SinceDay = None,
    until: UntilDay = None,
) -> Response[str]:
    """All of them, newest first, as comma-separated values (RFC 4180, UTF-8 with a byte order mark): a column for each
    field that any row has, empty where it was not reported. Numbers are unchanged; texts that a spreadsheet could
    interpret as formulas are prefixed with an apostrophe."""
    return _table(_wanted(symbol, statement, period, since, until))


@routes.get("/assets/<symbol>/news", "List an asset's news")
def list_asset_news(
    symbol: SymbolSegment, since: Since = None, until: Until = None, limit: Limit = 30, cursor: Cursor = None
) -> views.ArticleList:
    """Newest first, each with its mention of the asset."""
    facts, name, wanted = container().facts, _known(symbol), moments(since, until)
    items, following = page(
        container().cursors,
        {"list": "news of", "symbol": name, "wanted": wanted},
        cursor,
        lambda after: news.of_asset(facts.news, name, wanted, limit=limit, after=after),
    )
    return views.ArticleList(items=[rendering.article(one) for one in items], cursor=following)


@routes.get("/assets/<symbol>/sentiment", "Get the sentiment of an asset's news over time")
def read_sentiment(
    symbol: SymbolSegment, since: Since = None, until: Until = None, period: SeriesPeriod = "day"
) -> views.SentimentSeries:
    """By hour, day or week, in UTC. Default: the last 30 days. At most 366 days, or 31 days by hour. Buckets without
    articles are omitted."""
    start, end = series_moments(since, until, period, utc_now())
    return sentiment.series(container().facts.news, _known(symbol), start, end, period)


@routes.get("/news", "Find news by sentiment")
def list_news(
    since: SinceNewsDay = None,
    until: UntilNewsDay = None,
    min_score: Score = None,
    max_score: Score = None,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> views.ArticleList:
    """News of all assets: the newest day first, in each day the most positive news first. An article is listed once for
    each asset it mentions, with that mention."""
    lowest, highest = scores(min_score, max_score)
    wanted = news.Sound(news_days(since, until, utc_now().date()), lowest, highest)
    asked = {"list": "news", "since": since, "until": until, "scores": [str(lowest), str(highest)]}
    found = container().facts.news
    items, following = page(
        container().cursors, asked, cursor, lambda after: news.by_sound(found, wanted, limit=limit, after=after)
    )
    return views.ArticleList(items=[rendering.article(one) for one in items], cursor=following)


@routes.get("/earnings", "List when companies report")
def list_earnings(
    since: FromDay = None,
    until: ToDay = None,
    symbol: Symbol = None,
    withdrawn: Withdrawn = False,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> views.EarningsList:
    """By day. Default: the next two weeks."""
    days = earnings_days(since, until, utc_now().date())
    name = symbol_in_query(symbol) if symbol else None
    calendar_kept = container().facts.earnings
    items, following = page(
        container().cursors,
        {"list": "earnings", "from": since, "to": until, "symbol": name, "withdrawn": withdrawn},
        cursor,
        lambda after: calendar.reports(calendar_kept, days, symbol=name, withdrawn=withdrawn, limit=limit, after=after),
    )
    found = [rendering.earnings_day(one) for one in items]
    return views.EarningsList(since=days.first, until=days.last, items=found, cursor=following)


@routes.get("/coverage", "Get the coverage and freshness", cache=ALWAYS_ASK)
def read_coverage() -> views.Coverage:
    """Assets by when their fundamentals were last requested, the sources' last runs, and how many calls to AlphaVantage
    are left today."""
    return covered.coverage(container().facts, utc_now())


@routes.post(
    "/assets/<symbol>/pollenate",
    "Request a company's fundamentals again",
    status=HTTPStatus.ACCEPTED,
    groups=("Developer", "Admin"),
)
def pollenate_asset(symbol: SymbolSegment, caller: Caller) -> views.PollenationRequest:
    """The request is published on the bus and processed in turn: it waits while the day's calls to AlphaVantage are
    exhausted, and until the end of the maintenance window on Sundays. Any pollenation after `requested_at` satisfies
    it."""
    now = utc_now().replace(microsecond=0)
    return requesting.request_pollenation(container().publisher(), _known(symbol), user=caller.user, now=now)


def _known(segment: str) -> str:
    """The symbol of an existing asset. Raises ``ItemNotFound``."""
    return container().facts.assets.get(symbol_in_path(segment)).symbol


def _wanted(segment: str, statement: str, period: str, since: str | None, until: str | None) -> Wanted:
    named = Statement(statement)
    first, last = fiscal_days(since, until)
    return Wanted(_known(segment), named, None if named is Statement.OVERVIEW else Period(period), first, last)


def _table(wanted: Wanted) -> Response[str]:
    text = tables.table(wanted, fundamentals.all_of(container().facts.fundamentals, wanted))
    headers = {
        "Cache-Control": SHORTLY,
        "Content-Disposition": f'attachment; filename="{tables.filename(wanted)}"',
        "Vary": "Accept",
    }
    return Response(HTTPStatus.OK.value, _CSV, text, headers)
