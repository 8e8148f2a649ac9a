"""Settings of the function, from its environment."""

from dataclasses import dataclass

from api.web.settings import Environment


@dataclass(frozen=True, slots=True)
class ErasingSettings(Environment):
    people_table: str
    photos_bucket: str
    user_pool_id: str
    erasures_queue_url: str
