"""Statements in AlphaVantage's format: all values are strings, and missing ones are "None"."""

from __future__ import annotations

import random
from datetime import date
from typing import Any, Literal

from local.upstreams.markets.books import Books, Figures
from local.upstreams.markets.companies import Company
from local.upstreams.markets.fiscal import ends_year, months_later

Json = dict[str, Any]
Kind = Literal["annual", "quarterly"]

NONE = "None"
MOST_QUARTERS = 81
MOST_YEARS = 20

BALANCE_SHEET = (
    *("totalAssets", "totalCurrentAssets", "cashAndCashEquivalentsAtCarryingValue", "cashAndShortTermInvestments"),
    *("inventory", "currentNetReceivables", "totalNonCurrentAssets", "propertyPlantEquipment"),
    *("accumulatedDepreciationAmortizationPPE", "intangibleAssets", "intangibleAssetsExcludingGoodwill", "goodwill"),
    *("investments", "longTermInvestments", "shortTermInvestments", "otherCurrentAssets", "otherNonCurrentAssets"),
    *("totalLiabilities", "totalCurrentLiabilities", "currentAccountsPayable", "deferredRevenue", "currentDebt"),
    *("shortTermDebt", "totalNonCurrentLiabilities", "capitalLeaseObligations", "longTermDebt", "currentLongTermDebt"),
    *("longTermDebtNoncurrent", "shortLongTermDebtTotal", "otherCurrentLiabilities", "otherNonCurrentLiabilities"),
    *("totalShareholderEquity", "treasuryStock", "retainedEarnings", "commonStock", "commonStockSharesOutstanding"),
)
CASH_FLOW = (
    *("operatingCashflow", "paymentsForOperatingActivities", "proceedsFromOperatingActivities"),
    *("changeInOperatingLiabilities", "changeInOperatingAssets", "depreciationDepletionAndAmortization"),
    *("capitalExpenditures", "changeInReceivables", "changeInInventory", "profitLoss", "cashflowFromInvestment"),
    *("cashflowFromFinancing", "proceedsFromRepaymentsOfShortTermDebt", "paymentsForRepurchaseOfCommonStock"),
    *("paymentsForRepurchaseOfEquity", "paymentsForRepurchaseOfPreferredStock", "dividendPayout"),
    *("dividendPayoutCommonStock", "dividendPayoutPreferredStock", "proceedsFromIssuanceOfCommonStock"),
    *("proceedsFromIssuanceOfLongTermDebtAndCapitalSecuritiesNet", "proceedsFromIssuanceOfPreferredStock"),
    *("proceedsFromRepurchaseOfEquity", "proceedsFromSaleOfTreasuryStock", "changeInCashAndCashEquivalents"),
    *("changeInExchangeRate", "stockBasedCompensation", "netIncome"),
)
INCOME_STATEMENT = (
    *("grossProfit", "totalRevenue", "costOfRevenue", "costofGoodsAndServicesSold", "operatingIncome"),
    *("sellingGeneralAndAdministrative", "researchAndDevelopment", "operatingExpenses", "investmentIncomeNet"),
    *("netInterestIncome", "interestIncome", "interestExpense", "nonInterestIncome", "otherNonOperatingIncome"),
    *("depreciation", "depreciationAndAmortization", "incomeBeforeTax", "incomeTaxExpense", "interestAndDebtExpense"),
    *("netIncomeFromContinuingOperations", "comprehensiveIncomeNetOfTax", "ebit", "ebitda", "netIncome"),
)
FIELDS = {"BALANCE_SHEET": BALANCE_SHEET, "CASH_FLOW": CASH_FLOW, "INCOME_STATEMENT": INCOME_STATEMENT}

_OFTEN_MISSING = {
    "accumulatedDepreciationAmortizationPPE": 0.33,
    "longTermInvestments": 0.4,
    "capitalLeaseObligations": 0.64,
    "currentLongTermDebt": 0.48,
    "treasuryStock": 0.21,
    "otherNonCurrentLiabilities": 0.16,
    "propertyPlantEquipment": 0.05,
    "changeInReceivables": 0.2,
    "changeInCashAndCashEquivalents": 0.25,
    "changeInExchangeRate": 0.6,
    "stockBasedCompensation": 0.3,
    "otherNonOperatingIncome": 0.4,
    "netInterestIncome": 0.3,
    "interestIncome": 0.3,
}
"""The share of the reports without that field; a field nobody computes is missing from all."""
_MISSING_IF_NONE = frozenset({"dividendPayout", "dividendPayoutCommonStock", "researchAndDevelopment"})


def quarters_until(company: Company, latest: date, most: int = MOST_QUARTERS) -> list[date]:
    """Newest first. A company that went public lately has fewer."""
    return [months_later(latest, -3 * back) for back in range(min(most, company.quarters))]


def years_of(company: Company, latest: date, most: int = MOST_YEARS) -> list[date]:
    """The ends of the fiscal years that are over, of which all four quarters were reported."""
    quarters = quarters_until(company, latest, company.quarters)
    return [end for end in quarters[: max(0, len(quarters) - 3)] if ends_year(company, end)][:most]


def statement(function: str, company: Company, books: Books, latest: date) -> Json:
    quarters = quarters_until(company, latest)
    years = years_of(company, latest)
    return {
        "symbol": company.dashed,
        "annualReports": [_report(function, company, books, "annual", end) for end in years],
        "quarterlyReports": [_report(function, company, books, "quarterly", end) for end in quarters],
    }


def _report(function: str, company: Company, books: Books, kind: Kind, end: date) -> Json:
    rng = books.dice(f"gaps {function} {kind} {end}")
    figures = _figures(function, books, kind, end)
    head = {"fiscalDateEnding": end.isoformat(), "reportedCurrency": company.currency}
    return head | {name: _written(name, figures, rng) for name in FIELDS[function]}


def _figures(function: str, books: Books, kind: Kind, end: date) -> Figures:
    if function == "BALANCE_SHEET":
        return books.balance(end)
    return books.year(end) if kind == "annual" else books.quarter(end)


def _written(name: str, figures: Figures, rng: random.Random) -> str:
    if name not in figures or rng.random() < _OFTEN_MISSING.get(name, 0):
        return NONE
    if figures[name] == 0 and name in _MISSING_IF_NONE:
        return NONE
    return str(figures[name])
