"""Settings of the query function, from its environment."""

from dataclasses import dataclass

from api.web.settings import Settings


@dataclass(frozen=True, slots=True)
class QueriesSettings(Settings):
    read_models_table: str
    cursor_secret_arn: str
