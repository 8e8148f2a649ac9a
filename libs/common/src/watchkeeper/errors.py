"""The family of errors the services share.

Each class is one thing a caller can act on; foreign exceptions are translated into them where they enter
(``watchkeeper.translation`` for AWS, a service's own clients for upstreams) and keep their cause.
"""


class WatchkeeperError(Exception):
    """Base of everything Watchkeeper raises on purpose."""


class ConfigurationError(WatchkeeperError):
    """A setting is missing or wrong; nothing will work until somebody changes it."""


class DatabaseError(WatchkeeperError):
    """A table, a bucket, a queue or the bus rejected a request, or failed; the request may or may not have been carried
    out."""


class Unavailable(DatabaseError):
    """It did not complete the request in time; the same request may succeed later."""


class Throttled(Unavailable):
    """It was too busy at every attempt."""


class TransactionConflict(Throttled):
    """Another transaction held one of the items."""


class NoAnswer(Unavailable):
    """It did not answer, broke off, or had an internal error; the request may have been carried out."""


class OutOfTime(Unavailable):
    """There was no time left for the request."""


class ConditionFailed(DatabaseError):
    """The condition of a write did not hold; nothing was written."""

    def __init__(self, message: str, failed: tuple[int, ...] = (0,)) -> None:
        super().__init__(message)
        self.failed = failed
        """Which writes of a transaction, by index."""


class ItemNotFound(DatabaseError):
    """No item has that key."""


class LimitExceeded(WatchkeeperError):
    """A request is too large for AWS, or has values AWS does not accept. It was not sent; retrying cannot help."""


class HistoryError(WatchkeeperError):
    """This release cannot read an aggregate's history; retrying cannot help."""


class LeaseTaken(WatchkeeperError):
    """Another worker holds the lease, or has taken it over since."""


class InvalidCursor(WatchkeeperError):
    """A cursor was not issued by Watchkeeper, or belongs to another query."""
