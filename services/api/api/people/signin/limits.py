"""Rate limits for requesting and trying codes: counters in windows of fifteen minutes."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from api.people.signin.rows import KEYS
from api.web.problems import TooManyRequests
from watchkeeper.clock import Clock
from watchkeeper.dynamodb import Table
from watchkeeper.errors import ConditionFailed

_QUARTER = 15 * 60


@dataclass(frozen=True, slots=True)
class Limit:
    name: str
    most: int
    """Per window. At the border of two windows twice as many are possible, and then none for a whole window."""
    seconds: int = _QUARTER


CODES_FOR_AN_ADDRESS = Limit("codes-for-address", 5)
"""If a mail is late, lands in spam or is deleted, people ask again, but not a sixth time. With three tries per code, an
attacker has fifteen guesses in a quarter of an hour: one in 66,667."""

CODES_FOR_A_CLIENT = Limit("codes-for-client", 20)
"""People behind one router share a network address. More of them at once are rare, and each mail costs money and
reputation with mail providers."""

TRIES_OF_A_CLIENT = Limit("tries-of-client", 60)
"""All tries of all codes that could have been sent to a client: more is not a person."""

RENEWALS_OF_A_CLIENT = Limit("renewals-of-client", 300)
"""Refreshing and logging out: an app does either once an hour. This only limits the cost of calling Cognito, as refresh
tokens cannot be guessed."""


class Limits:
    """``secret`` keys the hashes that identify counters: mail and network addresses are easily guessed."""

    def __init__(self, table: Table, clock: Clock, secret: Callable[[], bytes]) -> None:
        self._table = table
        self._clock = clock
        self._secret = secret

    def spend(self, limit: Limit, whose: str) -> None:
        """Count one more; raises ``TooManyRequests`` without counting if the limit is exceeded."""
        now = int(self._clock().timestamp())
        window, elapsed = divmod(now, limit.seconds)
        end = now - elapsed + limit.seconds
        try:
            self._table.update(
                {"PK": f"LIMIT#{limit.name}#{window}#{self._hidden(whose)}"},
                {"TTL": end},
                add={"spent": 1},
                keys=KEYS,
                condition="attribute_not_exists(PK) OR spent < :most",
                values={":most": limit.most},
            )
        except ConditionFailed as error:
            raise TooManyRequests(end - now) from error

    def _hidden(self, whose: str) -> str:
        return hmac.digest(self._secret(), b"watchkeeper limit 1\0" + whose.encode(errors="replace"), "sha256").hex()


def network_of(client_address: str) -> str:
    """What a provider assigns to one customer: an IPv4 address, or the first 64 bits of an IPv6 address."""
    try:
        address = ip_address(client_address)
    except ValueError:
        return client_address
    if address.version == 4:
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
