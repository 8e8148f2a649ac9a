"""Settings of the function of public pages, from its environment."""

from dataclasses import dataclass

from api.web.settings import Settings


@dataclass(frozen=True, slots=True)
class SharingSettings(Settings):
    people_table: str
    public_url: str
    """What precedes the paths of the API in public links. Requests also name a host, but a caller can send any."""
