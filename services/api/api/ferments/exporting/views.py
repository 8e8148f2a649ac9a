"""The response if the export is too large to be sent itself."""

from typing_extensions import TypedDict


class HandedOver(TypedDict):
    url: str
    """Where the export is; anybody who has this address can read it."""
    expires_at: str
    """When the address expires; request the export again for a new one."""
