"""What an operator can act on."""

from watchkeeper.errors import WatchkeeperError


class WrongRequest(WatchkeeperError):
    """What was asked for cannot be understood, or is not there; says what can be asked."""


class NotSent(WatchkeeperError):
    """A letter's work could not be sent again; the letter stays."""
