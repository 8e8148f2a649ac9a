"""Building blocks of request bodies, for all contexts."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f]*$"
LINES = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$"
"""No control characters except tabs and newlines."""

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)")
_FIRST_YEAR = 2000
_LAST_YEAR = 9998
"""The last year in which every moment, whatever its offset, can be converted to UTC."""


class Body(BaseModel):
    """Rejects unknown members, and does not repeat rejected input in errors."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _is_object(cls, value: Any) -> Any:
        """Pydantic's own message would name our class."""
        if not isinstance(value, dict | cls):
            raise PydanticCustomError("object_type", "Input should be an object")
        return value


def _read_moment(value: object) -> datetime:
    """Pydantic would also accept numbers, and times without an offset."""
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("is not an RFC 3339 date-time with an offset, such as 2026-07-01T13:39:18Z")
    return datetime.fromisoformat(value.upper())


def _in_utc(moment: datetime) -> datetime:
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"is before the year {_FIRST_YEAR}, or too far away")
    return moment.astimezone(UTC).replace(microsecond=0)


Moment = Annotated[datetime, BeforeValidator(_read_moment), AfterValidator(_in_utc)]
"""To the second, like all stored times."""

OneLine = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100, pattern=ONE_LINE)]
"""A name that somebody gives to something."""
