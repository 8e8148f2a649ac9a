"""What the function that takes commands is told by its environment."""

from dataclasses import dataclass

from api.web.settings import Settings


@dataclass(frozen=True, slots=True)
class CommandsSettings(Settings):
    event_store_table: str
    read_models_table: str
    people_table: str
    """Where answers are kept, by their ``Idempotency-Key``."""
