"""What the routes are sent. Everything else is refused before anything is read."""

import re
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from watchkeeper.people.devices import PUSH_TOKEN, Platform

MAX_DAYS_AHEAD = 366
_MINUTES_A_DAY = 24 * 60
_DAY_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d")


def _text(value: object) -> str:
    """Pydantic takes numbers for moments, too: seconds or milliseconds since 1970, by their size."""
    if not isinstance(value, str) or not _DAY_AND_TIME.match(value):
        raise ValueError("is no moment with its offset, such as 2026-07-01T13:39:18Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_text)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class DeviceRegistration(_Body):
    token: Annotated[
        str,
        Field(
            max_length=256,
            pattern=f"^(?:{PUSH_TOKEN.pattern})$",
            description="Expo's push token: `ExponentPushToken[…]`, `ExpoPushToken[…]`, or a UUID",
        ),
    ]
    platform: Platform
    name: Annotated[str, Field(max_length=100, description="What its owner calls it")] = ""


class Snooze(_Body):
    """One of the two."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in ("due_at", "minutes")]})

    due_at: Annotated[
        Moment | None,
        Field(description=f"In the future, at most {MAX_DAYS_AHEAD} days away; ISO 8601 with an offset"),
    ] = None
    minutes: Annotated[
        int | None, Field(ge=1, le=MAX_DAYS_AHEAD * _MINUTES_A_DAY, strict=True, description="From now on")
    ] = None

    @model_validator(mode="after")
    def _one(self) -> "Snooze":
        if (self.due_at is None) == (self.minutes is None):
            raise ValueError("takes either due_at or minutes")
        return self
