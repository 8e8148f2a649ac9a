"""What a company earned, spent, owned and owed: invented figures that add up."""

from __future__ import annotations

import random
from datetime import date
from functools import partial

from local.upstreams.markets.companies import Company
from local.upstreams.markets.fiscal import months_later

Figures = dict[str, int]
"""Whole units of the reported currency, by the vendor's names of the fields."""


class Books:
    """One company's figures of any period; the same for a seed, however often and in whatever order they are read."""

    def __init__(self, company: Company, seed: int) -> None:
        self._company = company
        self._seed = f"{seed} {company.symbol}"
        rng = self.dice("company")
        self._revenue = 10 ** rng.uniform(7.3, 10.2)
        self._growth = rng.uniform(-0.01, 0.11)
        self._costs = rng.uniform(0.35, 0.7)
        self._research = rng.choice((0.0, 0.04, 0.12))
        self._sales = rng.uniform(0.1, 0.22)
        self._borrowed = rng.uniform(0.35, 0.75)
        self.shares = round(self._revenue / rng.uniform(6, 30), -3) or 1000.0
        self._flows: dict[date, Figures] = {}

    def quarter(self, end: date) -> Figures:
        """The flows of the three months up to `end`."""
        if end not in self._flows:
            self._flows[end] = self._make_quarter(end)
        return self._flows[end]

    def year(self, end: date) -> Figures:
        quarters = [self.quarter(months_later(end, -3 * back)) for back in range(4)]
        return {name: sum(quarter[name] for quarter in quarters) for name in quarters[0]}

    def eps(self, end: date) -> float:
        return round(self.quarter(end)["netIncome"] / self.shares, 2)

    def _make_quarter(self, end: date) -> Figures:
        rng = self.dice(f"quarter {end}")
        season = (0.96, 0.98, 1.0, 1.08)[(end.month - 1) // 3]
        revenue = _rounded(self._revenue * (1 + self._growth) ** (end.year - 2020) * season * rng.uniform(0.95, 1.05))
        cost = _rounded(revenue * self._costs * rng.uniform(0.97, 1.03))
        sales, research = (_rounded(revenue * share * rng.uniform(0.9, 1.1)) for share in (self._sales, self._research))
        earned = revenue - cost - sales - research
        paid, interest = _rounded(revenue * 0.02 * rng.uniform(0.8, 1.2)), _rounded(revenue * rng.uniform(0.002, 0.01))
        other = _rounded(revenue * rng.uniform(-0.015, 0.015))
        before_tax = earned + interest - paid + other
        tax = _rounded(max(0, before_tax) * 0.21)
        net, written_off = before_tax - tax, _rounded(revenue * rng.uniform(0.03, 0.06))
        income: Figures = {
            "grossProfit": revenue - cost,
            "totalRevenue": revenue,
            "costOfRevenue": cost,
            "costofGoodsAndServicesSold": cost,
            "operatingIncome": earned,
            "operatingExpenses": sales + research,
            "sellingGeneralAndAdministrative": sales,
            "researchAndDevelopment": research,
            "netInterestIncome": interest - paid,
            "interestIncome": interest,
            "interestExpense": paid,
            "otherNonOperatingIncome": other,
            "depreciationAndAmortization": written_off,
            "incomeBeforeTax": before_tax,
            "incomeTaxExpense": tax,
            "netIncomeFromContinuingOperations": net,
            "ebit": before_tax + paid,
            "ebitda": before_tax + paid + written_off,
            "netIncome": net,
        }
        return income | self._cash(rng, revenue, net, written_off)

    def _cash(self, rng: random.Random, revenue: int, net: int, written_off: int) -> Figures:
        receivables, inventory = (_rounded(revenue * rng.uniform(-0.03, 0.03)) for _ in range(2))
        stock = _rounded(revenue * rng.uniform(0.005, 0.02))
        operating = net + written_off + stock - receivables - inventory
        building = _rounded(revenue * rng.uniform(0.02, 0.07))
        investing = -building - _rounded(revenue * rng.uniform(0, 0.05))
        dividends = _rounded(max(0, net) * 0.4) if self._company.dividends else 0
        bought_back = -_rounded(revenue * rng.uniform(0, 0.04))
        financing, rate = bought_back - dividends, _rounded(revenue * rng.uniform(-0.004, 0.004))
        return {
            "operatingCashflow": operating,
            "depreciationDepletionAndAmortization": written_off,
            "capitalExpenditures": building,
            "changeInReceivables": receivables,
            "changeInInventory": inventory,
            "cashflowFromInvestment": investing,
            "cashflowFromFinancing": financing,
            "dividendPayout": dividends,
            "dividendPayoutCommonStock": dividends,
            "proceedsFromRepurchaseOfEquity": bought_back,
            "stockBasedCompensation": stock,
            "changeInExchangeRate": rate,
            "changeInCashAndCashEquivalents": operating + investing + financing + rate,
        }

    def balance(self, end: date) -> Figures:
        """What is owned and owed at `end`: assets are liabilities and equity together."""
        rng = self.dice(f"balance {end}")
        size = self.quarter(end)["totalRevenue"] * 8.0
        part = partial(_part, rng, size)
        cash, short, receivables, stocks, other = part(0.09), part(0.02), part(0.1), part(0.03), part(0.02)
        plant, rights, goodwill, long, more = part(0.2), part(0.08), part(0.25), part(0.03), part(0.1)
        current = cash + short + receivables + stocks + other
        lasting = plant + rights + goodwill + long + more
        owed = _rounded((current + lasting) * self._borrowed * rng.uniform(0.97, 1.03))
        payable, near, near_other = (_rounded(owed * share) for share in (0.12, 0.08, 0.14))
        far, lease = (_rounded(owed * share) for share in (0.42, 0.03))
        equity = current + lasting - owed
        paid_in, bought_back = _rounded(equity * 0.6), _rounded(equity * 0.2)
        return {
            "totalAssets": current + lasting,
            "totalCurrentAssets": current,
            "totalNonCurrentAssets": lasting,
            "cashAndCashEquivalentsAtCarryingValue": cash,
            "cashAndShortTermInvestments": cash + short,
            "inventory": stocks,
            "currentNetReceivables": receivables,
            "propertyPlantEquipment": plant,
            "accumulatedDepreciationAmortizationPPE": _rounded(plant * 0.7),
            "goodwill": goodwill,
            "intangibleAssets": rights,
            "intangibleAssetsExcludingGoodwill": rights,
            "longTermInvestments": long,
            "shortTermInvestments": short,
            "otherCurrentAssets": other,
            "totalLiabilities": owed,
            "totalCurrentLiabilities": payable + near + near_other,
            "currentAccountsPayable": payable,
            "shortTermDebt": near,
            "totalNonCurrentLiabilities": owed - payable - near - near_other,
            "capitalLeaseObligations": lease,
            "longTermDebt": far,
            "currentLongTermDebt": _rounded(near * 0.8),
            "shortLongTermDebtTotal": near + far,
            "otherCurrentLiabilities": near_other,
            "otherNonCurrentLiabilities": owed - payable - near - near_other - far - lease,
            "totalShareholderEquity": equity,
            "treasuryStock": bought_back,
            "commonStock": paid_in,
            "retainedEarnings": equity - paid_in + bought_back,
            "commonStockSharesOutstanding": int(self.shares),
        }

    def dice(self, of: str) -> random.Random:
        return random.Random(f"{self._seed} {of}")  # noqa: S311  (invents, guards nothing)


def _part(rng: random.Random, size: float, share: float) -> int:
    return _rounded(size * share * rng.uniform(0.9, 1.1))


def _rounded(amount: float) -> int:
    """To thousands, as companies report."""
    return round(amount / 1000) * 1000
