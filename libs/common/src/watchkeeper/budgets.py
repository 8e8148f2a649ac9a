"""How long calls to AWS may take.

There are two kinds of caller: people, who would rather hear "try again" than wait, and workers, whose message is
delivered again. A budget limits one call, whatever happens during it: every attempt may time out, and between two of
them botocore backs off, with jitter, for at most a second, then two, then four. (A server's request for a longer pause
is ignored, see ``watchkeeper.aws``.) The unprocessed part of a batch is only retried early on, so that the last request
still ends within the budget. A time-out applies to one wait, for a connection or for a byte: a response that trickles
in is cut off only by the function's own time-out.

A person's request makes many calls, and still ends within five seconds: no call starts after ``request_seconds``, and
the last one then takes its longest time at most. So people's time-outs are short: within a region a connection,
including TLS, takes a tenth of a second, and the first byte of the largest response a quarter of a second.
"""

import math
import random
import time
from dataclasses import dataclass, replace

from watchkeeper.errors import ConfigurationError, OutOfTime

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Budget:
    connect_seconds: float
    read_seconds: float
    attempts: int
    leftover_seconds: float
    """No retry of a batch's unprocessed part starts later than this after the batch's first request."""
    request_seconds: float = math.inf
    """After this time, a person's request makes no more calls to AWS, neither for the unprocessed part of a batch nor
    for the body of an object."""

    @property
    def call_seconds(self) -> float:
        """The longest a single call can take."""
        pauses = sum(2.0**number for number in range(self.attempts - 1))
        return self.attempts * (self.connect_seconds + self.read_seconds) + pauses

    @property
    def batch_seconds(self) -> float:
        """The longest a batch can take, including retries of its unprocessed part."""
        return self.leftover_seconds + self.call_seconds


PEOPLE = Budget(connect_seconds=0.3, read_seconds=0.6, attempts=2, leftover_seconds=0.5, request_seconds=2.2)
"""A call takes 2.8 seconds at the most, a batch with its retries 3.3, and a whole request 5. A single call that times
out and is retried leaves a request time for others."""

WORKERS = Budget(connect_seconds=1, read_seconds=3, attempts=3, leftover_seconds=8)
"""A call takes 15 seconds at the most, a batch with its retries 23."""

DOWNLOADS = Budget(connect_seconds=0.3, read_seconds=3, attempts=2, leftover_seconds=0.5, request_seconds=20)
"""For a large response built from many calls, which people wait longer for than for a page: a call takes 7.6 seconds at
the most, a batch with its retries 8.1, and a whole request 28.1, less than the 30 an HTTP API waits. S3 may take a
second to acknowledge an upload; the upload itself is not limited here."""

_NAMED = {"people": PEOPLE, "workers": WORKERS}


def budget_named(name: str) -> Budget:
    """``people`` or ``workers``; raises ``ConfigurationError`` for another."""
    if name not in _NAMED:
        raise ConfigurationError(f"there is no budget {name!r}; there are {', '.join(_NAMED)}")
    return _NAMED[name]


def for_downloads(budget: Budget) -> Budget:
    """The budget to use instead of this one where one response needs many calls."""
    return DOWNLOADS if budget == PEOPLE else replace(budget, request_seconds=DOWNLOADS.request_seconds)


class Patience:
    """Exponential back-off with jitter, for so many seconds altogether."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._longest = _FIRST_PAUSE

    @property
    def ended(self) -> bool:
        return time.monotonic() > self._end

    def pause(self) -> bool:
        """Wait before another attempt; ``False``, without waiting, if that would start too late."""
        pause = random.uniform(self._longest / 2, self._longest)  # noqa: S311 -- jitter
        if time.monotonic() + pause > self._end:
            return False
        time.sleep(pause)
        self._longest = min(2 * self._longest, _LONGEST_PAUSE)
        return True


class Deadline:
    """The time after which AWS is not called any more; unlimited before the first ``start``."""

    def __init__(self) -> None:
        self._end = math.inf

    def start(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        """Raises ``OutOfTime`` once it has passed."""
        if time.monotonic() > self._end:
            raise OutOfTime("the request took too long; nothing more is asked for")
