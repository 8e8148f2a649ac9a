"""The invented companies: a few written by hand for their oddities, and as many plain ones as requested."""

from __future__ import annotations

import random
import re
import uuid
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["company", "fund", "paper", "coin", "perpetual"]
"""`paper` is a security without statements of its own, such as warrants and preferred shares."""

LONG = 121
"""Quarters of the oldest companies' earnings; statements reach back 81 at most."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FIRST_LETTERS = "JQXZ"
_TICKERS = len(_FIRST_LETTERS) * len(_LETTERS) ** 3
_STRIDE = 7919
"""Has no divisor in common with the number of tickers, so that each is met once."""

_PLACES = ("Alder", "Birch", "Cinder", "Dovetail", "Ember", "Fallow", "Gannet", "Harrow", "Inkwell", "Juniper")
_THINGS = ("Bay", "Bridge", "Creek", "Field", "Forge", "Gate", "Hollow", "Point", "Ridge", "Vale")
_TRADES = (
    ("Software", "TECHNOLOGY", "SERVICES-PREPACKAGED SOFTWARE"),
    ("Semiconductor", "TECHNOLOGY", "SEMICONDUCTORS"),
    ("Therapeutics", "HEALTHCARE", "BIOTECHNOLOGY"),
    ("Foods", "CONSUMER DEFENSIVE", "PACKAGED FOODS"),
    ("Energy", "ENERGY", "OIL & GAS E&P"),
    ("Bancorp", "FINANCIAL SERVICES", "BANKS - REGIONAL"),
    ("Metals", "BASIC MATERIALS", "OTHER INDUSTRIAL METALS & MINING"),
    ("Logistics", "INDUSTRIALS", "INTEGRATED FREIGHT & LOGISTICS"),
)
_YEAR_ENDS = ((12, 12, 12, 6), (1, 10, 4, 7), (12, 12, 9, 3), (11, 5, 8, 2))
"""By turns, so that somebody reports in every week of the year; half of them with the quarters of the calendar."""
_FORMS = ("Inc.", "Corp.", "Holdings, Inc.", "Group Ltd.")


@dataclass(frozen=True, slots=True)
class Company:
    """One row of the asset list; `symbol` as Alpaca spells it."""

    symbol: str
    name: str
    exchange: str
    index: int
    kind: Kind = "company"
    status: str = "active"
    tradable: bool = True
    year_ends: int = 12
    """The last month of its fiscal year."""
    report_days: int = 30
    """From the end of a quarter to its report."""
    quarters: int = LONG
    late_days: int = 0
    """From a report to its statements at the vendor."""
    currency: str = "USD"
    sector: str = "TECHNOLOGY"
    industry: str = "SEMICONDUCTORS"
    dividends: bool = True
    two_spellings: bool = False
    """The calendar has it under a dot and under a dash, with different dates."""
    early: bool = False
    """The calendar's `fiscalDateEnding` is later than its report."""
    id: str = ""

    @property
    def dashed(self) -> str:
        """As AlphaVantage spells it."""
        return self.symbol.replace(".", "-")

    @property
    def legal_name(self) -> str:
        return re.split(r" Common Stock| Ordinary Shares| Class ", self.name)[0]


def make_companies(count: int, seed: int) -> list[Company]:
    """The same ones, and their ids, for a seed; fewer are the first of more."""
    rng = random.Random(f"companies {seed}")  # noqa: S311  (invents, guards nothing)
    cast = [_with_id(one, seed) for one in _cast()[:count]]
    return [*cast, *(_with_id(_plain(index, seed, rng), seed) for index in range(len(cast), count))]


def strangers() -> list[Company]:
    """Those AlphaVantage knows and Alpaca does not trade."""
    names = ("Quernstone Pharma AG", "Xanthe Motors KK", "Zollwerk Energie SE", "Jokull Fisheries hf")
    named = zip(("QNSTY", "XNTMF", "ZLWKF", "JKLFF"), names, ("CHF", "JPY", "EUR", "ISK"), strict=True)
    return [
        Company(symbol, name, "OTC", 100_000 + at, year_ends=12 - at % 3, report_days=24 + 5 * at, currency=currency)
        for at, (symbol, name, currency) in enumerate(named)
    ]


