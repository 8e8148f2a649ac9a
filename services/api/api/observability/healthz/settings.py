"""Settings of the health check, from its environment."""

from dataclasses import dataclass

from api.web.settings import Settings


@dataclass(frozen=True, slots=True)
class HealthzSettings(Settings):
    read_models_table: str
