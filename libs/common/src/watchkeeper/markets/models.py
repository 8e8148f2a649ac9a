"""What the markets watch keeps, as the rest of the code handles it; a field means what it means to its upstream."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

ACTIVE = "active"
INACTIVE = "inactive"
"""Of an asset. Upstreams have used other words too; they are kept as they come."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A share or fund that can be traded, as Alpaca lists it, and what else is known of it."""

    symbol: str
    """As Alpaca writes it; it can be given to another company. ``id`` stays."""
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
    """When it was first missing in a complete list. It is inactive since."""
    volume: int = 0
    """Shares traded on the last whole day on one exchange (IEX): good for ranking, no volume of the market."""
    last_pollenated: datetime | None = None
    """When all of its fundamentals were last asked for."""
    no_data: bool = False
    """Whether there was nothing about it then, as for most funds."""


class Statement(StrEnum):
    """What AlphaVantage tells of a company, one function for each."""

    OVERVIEW = "overview"
    EARNINGS = "earnings"
    INCOME_STATEMENT = "income_statement"
    BALANCE_SHEET = "balance_sheet"
    CASH_FLOW = "cash_flow"


class Period(StrEnum):
    ANNUAL = "annual"
    QUARTERLY = "quarterly"


Values = Mapping[str, str]
"""Figures and texts by their upstream's names. Figures are in the form of ``numbers.text_of``; what is missing is not
there."""


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
    """What was told of a company, from the day it was first told so."""

    symbol: str
    last_updated: date
    values: Values


class Outcome(StrEnum):
    """What came of asking for a statement."""

    DATA = "data"
    NO_DATA = "no_data"
    """There is none of this symbol."""
    REFUSED = "refused"
    """The upstream will not tell: it does not know the symbol, the plan does not include the function, or what it says
    stays unreadable."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The last time a statement was asked for."""

    at: datetime
    outcome: Outcome
    digest: str = ""
    """Of what was stored then: the same answer again is known by it."""
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
    """The day it was announced for before it was moved last."""
    withdrawn_at: datetime | None = None
    """When it was first missing in a complete calendar, while still to come."""
    processed_at: datetime | None = None
    """When the fundamentals of the period were all there."""


@dataclass(frozen=True, slots=True)
class Mention:
    """What an article says of one symbol."""

    symbol: str
    relevance: Decimal
    """0 to 1."""
    score: Decimal
    """-1 (bearish) to 1 (bullish)."""
    label: str


@dataclass(frozen=True, slots=True)
class Article:
    """News, with what it says of the tracked symbols it names."""

    id: str
    """A hash of its address: the upstream has no id."""
    published_at: datetime
    """As it was told first."""
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
