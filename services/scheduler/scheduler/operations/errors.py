"""Errors that an operator can act on."""

from watchkeeper.errors import WatchkeeperError


class WrongRequest(WatchkeeperError):
    """The request is invalid, or names something that does not exist; the message says what is possible."""


class NotSent(WatchkeeperError):
    """A letter could not be redriven; it stays in the queue."""
