"""How rows of the read models are asked for."""

from watchkeeper.dynamodb import Between

ROWS_PER_READ = 250
"""Where rows are filtered in code."""

_LAST = "\U0010ffff"
_AFTER_TIME = "$"
"""The character after the ``#`` that stands between a time and an id."""


def beginning(prefix: str) -> Between:
    """The sort keys that begin so; all of them, if it is empty."""
    return Between(prefix, prefix + _LAST) if prefix else Between()


def of_times(since: str, until: str) -> Between:
    """The sort keys that begin with one of these moments, and go on with an id."""
    return Between(since, until + _AFTER_TIME)
