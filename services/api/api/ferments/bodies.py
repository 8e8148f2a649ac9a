"""What the routes of the ferments watch are sent. There is no member for what only the server says (ids, versions,
stages, owners, photos), and what is no member is refused."""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    StringConstraints,
    model_validator,
)

from api.ferments.identifiers import FORM
from watchkeeper.ferments.models import BatchStatus

MAX_FRUITS = 20
MAX_CONFIRMED = 20

_ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f]*$"
_LINES = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$"
"""Without control characters, but for tabs and newlines."""

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)")
_FIRST_YEAR = 2000
_LAST_YEAR = 9998
"""The last all of whose moments have a name in UTC."""


def _read_moment(value: object) -> datetime:
    """Pydantic would take numbers, too, and times without a zone."""
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("is no moment of RFC 3339 with its offset, such as 2026-07-01T13:39:18Z")
    return datetime.fromisoformat(value.upper())


def _in_utc(moment: datetime) -> datetime:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"is before the year {_FIRST_YEAR}, or too far away")
    return moment.astimezone(UTC)


Moment = Annotated[datetime, BeforeValidator(_read_moment), AfterValidator(_in_utc)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_ONE_LINE)]
Fruit = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50, pattern=_ONE_LINE)]
Fruits = Annotated[list[Fruit], Field(max_length=MAX_FRUITS)]
Notes = Annotated[str, Field(max_length=10_000, pattern=_LINES, description="For you alone")]
PublicNote = Annotated[str, Field(max_length=2_000, pattern=_LINES, description="What the public page says")]
Public = Annotated[bool, Field(strict=True, description="Whether everybody who has its link may see its public page")]
Millilitres = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Grams = Annotated[float, Field(strict=True, ge=0, le=100_000, allow_inf_nan=False)]
Celsius = Annotated[float, Field(strict=True, ge=-5, le=60, allow_inf_nan=False)]
Hours = Annotated[float, Field(strict=True, ge=0.5, le=2000, allow_inf_nan=False, description="At 22 °C")]
Bottles = Annotated[int, Field(strict=True, ge=0, le=1000)]
ContentType = Literal["image/jpeg", "image/png", "image/webp", "image/heic"]
EventText = Annotated[str, Field(max_length=5_000, pattern=_LINES)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class StageTiming(_Body):
    """Of one stage; in a change, what is not sent stays as it is."""

    started_at: Annotated[Moment | None, Field(description="Since 2000, at most a day in the future")] = None
    target_hours: Hours | None = None


class BatchMembers(_Body):
    """What is said of a batch at its beginning, and changed later."""

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
    """What is not sent stays as it is; `null` empties what may be empty."""

    # The factories' values are never read, as `model_fields_set` tells what was sent; defaults would be documented.
    name: Name = Field(default_factory=str)
    status: BatchStatus = Field(
        default_factory=lambda: BatchStatus.ACTIVE,
        description="An active batch may go into the fridge once it is bottled, and come out of it again; from there "
        "or from active it is done; what is done may go back into the fridge; what is archived stays so",
    )
    public: Public = Field(default_factory=bool)


class Bottling(_Body):
    """What is not sent stays as it was planned; the stage begins now unless it says otherwise."""

    stage: Annotated[Literal[2], Field(description="There is no way back to the first")]
    bottle_count: Bottles | None = None
    started_at: Moment | None = None
    target_hours: Hours | None = None
    fruits: Fruits | None = None


class _NewEvent(_Body):
    at: Annotated[Moment | None, Field(description="When it happened; now if not sent, at most a day ahead")] = None
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
    """Of at least one of the three."""

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
    """What happened; changes of stage and status are noted by themselves."""


class NewPhoto(_Body):
    content_type: ContentType


class ConfirmedSuggestion(_Body):
    """A suggestion, and what is to be other than suggested."""

    key: Annotated[str, Field(min_length=1, max_length=40, description="Of one of the current suggestions")]
    due_at: Annotated[Moment | None, Field(description="In the future, at most 366 days away")] = None
    title: Annotated[str, Field(min_length=1, max_length=178, pattern=_ONE_LINE)] | None = None
    body: Annotated[str, Field(min_length=1, max_length=500, pattern=_LINES)] | None = None


class Confirmation(_Body):
    reminders: Annotated[list[ConfirmedSuggestion], Field(min_length=1, max_length=MAX_CONFIRMED)]
