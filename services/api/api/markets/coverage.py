"""How much is known, how fresh it is, and how many calls are left today."""

from datetime import UTC, datetime

from api.markets import views
from api.markets.facts import Facts
from api.web.sources import gaps, refusals
from watchkeeper.markets.budget import BudgetRepository, left
from watchkeeper.markets.coverage import Coverage
from watchkeeper.progress import Source

SOURCES = ("alpaca:assets", "alphavantage:earnings-calendar", "alphavantage:news")


def coverage(facts: Facts, now: datetime) -> views.Coverage:
    """Includes sources that have not been read yet."""
    counted = facts.coverage.get()
    stored = {source.name: source for source in facts.progress.sources()}
    return views.Coverage(
        now=now,
        assets=_assets(counted) if counted else None,
        sources=[_source(stored.get(name, Source(name)), now) for name in sorted({*SOURCES, *stored})],
        budget=_budget(facts.budget, now),
    )


def _assets(counted: Coverage) -> views.AssetCoverage:
    return views.AssetCoverage(
        counted_at=counted.counted_at,
        total=counted.total,
        fresh=counted.fresh,
        ages=[views.AgeGroup(age=age, assets=number) for age, number in counted.assets.items()],
        oldest=counted.oldest,
        newest=counted.newest,
    )


def _source(source: Source, now: datetime) -> views.MarketSource:
    age = now - source.last_success if source.last_success else None
    return views.MarketSource(
        name=source.name,
        last_success=source.last_success,
        age_seconds=max(0, int(age.total_seconds())) if age else None,
        error=source.error,
        failing_since=source.failing_since,
        blocked_since=source.blocked_since,
        gaps=gaps(source),
        refused=source.run.refused if source.run else 0,
        reasons=dict(source.run.reasons) if source.run else {},
        refusals=refusals(source),
    )


def _budget(budget: BudgetRepository, now: datetime) -> views.CallBudget:
    spent = budget.spent(now)
    paused = spent.paused_until > now.timestamp()
    return views.CallBudget(
        per_day=budget.limits.per_day,
        used=spent.used,
        left=left(spent, budget.limits),
        paused_until=datetime.fromtimestamp(spent.paused_until, UTC) if paused else None,
    )
