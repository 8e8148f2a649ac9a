"""One-time codes: six digits, of which only a salted hash is stored, for five minutes, three tries and one use."""

import hashlib
import hmac
import secrets

from api.people.signin.ports import SESSION_SECONDS, TRIES
from api.people.signin.rows import KEYS
from watchkeeper.clock import Clock
from watchkeeper.dynamodb import Item, Table
from watchkeeper.errors import ConditionFailed

DIGITS = 6

_SALT_BYTES = 16
_SCRYPT_COST = 2**13
"""With 8 blocks: 8 MB, and 25 ms of a full CPU. A million guesses at a stolen hash take seven hours of CPU time, and
the code is worthless after five minutes."""
_SCRYPT_BLOCKS = 8


class Codes:
    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    def issue(self, challenge: str) -> str:
        """A new code for the challenge with this id; only its hash is stored."""
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        salt, expires = secrets.token_bytes(_SALT_BYTES), self._now() + SESSION_SECONDS
        row: Item = {
            "PK": f"CODE#{challenge}",
            "salt": salt,
            "hash": _hash(code, salt),
            "expires": expires,
            "tries": 0,
            "TTL": expires,
        }
        self._table.put(row, keys=KEYS)
        return code

    def redeem(self, challenge: str, answer: str) -> bool:
        """Whether the answer is the challenge's code. True only once.

        A try is counted before it is evaluated, so that concurrent answers, or repeated ones in an old session, get no
        more tries than consecutive ones.
        """
        row = self._counted(challenge)
        if row is None:
            return False
        given = _hash(answer, bytes(row["salt"]))  # type: ignore[arg-type]
        return hmac.compare_digest(given, bytes(row["hash"])) and self._used_up(challenge)  # type: ignore[arg-type]

    def _counted(self, challenge: str) -> Item | None:
        """The row with one more try; ``None`` if there are none left, or it has expired or does not exist."""
        try:
            return self._table.update(
                {"PK": f"CODE#{challenge}"},
                {},
                add={"tries": 1},
                keys=KEYS,
                condition="attribute_exists(PK) AND tries < :most AND expires > :now",
                values={":most": TRIES, ":now": self._now()},
            )
        except ConditionFailed:
            return None

    def _used_up(self, challenge: str) -> bool:
        """``False`` if the same code was used concurrently."""
        try:
            self._table.delete({"PK": f"CODE#{challenge}"}, condition="attribute_exists(PK)")
        except ConditionFailed:
            return False
        return True

    def _now(self) -> int:
        return int(self._clock().timestamp())


def _hash(code: str, salt: bytes) -> bytes:
    return hashlib.scrypt(code.encode(errors="replace"), salt=salt, n=_SCRYPT_COST, r=_SCRYPT_BLOCKS, p=1, dklen=32)
