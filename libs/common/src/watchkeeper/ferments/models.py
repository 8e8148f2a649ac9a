"""The ferments watch's domain: batches, what happened to them, and their photos.

Water kefir is made in two stages: grains ferment sugar water in an open jar, then the strained drink ferments on, with
fruit, in closed bottles, where it gets its bubbles.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum


class Stage(IntEnum):
    OPEN = 1
    """With the grains, in a jar that lets gas out."""
    BOTTLED = 2
    """Without them, in closed bottles."""


class BatchStatus(StrEnum):
    ACTIVE = "active"
    IN_FRIDGE = "in_fridge"
    """Cold, so that it hardly ferments any more."""
    DONE = "done"
    ARCHIVED = "archived"
    """Kept for reference. It cannot be changed any more, except that it can stop being public."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The timing of one stage."""

    started_at: datetime | None = None
    target_hours: float | None = None
    """How long it should take at its maker's usual temperature."""


@dataclass(frozen=True, slots=True)
class Batch:
    id: str
    user: str
    name: str
    created_at: datetime
    updated_at: datetime
    stage: Stage = Stage.OPEN
    status: BatchStatus = BatchStatus.ACTIVE
    status_since: datetime | None = None
    """``None`` means since the batch was created."""
    stage1: Timing = Timing()
    stage2: Timing = Timing()
    water_ml: int | None = None
    sugar_g: float | None = None
    fruits: tuple[str, ...] = ()
    temperature_c: float | None = None
    bottle_count: int | None = None
    notes: str = ""
    """Visible only to its maker."""
    public: bool = False
    public_note: str = ""
    photos: tuple[str, ...] = ()
    """Their ids, oldest first."""
    version: int = 1
    """Counts its changes."""

    @property
    def timing(self) -> Timing:
        """The timing of its current stage."""
        return self.stage1 if self.stage is Stage.OPEN else self.stage2


class EventKind(StrEnum):
    NOTE = "note"
    STAGE_CHANGE = "stage_change"
    STATUS_CHANGE = "status_change"
    PHOTO = "photo"
    TASTE = "taste"
    MEASUREMENT = "measurement"
    FEED = "feed"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a batch. Its id is a ULID of the moment ``at``, so that ids sort as events do."""

    id: str
    batch: str
    user: str
    kind: EventKind
    at: datetime
    text: str = ""
    rating: int | None = None
    """Of a taste: 1 to 5."""
    ph: float | None = None
    temperature_c: float | None = None
    gravity: float | None = None
    """Specific gravity, relative to water."""
    sugar_g: float | None = None
    """Of a feed."""
    photo: str | None = None
    before: str | None = None
    after: str | None = None
    """Of a change of stage or status."""


@dataclass(frozen=True, slots=True)
class Photo:
    id: str
    batch: str
    user: str
    content_type: str
    created_at: datetime

    @property
    def object_key(self) -> str:
        """The key of its object, whether or not it has been uploaded yet."""
        return f"{objects_of_batch(self.user, self.batch)}{self.id}"


def objects_of_batch(user: str, batch: str) -> str:
    """The prefix of the keys of a batch's photo objects."""
    return f"{objects_of_user(user)}batches/{batch}/"


def objects_of_user(user: str) -> str:
    """The prefix of the keys of all photo objects of a person."""
    return f"users/{user}/"


def exports_of_user(user: str) -> str:
    """The prefix of the keys of a person's exports."""
    return f"exports/{user}/"
