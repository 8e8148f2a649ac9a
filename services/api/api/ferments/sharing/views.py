"""What the public routes answer with: all there is to see of a batch, and nothing of its maker."""

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
    """When the stage it is in began."""
    stage_target_hours: float | None
    stage_target_at: datetime | None
    """When the stage is to have taken its hours."""
    going_hours: int | None
    """Whole hours since its first stage began, while it is active."""
    water_ml: int | None
    sugar_g: float | None
    fruits: list[str]
    temperature_c: float | None
    bottle_count: int | None
    public_note: str
    url: str
    """Of its page."""
    qr_url: str
    """Of a QR code that leads there."""
