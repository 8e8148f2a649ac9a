"""The shapes of the answers. Their docstrings are the API's documentation.

Figures are decimals as texts, exactly as they were reported; times are in UTC.
"""

from datetime import date, datetime
from decimal import Decimal

from typing_extensions import TypedDict

from api.web.sources import GapState, RefusalState


class AssetSummary(TypedDict):
    """A share or fund that can be traded."""

    symbol: str
    """As Alpaca writes it: `BRK.B`."""
    name: str
    status: str
    """`active`, or `inactive` since it is listed no more."""
    exchange: str
    """As Alpaca names it; new ones come up."""
    asset_class: str
    tradable: bool
    volume: int
    """Shares traded on the last whole day on one exchange (IEX): good for ranking, no volume of the market."""
    rank: int | None
    """Its place among the assets of that status by volume, from 1; null unless they are listed by volume."""
    last_pollenated: datetime | None
    """When all of its fundamentals were last asked for; null if they never were."""
    no_data: bool
    """Whether there was nothing about it then, as for most funds."""


class AssetList(TypedDict):
    items: list[AssetSummary]
    """In the order asked for. There may be fewer than asked for, even none, and still more to come: the cursor says
    so."""
    cursor: str | None
    """Ask again with it for what follows; null at the end."""


class StatementState(TypedDict):
    """What came of asking for a statement the last time."""

    statement: str
    asked_at: datetime | None
    """Null if it was never asked for."""
    outcome: str | None
    """`data`; `no_data`, there is none of this symbol; or `refused`, the upstream will not tell."""
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
    """The day it was announced for before it was moved last."""
    withdrawn_at: datetime | None
    """Since when the calendar names it no more."""
    processed_at: datetime | None
    """When everything that was reported was here."""


class AssetDetail(TypedDict):
    symbol: str
    id: str
    """Alpaca's, and for good: a symbol can be given to another company."""
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
    """When it was first missing in a complete list."""
    volume: int
    """Shares traded on the last whole day on one exchange (IEX)."""
    last_pollenated: datetime | None
    """When all of its fundamentals were last asked for."""
    no_data: bool
    statements: list[StatementState]
    next_earnings: EarningsDay | None
    """The next day it is expected to report, today included."""
    last_earnings: EarningsDay | None
    """The last day it was expected to report, within the last 400 days."""


class Report(TypedDict):
    """What was reported for a fiscal period, or what was told of a company."""

    period: str | None
    """`annual` or `quarterly`; null for an overview. The year and its last quarter end on the same day."""
    fiscal_date_ending: date | None
    """Null for an overview."""
    last_updated: date | None
    """For an overview, the day it was first told so; null for others."""
    values: dict[str, str]
    """By the upstream's names; figures are decimals. What is missing is not there."""


class Fundamentals(TypedDict):
    symbol: str
    statement: str
    items: list[Report]
    """Newest first."""
    cursor: str | None


class Mention(TypedDict):
    """What an article says of one symbol."""

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
    """Of `http` or `https`; null if it is of anything else."""
    source: str
    summary: str
    authors: tuple[str, ...]
    topics: tuple[str, ...]
    score: Decimal
    """-1 to 1, of the article as a whole."""
    label: str
    mention: Mention
    """What it says of the symbol it is listed for."""


class ArticleList(TypedDict):
    items: list[Article]
    """There may be fewer than asked for, even none, and still more to come: the cursor says so."""
    cursor: str | None


class SentimentBucket(TypedDict):
    """What the articles of an hour, a day or a week say of an asset."""

    start: datetime
    """Its first moment, in UTC; weeks begin on Monday."""
    count: int
    """Articles; there is no bucket without any."""
    weighted_mean: Decimal
    """Of their scores, each weighing as much as it is relevant; six decimal places."""
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
    """Whether there are more articles than the 5,000 newest, which are looked at: the oldest bucket is incomplete then,
    and those before it are missing."""
    buckets: list[SentimentBucket]
    """Oldest first. Those without articles are left out."""


class EarningsList(TypedDict):
    since: date
    """The first day asked for."""
    until: date
    """The last one."""
    items: list[EarningsDay]
    """By day, then by symbol. There may be fewer than asked for, even none, and still more to come: the cursor says
    so."""
    cursor: str | None


class AgeGroup(TypedDict):
    age: str
    """By when the fundamentals were last asked for: up to `1d`, `7d`, `30d` or `90d` ago, `older`, `never`; or
    `no_data`, those about which there was nothing."""
    assets: int


class AssetCoverage(TypedDict):
    """Active assets, counted once an hour."""

    counted_at: datetime
    total: int
    fresh: int
    """Those asked for within a quarter of a year."""
    ages: list[AgeGroup]
    """Each asset is in one of them."""
    oldest: datetime | None
    """The longest time ago that one was asked for, of those that ever were."""
    newest: datetime | None


class MarketSource(TypedDict):
    name: str
    """`alpaca:assets`, `alphavantage:earnings-calendar`, `alphavantage:news` or `alphavantage:fundamentals`."""
    last_success: datetime | None
    """What was there then is here now."""
    age_seconds: int | None
    error: str | None
    failing_since: datetime | None
    blocked_since: datetime | None
    """Since when the upstream refuses us."""
    gaps: list[GapState]
    """What may be missing."""
    refused: int
    """Rows of the last run that could not be taken."""
    reasons: dict[str, int]
    """How many for each reason."""
    refusals: list[RefusalState]
    """The newest ones, of any run."""


class CallBudget(TypedDict):
    """Calls of AlphaVantage, which all functions share, of the UTC day."""

    per_day: int
    used: int
    left: int
    paused_until: datetime | None
    """Until when nobody asks, as the upstream wants it."""


class Coverage(TypedDict):
    now: datetime
    assets: AssetCoverage | None
    """Null until they were counted for the first time."""
    sources: list[MarketSource]
    budget: CallBudget


class PollenationRequest(TypedDict):
    event_id: str
    """Of the event `pollenationNeeded` on the bus."""
    symbol: str
    requested_at: datetime
