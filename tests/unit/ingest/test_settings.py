"""Settings that are missing or wrong stop the start, and say so all at once."""

import pytest

from ingest.settings import kernel_settings
from watchkeeper.errors import ConfigurationError

COMPLETE = {
    **{f"{name}_TABLE": name for name in ("PATCHES", "SERIES", "DISCUSSIONS", "THREADING", "PROGRESS", "BREAKERS")},
    **{f"{name}_QUEUE_URL": name for name in ("PATCHES", "DISCUSSIONS", "THREADS")},
    "BODIES_BUCKET": "bodies",
    "PATCHWORK_URL": "https://patchwork.example",
    "LORE_URL": "https://lore.example",
    "PROJECTS": "b, a,,b",
    "LISTS": "",
    "CONTACT": "ops@example.org",
    "REQUESTS_PER_SECOND": "0.5",
}


def test_complete_settings_are_read() -> None:
    settings = kernel_settings(COMPLETE)

    assert settings.projects == ("a", "b")
    assert settings.lists == ()
    assert settings.requests_per_second == 0.5
    assert "ops@example.org" in settings.user_agent


def test_everything_that_is_wrong_is_named_at_once() -> None:
    wrong = {**COMPLETE, "LORE_URL": "lore.example", "REQUESTS_PER_SECOND": "often", "PATCHES_TABLE": " "}

    with pytest.raises(ConfigurationError) as caught:
        kernel_settings(wrong)

    assert str(caught.value) == (
        "PATCHES_TABLE is not set; LORE_URL is not an http(s) URL: lore.example; "
        "REQUESTS_PER_SECOND is not a number above 0"
    )
