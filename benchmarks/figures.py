"""A benchmark's figures, and the table they are shown in."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import eq, gt, le, lt
from typing import Any, Literal

_HOLDS: Mapping[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, "=": eq}


@dataclass(frozen=True, slots=True)
class Target:
    relation: Literal["<", "<=", ">", "="]
    bound: float

    def __str__(self) -> str:
        return f"{self.relation} {self.bound:g}"

    def met_by(self, value: float) -> bool:
        return _HOLDS[self.relation](value, self.bound)


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: float | None
    """``None`` where it could not be measured."""
    unit: str = ""
    target: Target | None = None

    @property
    def ok(self) -> bool | None:
        """Whether the target is met; ``None`` without a target or a value."""
        if self.target is None or self.value is None:
            return None
        return self.target.met_by(self.value)

    def as_dict(self) -> dict[str, Any]:
        target = str(self.target) if self.target else None
        return {"name": self.name, "value": self.value, "unit": self.unit, "target": target, "ok": self.ok}

    def cells(self) -> tuple[str, str, str, str]:
        value = "unknown" if self.value is None else f"{self.value:,.6g} {self.unit}".rstrip()
        verdict = {True: "yes", False: "NO", None: ""}[self.ok]
        return self.name, value, str(self.target or ""), verdict


def table(figures: Iterable[Figure]) -> str:
    """In columns, figures and targets flush right."""
    rows = [("figure", "value", "target", "ok"), *(figure.cells() for figure in figures)]
    name, value, target, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    lines = (f"{row[0]:<{name}}  {row[1]:>{value}}  {row[2]:>{target}}  {row[3]}".rstrip() for row in rows)
    return "\n".join(lines)
