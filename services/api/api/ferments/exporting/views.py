"""What the route answers with when the export does not fit the answer."""

from typing_extensions import TypedDict


class HandedOver(TypedDict):
    url: str
    """Where the export is; whoever has it can read the export."""
    expires_at: str
    """When the address ends; ask again for another one."""
