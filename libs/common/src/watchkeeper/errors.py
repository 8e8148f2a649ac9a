"""The family of errors the services share.

Each class is one thing a caller can act on; foreign exceptions are translated into them where they enter
(``watchkeeper.translation`` for AWS, a service's own clients for upstreams) and keep their cause.
"""


class WatchkeeperError(Exception):
    """Base of everything Watchkeeper raises on purpose."""


class ConfigurationError(WatchkeeperError):
    """A setting is missing or wrong; nothing will work until somebody changes it."""


class DatabaseError(WatchkeeperError):
    """What keeps our data or carries it (a table, a bucket, a queue, the bus) refused or failed; what was asked may or
    may not have been done."""


class Unavailable(DatabaseError):
    """It did not do it in the time there was; the same request may go through later."""


class Throttled(Unavailable):
    """It stayed too busy for all attempts."""


class TransactionConflict(Throttled):
    """Another transaction held one of the items."""


class NoAnswer(Unavailable):
    """It did not answer, broke off, or failed inside; what was asked may have been done."""


class OutOfTime(Unavailable):
    """There was no time left to ask."""


class ConditionFailed(DatabaseError):
    """A conditional write found another state than the one it named; nothing was written."""

    def __init__(self, message: str, failed: tuple[int, ...] = (0,)) -> None:
        super().__init__(message)
        self.failed = failed
        """Which writes of a transaction, by their places."""


class ItemNotFound(DatabaseError):
    """No item has that key."""


class LimitExceeded(WatchkeeperError):
    """What was to be sent is more, or other, than AWS takes. It was not sent, and never can be as it is."""


class HistoryError(WatchkeeperError):
    """This release cannot read what an aggregate's history holds, however often it tries."""


class LeaseTaken(WatchkeeperError):
    """Another worker holds the lease, or took it over since."""


class InvalidCursor(WatchkeeperError):
    """A cursor is not one that Watchkeeper gave out, or belongs to another query."""
