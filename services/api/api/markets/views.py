"""Response models. Their docstrings are part of the API's documentation.

Numbers are decimals as strings, exactly as they were reported; times are in UTC.
"""

from datetime import date, datetime
from decimal import Decimal

from typing_extensions import TypedDict

from api.web.sources import GapState, RefusalState


class AssetSummary(TypedDict):
    """A share or fund that can be traded."""

    symbol: str
    """In Alpaca's spelling: `BRK.B`."""
    name: str
    status: str
    """`active`, or `inactive` if it is no longer listed."""
    exchange: str
    """Alpaca's name for it; new ones may appear."""
    asset_class: str
    tradable: bool
    volume: int
    """Shares traded on the last complete day on one exchange (IEX): good for ranking, but not the market's volume."""
    rank: int | None
    """Its rank by volume among the assets with that status, from 1; null unless the list is sorted by volume."""
    last_pollenated: datetime | None
    """When all of its fundamentals were last requested; null if never."""
    no_data: bool
    """Whether there was no data then, as for most funds."""


class AssetList(TypedDict):
    items: list[AssetSummary]
    """In the requested order. A page may hold fewer than `limit`, or none at all, and still have a cursor to
    the next."""
    cursor: str | None
    """Pass it to get the next page; null on the last one."""


class StatementState(TypedDict):
    """The result of the last request for a statement."""

    statement: str
    asked_at: datetime | None
    """Null if it was never requested."""
    outcome: str | None
    """`data`; `no_data`: there is none for this symbol; or `refused`: the upstream does not provide it."""
    reason: str | None
    """Why it was refused."""


class EarningsDay(TypedDict):
    """The day a company is expected to report a fiscal period."""

    symbol: str
    name: str
    earnings_date: date
    fiscal_date_ending: date
    estimate: Decimal | None
    """Expected earnings per share, in `currency`."""
    currency: str
    time_of_day: str
    """`pre-market` or `post-market`; mostly empty."""
    moved_from: date | None
    """The previous day, if it was moved."""
    withdrawn_at: datetime | None
    """Since when the calendar no longer lists it."""
    processed_at: datetime | None
    """When all of the report's fundamentals had been read."""


class AssetDetail(TypedDict):
    symbol: str
    id: str
    """Alpaca's id, which is permanent: a symbol can be reassigned to another company."""
    name: str
    status: str
    exchange: str
    asset_class: str
    tradable: bool
    marginable: bool
    shortable: bool
    fractionable: bool
    borrow_status: str | None
    margin_requirement_long: Decimal | None
    """Per cent."""
    margin_requirement_short: Decimal | None
    attributes: tuple[str, ...]
    vanished_at: datetime | None
    """When it was first missing from a complete list."""
    volume: int
    """Shares traded on the last complete day on one exchange (IEX)."""
    last_pollenated: datetime | None
    """When all of its fundamentals were last requested."""
    no_data: bool
    statements: list[StatementState]
    next_earnings: EarningsDay | None
    """The next day it is expected to report, including today."""
    last_earnings: EarningsDay | None
    """The last day it was expected to report, within the last 400 days."""


class Report(TypedDict):
    """A statement for a fiscal period, or an overview of a company."""

    period: str | None
    """`annual` or `quarterly`; null for an overview. A year and its last quarter end on the same day."""
    fiscal_date_ending: date | None
    """Null for an overview."""
    last_updated: date | None
    """For an overview, the day it was first published so; null for others."""
    values: dict[str, str]
    """By the upstream's field names; numbers are decimals. Missing values are omitted."""


class Fundamentals(TypedDict):
    symbol: str
    statement: str
    items: list[Report]
    """Newest first."""
    cursor: str | None


class Mention(TypedDict):
    """How an article mentions one symbol."""

    symbol: str
    relevance: Decimal
    """0 to 1."""
    score: Decimal
    """-1 (bearish) to 1 (bullish)."""
    label: str


class Article(TypedDict):
    id: str
    published_at: datetime
    title: str
    url: str | None
    """With the scheme `http` or `https`; otherwise null."""
    source: str
    summary: str
    authors: tuple[str, ...]
    topics: tuple[str, ...]
    score: Decimal
    """-1 to 1, for the article as a whole."""
    label: str
    mention: Mention
    """How it mentions the symbol it is listed for."""


class ArticleList(TypedDict):
    items: list[Article]
    """A page may hold fewer than `limit`, or none at all, and still have a cursor to the next."""
    cursor: str | None


class SentimentBucket(TypedDict):
    """The sentiment about an asset in the articles of an hour, a day or a week."""

    start: datetime
    """The start of the bucket, in UTC; weeks begin on Monday."""
    count: int
    """The number of articles, at least 1."""
    weighted_mean: Decimal
    """The mean of their scores, weighted by relevance; six decimal places."""
    mean: Decimal
    min: Decimal
    max: Decimal


class SentimentSeries(TypedDict):
    symbol: str
    period: str
    since: datetime
    until: datetime
    articles: int
    truncated: bool
    """Whether there are more than 5,000 articles. Only the newest are evaluated then: the oldest bucket is incomplete,
    and earlier ones are missing."""
    buckets: list[SentimentBucket]
    """Oldest first. Empty buckets are omitted."""


class EarningsList(TypedDict):
    since: date
    """The first day of the range."""
    until: date
    """The last day of the range."""
    items: list[EarningsDay]
    """By day, then by symbol. A page may hold fewer than `limit`, or none at all, and still have a cursor to
    the next."""
    cursor: str | None


class AgeGroup(TypedDict):
    age: str
    """By when the fundamentals were last requested: up to `1d`, `7d`, `30d` or `90d` ago, `older`, `never`; or
    `no_data`, if there was no data."""
    assets: int


class AssetCoverage(TypedDict):
    """Active assets, counted once an hour."""

    counted_at: datetime
    total: int
    fresh: int
    """Assets whose fundamentals were requested within a quarter of a year."""
    ages: list[AgeGroup]
    """Each asset is in exactly one of them."""
    oldest: datetime | None
    """The earliest last request of any asset, except those never requested."""
    newest: datetime | None


class MarketSource(TypedDict):
    name: str
    """`alpaca:assets`, `alphavantage:earnings-calendar`, `alphavantage:news` or `alphavantage:fundamentals`."""
    last_success: datetime | None
    """Everything the source had at that time has been read."""
    age_seconds: int | None
    error: str | None
    failing_since: datetime | None
    blocked_since: datetime | None
    """Since when the upstream has blocked us."""
    gaps: list[GapState]
    """Data that may be missing."""
    refused: int
    """Rows of the last run that were rejected."""
    reasons: dict[str, int]
    """The number of rejected rows by reason."""
    refusals: list[RefusalState]
    """The newest rejected rows, of any run."""


class CallBudget(TypedDict):
    """Calls to AlphaVantage on this UTC day, shared by all functions."""

    per_day: int
    used: int
    left: int
    paused_until: datetime | None
    """Until when calls are paused, as the upstream requested."""


class Coverage(TypedDict):
    now: datetime
    assets: AssetCoverage | None
    """Null until they have been counted for the first time."""
    sources: list[MarketSource]
    budget: CallBudget


class PollenationRequest(TypedDict):
    event_id: str
    """The id of the event `pollenationNeeded` on the bus."""
    symbol: str
    requested_at: datetime
