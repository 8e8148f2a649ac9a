"""How long AWS may keep somebody waiting.

Two kinds of caller: people, who would rather hear "try again" than wait, and workers, whose message comes again. A
budget bounds one call whatever happens in it: every attempt may time out, and between two of them botocore pauses,
jittered, for at most a second, then two, then four. (A server's wish for a longer pause is not granted, see
``watchkeeper.aws``.) What a batch left undone is asked again only at the beginning, so that the last request still
ends within the budget. A time-out is of one wait, for a connection or for an octet: an answer that drips in slower is
cut off by the function's own time-out alone.

A person's request makes many calls, and still ends within five seconds: none begins after ``request_seconds``, and the
last one has ended a call's longest time later. So people's time-outs are short: in one region a connection, its
encryption included, takes a tenth of a second, and the first octet of the largest answer a quarter of one.
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
    """No request for what a batch left undone begins later than this after the batch's first."""
    request_seconds: float = math.inf
    """A request of somebody who waits asks AWS for nothing more once this has passed, neither for what a batch left
    undone nor for the body of an object."""

    @property
    def call_seconds(self) -> float:
        """The longest a single call can take."""
        pauses = sum(2.0**number for number in range(self.attempts - 1))
        return self.attempts * (self.connect_seconds + self.read_seconds) + pauses

    @property
    def batch_seconds(self) -> float:
        """The longest a call can take with the requests for what it left undone."""
        return self.leftover_seconds + self.call_seconds


PEOPLE = Budget(connect_seconds=0.3, read_seconds=0.6, attempts=2, leftover_seconds=0.5, request_seconds=2.2)
"""A call takes 2.8 seconds at the most, a batch with what it left undone 3.3, and a whole request 5. One call that
times out, and is asked again, leaves a request time for others."""

WORKERS = Budget(connect_seconds=1, read_seconds=3, attempts=3, leftover_seconds=8)
"""A call takes 15 seconds at the most, a batch with what it left undone 23."""

DOWNLOADS = Budget(connect_seconds=0.3, read_seconds=3, attempts=2, leftover_seconds=0.5, request_seconds=20)
"""For one large answer made of many, which people wait longer for than for a page: a call takes 7.6 seconds at the
most, a batch with what it left undone 8.1, and a whole request 28.1, less than the 30 an HTTP API waits. What is sent
to be kept may take S3 a second to answer for; the sending itself is not limited here."""

_NAMED = {"people": PEOPLE, "workers": WORKERS}


def budget_named(name: str) -> Budget:
    """``people`` or ``workers``; raises ``ConfigurationError`` for another."""
    if name not in _NAMED:
        raise ConfigurationError(f"there is no budget {name!r}; there are {', '.join(_NAMED)}")
    return _NAMED[name]


def for_downloads(budget: Budget) -> Budget:
    """What takes the place of this one where much is asked for one answer."""
    return DOWNLOADS if budget == PEOPLE else replace(budget, request_seconds=DOWNLOADS.request_seconds)


class Patience:
    """Growing, jittered pauses between attempts, for so many seconds altogether."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._longest = _FIRST_PAUSE

    @property
    def ended(self) -> bool:
        return time.monotonic() > self._end

    def pause(self) -> bool:
        """Wait before another attempt; ``False`` at once when that would begin too late."""
        pause = random.uniform(self._longest / 2, self._longest)  # noqa: S311 -- jitter
        if time.monotonic() + pause > self._end:
            return False
        time.sleep(pause)
        self._longest = min(2 * self._longest, _LONGEST_PAUSE)
        return True


class Deadline:
    """The moment after which AWS is asked for nothing more; before the first ``start`` there is none."""

    def __init__(self) -> None:
        self._end = math.inf

    def start(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        """Raises ``OutOfTime`` once it has passed."""
        if time.monotonic() > self._end:
            raise OutOfTime("the request took too long; nothing more is asked for")
