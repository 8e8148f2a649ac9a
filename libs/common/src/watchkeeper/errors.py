"""The family of errors the services share.

Each class is one thing a caller can act on; foreign exceptions are translated into them where they enter
(``watchkeeper.dynamodb`` for AWS, a service's own clients for upstreams) and keep their cause.
"""


class WatchkeeperError(Exception):
    """Base of everything Watchkeeper raises on purpose."""


class ConfigurationError(WatchkeeperError):
    """A setting is missing or wrong; nothing will work until somebody changes it."""


class DatabaseError(WatchkeeperError):
    """The database refused or failed; what was asked may or may not have been done."""


class Throttled(DatabaseError):
    """The database stayed too busy for all attempts; the same request may go through later."""


class ConditionFailed(DatabaseError):
    """A conditional write found another state than the one it named; nothing was written."""


class ItemNotFound(DatabaseError):
    """No item has that key."""


class LeaseTaken(WatchkeeperError):
    """Another worker holds the lease, or took it over since."""


class InvalidCursor(WatchkeeperError):
    """A cursor is not one that Watchkeeper gave out, or belongs to another query."""
