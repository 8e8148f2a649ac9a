"""Earnings and the overview of a company, in AlphaVantage's shape."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from local.upstreams.markets.books import Books
from local.upstreams.markets.companies import Company
from local.upstreams.markets.fiscal import ends_year, months_later, report_date
from local.upstreams.markets.statements import NONE, quarters_until, years_of

Json = dict[str, Any]

UNKNOWN = "-"
"""The overview's other mark for what is missing."""
_ESTIMATED_QUARTERS = 80
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def earnings(company: Company, books: Books, latest: date, reported: dict[date, date]) -> Json:
    """`reported` holds the report dates that differ from the usual."""
    quarters = quarters_until(company, latest, company.quarters)
    years = years_of(company, latest, company.quarters)
    annual = [{"fiscalDateEnding": end.isoformat(), "reportedEPS": _number(_year_eps(books, end))} for end in years]
    if not ends_year(company, latest):
        partial_year = {"fiscalDateEnding": latest.isoformat(), "reportedEPS": _number(books.eps(latest))}
        annual.insert(0, partial_year)
    rows = [
        _quarter(company, books, end, reported.get(end, report_date(company, end)), back)
        for back, end in enumerate(quarters)
    ]
    return {"symbol": company.dashed, "annualEarnings": annual, "quarterlyEarnings": rows}


def time_of_day(company: Company) -> str:
    return "pre-market" if company.index % 3 == 0 else "post-market"


def estimate(books: Books, end: date) -> float:
    return round(books.eps(end) * books.dice(f"estimate {end}").uniform(0.85, 1.1), 2)


def _quarter(company: Company, books: Books, end: date, reported: date, back: int) -> Json:
    eps, guess = books.eps(end), estimate(books, end)
    estimated = back < _ESTIMATED_QUARTERS
    surprise = round(eps - guess, 2)
    share = _number(round(surprise / abs(guess) * 100, 4)) if guess else NONE
    return {
        "fiscalDateEnding": end.isoformat(),
        "reportedDate": reported.isoformat(),
        "reportedEPS": _number(eps),
        "estimatedEPS": _number(guess) if estimated else NONE,
        "surprise": _number(surprise) if estimated else "0",
        "surprisePercentage": share if estimated else NONE,
        "reportTime": time_of_day(company),
    }


def _year_eps(books: Books, end: date) -> float:
    return round(sum(books.eps(months_later(end, -3 * back)) for back in range(4)), 2)


def overview(company: Company, books: Books, latest: date, price: float) -> Json:
    """A flat object of 55 texts."""
    year, balance = books.year(latest), books.balance(latest)
    before = books.quarter(months_later(latest, -12))
    quarter, rng = books.quarter(latest), books.dice(f"overview {latest}")
    shares, eps = books.shares, _year_eps(books, latest)
    value, profit = price * shares, year["netIncome"]
    revenue, equity = max(1, year["totalRevenue"]), balance["totalShareholderEquity"]
    paid = round(year["dividendPayout"] / shares, 2) if company.dividends else 0
    watched = rng.random() > 0.3
    ratings = [str(rng.randrange(0, 12)) if watched else UNKNOWN for _ in range(5)]
    return {
        "Symbol": company.dashed,
        "AssetType": "Common Stock",
        "Name": company.legal_name,
        "Description": f"{company.legal_name} is an invented company of the sample markets.",
        "CIK": str(1_900_000 + company.index),
        "Exchange": company.exchange or NONE,
        "Currency": "USD",
        "Country": "USA",
        "Sector": company.sector,
        "Industry": company.industry,
        "Address": f"{company.index + 1} SAMPLE STREET, EXAMPLE, DE, UNITED STATES, 19801",
        "OfficialSite": f"https://www.{company.symbol.lower().replace('.', '')}.example",
        "FiscalYearEnd": _MONTHS[company.year_ends - 1],
        "LatestQuarter": latest.isoformat(),
        "MarketCapitalization": str(int(value)),
        "EBITDA": str(year["ebitda"]),
        "PERatio": _ratio(price, eps) if eps > 0 else NONE,
        "PEGRatio": _number(round(rng.uniform(0.5, 4), 3)) if watched else NONE,
        "BookValue": _ratio(equity, shares),
        "DividendPerShare": _number(paid) if paid else NONE,
        "DividendYield": _ratio(paid, price, 4) if paid else NONE,
        "EPS": _number(eps),
        "RevenuePerShareTTM": _ratio(revenue, shares),
        "ProfitMargin": _ratio(profit, revenue, 3),
        "OperatingMarginTTM": _ratio(year["operatingIncome"], revenue, 3),
        "ReturnOnAssetsTTM": _ratio(profit, balance["totalAssets"], 4),
        "ReturnOnEquityTTM": _ratio(profit, equity, 3),
        "RevenueTTM": str(year["totalRevenue"]),
        "GrossProfitTTM": str(year["grossProfit"]),
        "DilutedEPSTTM": _number(eps),
        "QuarterlyEarningsGrowthYOY": _growth(quarter["netIncome"], before["netIncome"]),
        "QuarterlyRevenueGrowthYOY": _growth(quarter["totalRevenue"], before["totalRevenue"]),
        "AnalystTargetPrice": _number(round(price * rng.uniform(0.9, 1.4), 2)) if watched else UNKNOWN,
        "AnalystRatingStrongBuy": ratings[0],
        "AnalystRatingBuy": ratings[1],
        "AnalystRatingHold": ratings[2],
        "AnalystRatingSell": ratings[3],
        "AnalystRatingStrongSell": ratings[4],
        "TrailingPE": _ratio(price, eps) if eps > 0 else UNKNOWN,
        "ForwardPE": _number(round(rng.uniform(8, 40), 2)) if watched else UNKNOWN,
        "PriceToSalesRatioTTM": _ratio(value, revenue, 3),
        "PriceToBookRatio": _ratio(value, equity),
        "EVToRevenue": _ratio(value * 1.1, revenue, 3),
        "EVToEBITDA": _ratio(value * 1.1, year["ebitda"]) if year["ebitda"] > 0 else UNKNOWN,
        "Beta": _number(round(rng.uniform(0.2, 2.2), 3)),
        "52WeekHigh": _number(round(price * 1.3, 2)),
        "52WeekLow": _number(round(price * 0.7, 2)),
        "50DayMovingAverage": _number(round(price * 0.97, 2)),
        "200DayMovingAverage": _number(round(price * 0.93, 2)),
        "SharesOutstanding": str(int(shares)),
        "SharesFloat": str(int(shares * 0.98)),
        "PercentInsiders": _number(round(rng.uniform(0, 30), 3)),
        "PercentInstitutions": _number(round(rng.uniform(5, 95), 3)),
        "DividendDate": (latest + timedelta(days=71)).isoformat() if paid else NONE,
        "ExDividendDate": (latest + timedelta(days=38)).isoformat() if paid else NONE,
    }


def _ratio(above: float, below: float, digits: int = 2) -> str:
    return _number(round(above / below, digits)) if below else NONE


def _growth(now: int, before: int) -> str:
    return _number(round(now / before - 1, 3)) if before > 0 else "0"


def _number(value: float) -> str:
    """Without an exponent, and without a point for whole numbers."""
    return f"{value:.4f}".rstrip("0").rstrip(".") or "0"
