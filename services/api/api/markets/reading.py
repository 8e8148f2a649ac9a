"""Reading one asset in full."""

from datetime import date, datetime, timedelta

from api.markets import rendering, views
from api.markets.facts import Facts
from watchkeeper.markets.models import Asset, Earnings, Statement
from watchkeeper.markets.repositories.fundamentals import Pollenation

_LOOKED_BACK = timedelta(days=400)
"""A company reports at least once a year."""


def asset(facts: Facts, symbol: str, now: datetime) -> views.AssetDetail:
    """Raises ``ItemNotFound``."""
    one = facts.assets.get(symbol)
    today = now.date()
    expected = facts.earnings.of_asset(symbol, since=today - _LOOKED_BACK)
    calendar = [earnings for earnings in expected if earnings.withdrawn_at is None]
    pollenation = facts.fundamentals.pollenation(symbol, consistent=False)
    return _detail(one, pollenation, _next(calendar, today), _last(calendar, today))


def _detail(
    one: Asset, pollenation: Pollenation, following: Earnings | None, last: Earnings | None
) -> views.AssetDetail:
    return views.AssetDetail(
        symbol=one.symbol,
        id=one.id,
        name=one.name,
        status=one.status,
        exchange=one.exchange,
        asset_class=one.asset_class,
        tradable=one.tradable,
        marginable=one.marginable,
        shortable=one.shortable,
        fractionable=one.fractionable,
        borrow_status=one.borrow_status,
        margin_requirement_long=one.margin_requirement_long,
        margin_requirement_short=one.margin_requirement_short,
        attributes=one.attributes,
        vanished_at=one.vanished_at,
        volume=one.volume,
        last_pollenated=one.last_pollenated,
        no_data=one.no_data,
        statements=[_state(pollenation, statement) for statement in Statement],
        next_earnings=rendering.earnings_day(following) if following else None,
        last_earnings=rendering.earnings_day(last) if last else None,
    )


def _state(pollenation: Pollenation, statement: Statement) -> views.StatementState:
    asked = pollenation.asked.get(statement)
    return views.StatementState(
        statement=statement,
        asked_at=asked.at if asked else None,
        outcome=asked.outcome if asked else None,
        reason=(asked.reason or None) if asked else None,
    )


def _next(calendar: list[Earnings], today: date) -> Earnings | None:
    return min((one for one in calendar if one.earnings_date >= today), key=_day, default=None)


def _last(calendar: list[Earnings], today: date) -> Earnings | None:
    return max((one for one in calendar if one.earnings_date < today), key=_day, default=None)


def _day(earnings: Earnings) -> date:
    return earnings.earnings_date
