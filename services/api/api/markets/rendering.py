"""Views of facts."""

from api.markets import views
from api.markets.listing import Listed
from watchkeeper.markets.models import Article, Earnings, Overview, Report

_LINKS = ("https://", "http://")


def asset_summary(listed: Listed) -> views.AssetSummary:
    asset = listed.asset
    return views.AssetSummary(
        symbol=asset.symbol,
        name=asset.name,
        status=asset.status,
        exchange=asset.exchange,
        asset_class=asset.asset_class,
        tradable=asset.tradable,
        volume=asset.volume,
        rank=listed.rank,
        last_pollenated=asset.last_pollenated,
        no_data=asset.no_data,
    )


def report(told: Report | Overview) -> views.Report:
    if isinstance(told, Overview):
        return views.Report(
            period=None, fiscal_date_ending=None, last_updated=told.last_updated, values=dict(told.values)
        )
    return views.Report(
        period=told.period,
        fiscal_date_ending=told.fiscal_date_ending,
        last_updated=None,
        values=dict(told.values),
    )


def article(told: Article) -> views.Article:
    """With its mention of the one symbol it was found by."""
    (mention,) = told.mentions
    return views.Article(
        id=told.id,
        published_at=told.published_at,
        title=told.title,
        url=told.url if told.url.lower().startswith(_LINKS) else None,
        source=told.source,
        summary=told.summary,
        authors=told.authors,
        topics=told.topics,
        score=told.score,
        label=told.label,
        mention=views.Mention(
            symbol=mention.symbol, relevance=mention.relevance, score=mention.score, label=mention.label
        ),
    )


def earnings_day(earnings: Earnings) -> views.EarningsDay:
    return views.EarningsDay(
        symbol=earnings.symbol,
        name=earnings.name,
        earnings_date=earnings.earnings_date,
        fiscal_date_ending=earnings.fiscal_date_ending,
        estimate=earnings.estimate,
        currency=earnings.currency,
        time_of_day=earnings.time_of_day,
        moved_from=earnings.moved_from,
        withdrawn_at=earnings.withdrawn_at,
        processed_at=earnings.processed_at,
    )