def _cast() -> list[Company]:
    return [
        Company("QUIL", "Quillmark Instruments Corp. Common Stock", "NYSE", 0, report_days=22),
        Company("ZEPH", "Zephyrine Software Inc. Common Stock", "NASDAQ", 1, year_ends=6, dividends=False),
        Company("XOLB", "Xolbrook Semiconductor Corp. Common Stock", "NASDAQ", 2, year_ends=1, quarters=81),
        Company("BRAV.A", "Bravenport Holdings Inc. Class A", "NYSE", 3, report_days=36, two_spellings=True),
        Company("BRAV.B", "Bravenport Holdings Inc. Class B", "NYSE", 4, report_days=36, two_spellings=True),
        Company("HLMQ.B", "Helmcrest Industries Inc. Class B", "NYSE", 5, year_ends=11),
        Company("ZBMQ", "Zenith Broad Market Fund", "ARCA", 6, "fund"),
        Company("JNQX", "Juniper Gate Bond Fund", "ARCA", 7, "fund"),
        Company("MORQF", "Morquet Mining plc Ordinary Shares", "OTC", 8, currency="CAD", quarters=40),
        Company("NTRQ", "Notradia Realty Trust Common Stock", "NYSE", 9, tradable=False, report_days=40),
        Company("ASCQ", "Ascendant Quarry Corp. Common Stock", "ASCX", 10, quarters=24),
        Company("VODQ", "Voidmere Labs Inc. Common Stock", "", 11, quarters=16, dividends=False),
        Company("NWXQ", "Newexmoor Energy Corp. Common Stock", "QUANTEX", 12, quarters=33),
        Company("LMBQ", "Limbourne Pharma Inc. Common Stock", "NASDAQ", 13, status="suspended", dividends=False),
        Company("GONQ", "Gonewick Retail Corp. Common Stock", "NYSE", 14, status="inactive", tradable=False),
        Company("IPOQ", "Iporial Robotics Inc. Common Stock", "NASDAQ", 15, quarters=2, dividends=False),
        Company("NORQ", "Norquist Maritime ASA Common Stock", "NYSE", 16, currency="EUR", quarters=61),
        Company("ERLQ", "Earlham Data Corp. Common Stock", "NASDAQ", 17, year_ends=10, early=True),
        Company("ERZQ", "Earnzig Systems Inc. Common Stock", "NYSE", 18, year_ends=8, early=True),
        Company("LATQ", "Latimerq Chemicals Corp. Common Stock", "NYSE", 19, late_days=3),
        Company("ZEPH.WS", "Zephyrine Software Inc. Warrants", "NYSE", 20, "paper"),
        Company("QUIL.PRA", "Quillmark Instruments Corp. Preferred Series A", "NYSE", 21, "paper"),
        Company("QZC/USD", "Quartz Coin / US Dollar", "CRYPTO", 22, "coin"),
        Company("XNC/USDT", "Xenon Coin / USD Tether", "CRYPTO", 23, "coin"),
        Company("QZC-PERP", "Quartz Coin Perpetual", "ASCX", 24, "perpetual"),
    ]


def _plain(index: int, seed: int, rng: random.Random) -> Company:
    trade, sector, industry = rng.choice(_TRADES)
    place, thing = rng.choice(_PLACES), rng.choice(_THINGS)
    exchange = rng.choices(("NASDAQ", "NYSE", "ARCA", "AMEX", "BATS", "OTC"), (46, 28, 10, 3, 3, 10))[0]
    ticker = _ticker(index, seed)
    if exchange == "ARCA":
        return Company(ticker, f"{place} {thing} {trade} ETF", exchange, index, "fund")
    return Company(
        f"{ticker}F" if exchange == "OTC" else ticker,
        f"{place} {thing} {trade} {rng.choice(_FORMS)} Common Stock",
        exchange,
        index,
        year_ends=rng.choice(_YEAR_ENDS[index % 4]),
        report_days=20 + index // 4 * 7 % 30,
        quarters=rng.choice((LONG, LONG, 81, 81, 60, 37, 22, 9)),
        late_days=2 if index % 9 == 0 else 0,
        sector=sector,
        industry=industry,
        dividends=rng.random() < 0.4,
    )


def _ticker(index: int, seed: int) -> str:
    number = (index * _STRIDE + seed) % _TICKERS
    rest = ""
    for _ in range(3):
        number, letter = divmod(number, len(_LETTERS))
        rest += _LETTERS[letter]
    return _FIRST_LETTERS[number] + rest


def _with_id(company: Company, seed: int) -> Company:
    return replace(company, id=str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{company.symbol}.{seed}.assets.example")))
