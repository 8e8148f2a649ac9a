from __future__ import annotations

import pytest

from api.people.signin.codes import DIGITS
from api.people.signin.limits import CODES_FOR_AN_ADDRESS, network_of
from api.people.signin.ports import TRIES


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_who_has_many_addresses_is_one_client(address: str, network: str) -> None:
    assert network_of(address) == network


def test_guessing_a_code_is_hopeless() -> None:
    tries_a_day = CODES_FOR_AN_ADDRESS.most * TRIES * 24 * 3600 / CODES_FOR_AN_ADDRESS.seconds

    assert tries_a_day / 10**DIGITS < 1 / 500
