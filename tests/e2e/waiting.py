"""Waits for what happens in the background."""

import time
from collections.abc import Callable


def wait_for(what: str, done: Callable[[], bool], seconds: float = 30, pause: float = 0.25) -> None:
    """Fail if it has not happened after this many seconds."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} seconds in vain for {what}"
        time.sleep(pause)
