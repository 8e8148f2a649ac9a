"""Key ranges and page sizes for reading read models."""

from watchkeeper.dynamodb import Between

ROWS_PER_READ = 250
"""The page size where rows are filtered in code."""

_LAST = "\U0010ffff"
_AFTER_TIME = "$"
"""The character that sorts right after ``#``, which separates a time from an id."""


def beginning(prefix: str) -> Between:
    """The sort keys with that prefix; all of them, if it is empty."""
    return Between(prefix, prefix + _LAST) if prefix else Between()


def of_times(since: str, until: str) -> Between:
    """The sort keys that start with a time in this range, followed by an id."""
    return Between(since, until + _AFTER_TIME)
