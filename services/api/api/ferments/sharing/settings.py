"""What the function is told by its environment."""

from dataclasses import dataclass

from api.web.settings import Settings


@dataclass(frozen=True, slots=True)
class SharingSettings(Settings):
    people_table: str
    public_url: str
    """What stands before the paths of the API, as people link to it. Requests say a host, too, but anything can be
    said."""
