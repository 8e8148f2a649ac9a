"""The markets watch's domain; a field has the meaning that its upstream gives it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

ACTIVE = "active"
INACTIVE = "inactive"
"""A status of assets. Upstreams have used other words too; they are stored as they are."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A share or fund that can be traded, as Alpaca lists it, and what else is known about it."""

    symbol: str
    """As Alpaca writes it; it can be reassigned to another company, while ``id`` stays the same."""
    id: str
    name: str
    status: str
    exchange: str
    asset_class: str
    tradable: bool
    marginable: bool = False
    shortable: bool = False
    fractionable: bool = False
    borrow_status: str | None = None
    margin_requirement_long: Decimal | None = None
    margin_requirement_short: Decimal | None = None
    attributes: tuple[str, ...] = ()
    vanished_at: datetime | None = None
    """When it was first missing from a complete list. It has been inactive since."""
    volume: int = 0
    """Shares traded on the last whole day on one exchange (IEX): good for ranking, but not the market's volume."""
    last_pollenated: datetime | None = None
    """When all of its fundamentals were last requested."""
    no_data: bool = False
    """Whether there were none then, as for most funds."""


class Statement(StrEnum):
    """What AlphaVantage reports about a company, with one function for each."""

    OVERVIEW = "overview"
    EARNINGS = "earnings"
    INCOME_STATEMENT = "income_statement"
    BALANCE_SHEET = "balance_sheet"
    CASH_FLOW = "cash_flow"


class Period(StrEnum):
    ANNUAL = "annual"
    QUARTERLY = "quarterly"


Values = Mapping[str, str]
"""Figures and texts by their upstream's names. Figures are in the form of ``numbers.text_of``; missing ones are
omitted."""


@dataclass(frozen=True, slots=True)
class Report:
    """A statement for one fiscal period. The fourth quarter and its year end on the same day, and are two reports."""

    symbol: str
    statement: Statement
    """Any but ``OVERVIEW``."""
    period: Period
    fiscal_date_ending: date
    values: Values


@dataclass(frozen=True, slots=True)
class Overview:
    """A company's overview, and the day it was first reported so."""

    symbol: str
    last_updated: date
    values: Values


class Outcome(StrEnum):
    """The result of requesting a statement."""

    DATA = "data"
    NO_DATA = "no_data"
    """There is none for this symbol."""
    REFUSED = "refused"
    """The upstream does not provide it: it does not know the symbol, the plan does not include the function, or its
    response stays unreadable."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The last time a statement was requested."""

    at: datetime
    outcome: Outcome
    digest: str = ""
    """Of what was stored then: it identifies an unchanged response."""
    reason: str = ""
    """Why it was refused."""


@dataclass(frozen=True, slots=True)
class Earnings:
    """The day a company is expected to report a fiscal period."""

    symbol: str
    earnings_date: date
    fiscal_date_ending: date
    name: str = ""
    estimate: Decimal | None = None
    """Earnings per share, in ``currency``."""
    currency: str = ""
    time_of_day: str = ""
    """``pre-market`` or ``post-market``; mostly empty."""
    moved_from: date | None = None
    """The day it was announced for before it was last moved."""
    withdrawn_at: datetime | None = None
    """When it was first missing from a complete calendar, while still to come."""
    processed_at: datetime | None = None
    """When all fundamentals of the period were stored."""


@dataclass(frozen=True, slots=True)
class Mention:
    """What an article says about one symbol."""

    symbol: str
    relevance: Decimal
    """0 to 1."""
    score: Decimal
    """-1 (bearish) to 1 (bullish)."""
    label: str


@dataclass(frozen=True, slots=True)
class Article:
    """News, with what it says about the tracked symbols it names."""

    id: str
    """A hash of its address: the upstream has no id."""
    published_at: datetime
    """As it was first reported."""
    title: str
    url: str
    source: str
    summary: str
    authors: tuple[str, ...]
    topics: tuple[str, ...]
    score: Decimal
    """-1 to 1, of the article as a whole."""
    label: str
    mentions: tuple[Mention, ...]
