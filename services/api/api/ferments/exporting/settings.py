"""Settings of the export function, from its environment."""

from dataclasses import dataclass

from api.web.settings import Settings
from watchkeeper.budgets import Budget, budget_named, for_downloads


@dataclass(frozen=True, slots=True)
class ExportSettings(Settings):
    people_table: str
    photos_bucket: str

    @property
    def budget(self) -> Budget:
        return for_downloads(budget_named(self.aws_budget))
