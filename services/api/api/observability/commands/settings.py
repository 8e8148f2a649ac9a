"""Settings of the command function, from its environment."""

from dataclasses import dataclass

from api.web.settings import Settings


@dataclass(frozen=True, slots=True)
class CommandsSettings(Settings):
    event_store_table: str
    read_models_table: str
    people_table: str
    """Where responses are stored by ``Idempotency-Key``."""
