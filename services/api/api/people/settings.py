"""Settings of the people function, from its environment."""

from dataclasses import dataclass

from api.web.settings import Settings


@dataclass(frozen=True, slots=True)
class PeopleSettings(Settings):
    people_table: str
    user_pool_id: str
    erasures_queue_url: str
    cursor_secret_arn: str
