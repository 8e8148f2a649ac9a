"""The responses of the public routes: what is public of a batch, and nothing about its owner."""

from datetime import datetime

from typing_extensions import TypedDict


class PublicBatch(TypedDict):
    id: str
    name: str
    stage: int
    """1 is the open ferment, 2 the bottles."""
    status: str
    """`active`, `in_fridge`, `done` or `archived`."""
    stage_started_at: datetime | None
    """When its current stage began."""
    stage_target_hours: float | None
    stage_target_at: datetime | None
    """When its current stage should be finished."""
    going_hours: int | None
    """Whole hours since its first stage began, while it is active."""
    water_ml: int | None
    sugar_g: float | None
    fruits: list[str]
    temperature_c: float | None
    bottle_count: int | None
    public_note: str
    url: str
    """The address of its page."""
    qr_url: str
    """The address of a QR code of its page."""
