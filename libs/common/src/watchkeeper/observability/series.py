"""Series: a metric's name and dimensions, and the canonical text of both."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from watchkeeper.observability.refusals import require

MAX_DIMENSIONS = 5
NO_UNIT = "None"

NAME = r"[A-Za-z][A-Za-z0-9_.-]{0,63}"
KEY = r"[A-Za-z][A-Za-z0-9_]{0,31}"
VALUE = r"[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,63}"
UNIT = r"[A-Za-z%/]{1,32}"

_NAME, _KEY, _VALUE, _UNIT = map(re.compile, (NAME, KEY, VALUE, UNIT))


@dataclass(frozen=True, slots=True)
class Series:
    """What values belong to. ``named`` validates input; the constructor takes what is already valid."""

    name: str
    dimensions: Mapping[str, str]

    @classmethod
    def named(cls, name: str, dimensions: Mapping[str, str]) -> Self:
        """Raises ``Refused`` for invalid names."""
        check_name(name)
        check_dimensions(dimensions)
        return cls(name, dict(sorted(dimensions.items())))

    @classmethod
    def parse(cls, text: str) -> Self:
        """From its text. The delimiters cannot occur in its parts."""
        name, _, rest = text.partition("{")
        pairs = [pair.partition("=") for pair in rest.rstrip("}").split(",") if pair]
        return cls(name, {key: value for key, _, value in pairs})

    @property
    def text(self) -> str:
        """``name``, or ``name{key=value,key2=value2}`` with the keys in order."""
        if not self.dimensions:
            return self.name
        return f"{self.name}{{{','.join(f'{key}={value}' for key, value in sorted(self.dimensions.items()))}}}"


def check_name(name: str) -> None:
    require(
        _NAME.fullmatch(name) is not None,
        "a metric's name begins with a letter, and has up to 64 letters, digits, '_', '.' and '-'",
    )


def check_dimensions(dimensions: Mapping[str, str]) -> None:
    require(len(dimensions) <= MAX_DIMENSIONS, f"there are at most {MAX_DIMENSIONS} dimensions")
    for key, value in dimensions.items():
        require(
            _KEY.fullmatch(key) is not None,
            "a dimension's name begins with a letter, and has up to 32 letters, digits and '_'",
        )
        require(
            _VALUE.fullmatch(value) is not None,
            f"the dimension {key} begins with a letter or digit, and has up to 64 of them and of '_.:/@+-'",
        )


def is_unit(unit: str) -> bool:
    """Whether it has the format of CloudWatch's units: ``Count``, ``Seconds``, ``Bytes/Second``, ``Percent``."""
    return _UNIT.fullmatch(unit) is not None
