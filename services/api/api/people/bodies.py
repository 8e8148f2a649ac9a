"""Request bodies. Anything else is rejected before anything is read."""

from datetime import timedelta
from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from api.web.bodies import Body, Moment, OneLine
from watchkeeper.people.devices import PUSH_TOKEN, Platform
from watchkeeper.people.reminders import FURTHEST


class DeviceRegistration(Body):
    token: Annotated[
        str,
        Field(
            max_length=256,
            pattern=f"^(?:{PUSH_TOKEN.pattern})$",
            description="Expo's push token: `ExponentPushToken[…]`, `ExpoPushToken[…]`, or a UUID",
        ),
    ]
    platform: Platform
    name: Annotated[OneLine, Field(description="The owner's name for it")] = ""


class Snooze(Body):
    """Exactly one of the two is required."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in ("due_at", "minutes")]})

    due_at: Annotated[
        Moment | None,
        Field(description=f"In the future, at most {FURTHEST.days} days away; RFC 3339 with an offset"),
    ] = None
    minutes: Annotated[
        int | None, Field(ge=1, le=FURTHEST // timedelta(minutes=1), strict=True, description="Minutes from now")
    ] = None

    @model_validator(mode="after")
    def _one(self) -> "Snooze":
        if (self.due_at is None) == (self.minutes is None):
            raise ValueError("needs either `due_at` or `minutes`")
        return self
