from datetime import UTC, datetime

import pytest

from watchkeeper.retry_after import seconds_asked_for

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Fri, 20 Nov 2026 12:02:00 GMT", 120),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("١٢", None),
        ("20 Nov 2026 12:02:00", None),
    ],
)
def test_seconds_and_dates_are_understood_and_anything_else_counts_as_absent(value: str, seconds: float | None) -> None:
    assert seconds_asked_for(value, NOW) == seconds
