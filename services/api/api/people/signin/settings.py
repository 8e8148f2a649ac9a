"""Settings of the functions for signing in, from their environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from api.web.settings import Settings
from watchkeeper.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class SignInSettings(Settings):
    """Settings of the function that answers requests."""

    sign_in_table: str
    user_pool_id: str
    user_pool_client_id: str
    event_bus: str


def required(*names: str, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """For triggers: the values of the variables, in this order. Raises ``ConfigurationError`` naming every one that is
    missing or empty."""
    values = [environment.get(name, "").strip() for name in names]
    if missing := sorted(name for name, value in zip(names, values, strict=True) if not value):
        raise ConfigurationError(f"not set: {', '.join(missing)}")
    return tuple(values)
