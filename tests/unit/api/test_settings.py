from dataclasses import fields

import pytest

from api.kernel.settings import KernelSettings as Settings
from watchkeeper.errors import ConfigurationError

COMPLETE = {field.name.upper(): f"https://{field.name}/" for field in fields(Settings)} | {"PROJECTS": "b, a,,"}


def test_lists_are_split_and_addresses_lose_their_last_slash() -> None:
    settings = Settings.from_environment(COMPLETE)

    assert settings.projects == ("b", "a")
    assert settings.lore_url == "https://lore_url"


def test_everything_missing_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"not set: LISTS, LORE_URL"):
        Settings.from_environment({name: text for name, text in COMPLETE.items() if name[:2] not in ("LI", "LO")})
