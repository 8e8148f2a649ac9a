"""Fiscal calendars: when a company's quarters end, and when it reports them."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from local.upstreams.markets.companies import Company


def quarter_ends(company: Company, day: date) -> date:
    """The end of the company's last quarter that was over before `day`."""
    month = day.year * 12 + day.month - 2
    month -= (month + 1 - company.year_ends) % 3
    return _month_end(month)


def months_later(end: date, months: int) -> date:
    """The end of the month so many months later, or before."""
    return _month_end(end.year * 12 + end.month - 1 + months)


def ends_year(company: Company, end: date) -> bool:
    return end.month == company.year_ends


def report_date(company: Company, end: date) -> date:
    """Never on a weekend."""
    day = end + timedelta(days=company.report_days)
    return day + timedelta(days=7 - day.weekday() if day.weekday() > 4 else 0)


def last_trading_day(day: date) -> date:
    """`day` itself, or the Friday before a weekend; holidays are not known here."""
    return day - timedelta(days=max(0, day.weekday() - 4))


def _month_end(month: int) -> date:
    """`month` counts from January of the year 0."""
    year, number = divmod(month, 12)
    return date(year, number + 1, calendar.monthrange(year, number + 1)[1])
