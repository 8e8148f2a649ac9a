"""Request bodies of the ferments watch. What only the server sets (ids, versions, stages, owners, photos) is not a
member, and unknown members are rejected."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, RootModel, StringConstraints, model_validator

from api.ferments.identifiers import FORM
from api.web.bodies import LINES, ONE_LINE, Body, Moment, OneLine
from watchkeeper.ferments.models import BatchStatus
from watchkeeper.people.reminders import FURTHEST

MAX_FRUITS = 20
MAX_CONFIRMED = 20

Name = Annotated[OneLine, Field(min_length=1)]
Fruit = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50, pattern=ONE_LINE)]
Fruits = Annotated[list[Fruit], Field(max_length=MAX_FRUITS)]
Notes = Annotated[str, Field(max_length=10_000, pattern=LINES, description="Visible only to you")]
PublicNote = Annotated[str, Field(max_length=2_000, pattern=LINES, description="Shown on the public page")]
Public = Annotated[bool, Field(strict=True, description="Whether anybody who has the link may see its public page")]
Millilitres = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Grams = Annotated[float, Field(strict=True, ge=0, le=100_000, allow_inf_nan=False)]
Celsius = Annotated[float, Field(strict=True, ge=-5, le=60, allow_inf_nan=False)]
Hours = Annotated[float, Field(strict=True, ge=0.5, le=2000, allow_inf_nan=False, description="At 22 °C")]
Bottles = Annotated[int, Field(strict=True, ge=0, le=1000)]
ContentType = Literal["image/jpeg", "image/png", "image/webp", "image/heic"]
EventText = Annotated[str, Field(max_length=5_000, pattern=LINES)]


class StageTiming(Body):
    """The times of one stage; in a change, omitted members stay as they are."""

    started_at: Annotated[Moment | None, Field(description="Since 2000, at most a day in the future")] = None
    target_hours: Hours | None = None


class BatchMembers(Body):
    """The members of a batch that are set when it is created, and can be changed later."""

    water_ml: Millilitres | None = None
    sugar_g: Grams | None = None
    fruits: Fruits | None = None
    temperature_c: Celsius | None = None
    stage1: StageTiming | None = None
    stage2: StageTiming | None = None
    bottle_count: Bottles | None = None
    notes: Notes | None = None
    public_note: PublicNote | None = None


class NewBatch(BatchMembers):
    name: Name
    public: Public = False


class BatchChanges(BatchMembers):
    """Omitted members stay as they are; `null` clears those that may be empty."""

    # The factories' values are never read, as `model_fields_set` says what was sent; defaults would be documented.
    name: Name = Field(default_factory=str)
    status: BatchStatus = Field(
        default_factory=lambda: BatchStatus.ACTIVE,
        description="An active batch can go into the fridge once it is bottled, and become active again; from either "
        "status it can be done; a batch that is done can go back into the fridge; archived is final",
    )
    public: Public = Field(default_factory=bool)


class Bottling(Body):
    """Omitted members stay as planned; the stage begins now by default."""

    stage: Annotated[Literal[2], Field(description="There is no way back to the first stage")]
    bottle_count: Bottles | None = None
    started_at: Moment | None = None
    target_hours: Hours | None = None
    fruits: Fruits | None = None


class _NewEvent(Body):
    at: Annotated[Moment | None, Field(description="When it happened, at most a day in the future. Default: now")] = (
        None
    )
    text: EventText = ""


class NewNote(_NewEvent):
    kind: Literal["note"]
    text: Annotated[EventText, Field(min_length=1)]


class NewPhotoEvent(_NewEvent):
    kind: Literal["photo"]
    photo: Annotated[str, Field(pattern=FORM, description="The id of one of the batch's photos")]


class NewTaste(_NewEvent):
    kind: Literal["taste"]
    rating: Annotated[int, Field(strict=True, ge=1, le=5)]


class NewMeasurement(_NewEvent):
    """At least one of the three values is required."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [name]} for name in ("ph", "temperature_c", "gravity")]}
    )

    kind: Literal["measurement"]
    ph: Annotated[float, Field(strict=True, ge=0, le=14, allow_inf_nan=False)] | None = None
    temperature_c: Celsius | None = None
    gravity: Annotated[float, Field(strict=True, ge=0.9, le=1.3, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _measures_something(self) -> Self:
        if self.ph is None and self.temperature_c is None and self.gravity is None:
            raise ValueError("needs `ph`, `temperature_c` or `gravity`")
        return self


class NewFeed(_NewEvent):
    kind: Literal["feed"]
    sugar_g: Grams


class NewEvent(
    RootModel[Annotated[NewNote | NewPhotoEvent | NewTaste | NewMeasurement | NewFeed, Field(discriminator="kind")]]
):
    """Something that happened; changes of stage and status are recorded automatically."""


class NewPhoto(Body):
    content_type: ContentType


class ConfirmedSuggestion(Body):
    """A suggestion, with optional changes."""

    key: Annotated[str, Field(min_length=1, max_length=40, description="The key of one of the current suggestions")]
    due_at: Annotated[Moment | None, Field(description=f"In the future, at most {FURTHEST.days} days away")] = None
    title: Annotated[str, Field(min_length=1, max_length=178, pattern=ONE_LINE)] | None = None
    body: Annotated[str, Field(min_length=1, max_length=500, pattern=LINES)] | None = None


class Confirmation(Body):
    reminders: Annotated[list[ConfirmedSuggestion], Field(min_length=1, max_length=MAX_CONFIRMED)]
