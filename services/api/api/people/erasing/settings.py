"""What the function is told by its environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

from watchkeeper.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class ErasingSettings:
    """One field per environment variable of the same name in capitals; all of them are required."""

    people_table: str
    photos_bucket: str
    user_pool_id: str
    erasures_queue_url: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ``ConfigurationError`` naming every variable that is missing or empty."""
        texts = {field.name: environment.get(field.name.upper(), "").strip() for field in fields(cls)}
        if missing := sorted(name.upper() for name, text in texts.items() if not text):
            raise ConfigurationError(f"not set: {', '.join(missing)}")
        return cls(**texts)
