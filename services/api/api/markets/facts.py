"""The repositories that the markets watch reads."""

from dataclasses import dataclass

from watchkeeper.markets.budget import BudgetRepository
from watchkeeper.markets.coverage import CoverageRepository
from watchkeeper.markets.repositories.assets import AssetRepository
from watchkeeper.markets.repositories.earnings import EarningsRepository
from watchkeeper.markets.repositories.fundamentals import FundamentalsRepository
from watchkeeper.markets.repositories.news import NewsRepository
from watchkeeper.progress import ProgressRepository


@dataclass(frozen=True, slots=True)
class Facts:
    assets: AssetRepository
    earnings: EarningsRepository
    fundamentals: FundamentalsRepository
    news: NewsRepository
    progress: ProgressRepository
    coverage: CoverageRepository
    budget: BudgetRepository
