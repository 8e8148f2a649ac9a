"""Settings of functions, from their environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from watchkeeper.budgets import Budget, budget_named
from watchkeeper.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Environment:
    """One field for each environment variable of the same name in upper case; all of them are required."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ``ConfigurationError`` naming every variable that is missing or empty."""
        texts = {field.name: environment.get(field.name.upper(), "").strip() for field in fields(cls)}
        if missing := sorted(name.upper() for name, text in texts.items() if not text):
            raise ConfigurationError(f"not set: {', '.join(missing)}")
        return cls(**{field.name: _read(texts[field.name], field.type) for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Settings(Environment):
    """Settings of a function that answers requests."""

    cors_origins: tuple[str, ...]
    aws_budget: str
    """How long calls to AWS may take, by the budget's name in ``watchkeeper.budgets``."""

    @property
    def budget(self) -> Budget:
        return budget_named(self.aws_budget)


def _read(text: str, kind: object) -> str | tuple[str, ...]:
    if kind is str:
        return text.rstrip("/")
    return tuple(part.strip() for part in text.split(",") if part.strip())
