from __future__ import annotations

import pytest

from api.people.signin.settings import required
from watchkeeper.errors import ConfigurationError


def test_a_trigger_is_told_what_it_needs() -> None:
    environment = {"SIGN_IN_TABLE": "table", "MAIL_FROM": " a@example.org ", "OTHER": "x"}

    assert required("SIGN_IN_TABLE", "MAIL_FROM", environment=environment) == ("table", "a@example.org")


def test_everything_missing_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError, match="not set: MAIL_FROM, SIGN_IN_TABLE"):
        required("SIGN_IN_TABLE", "MAIL_FROM", environment={"MAIL_FROM": " "})
