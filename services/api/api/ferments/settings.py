"""Settings of the ferments function, from its environment."""

from dataclasses import dataclass

from api.web.settings import Settings


@dataclass(frozen=True, slots=True)
class FermentsSettings(Settings):
    people_table: str
    photos_bucket: str
    erasures_queue_url: str
    cursor_secret_arn: str
