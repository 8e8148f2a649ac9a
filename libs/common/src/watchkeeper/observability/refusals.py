"""Reasons to reject a command. The messages are written for whoever sent it."""

from watchkeeper.errors import WatchkeeperError


class Refused(WatchkeeperError):
    """A command has invalid content; the message says what. Sending it again does not help."""


class WrongState(Refused):
    """The command is not allowed in the current state; the message says which that is."""


def require(condition: bool, message: str) -> None:
    """Raises ``Refused`` with the message, unless the condition holds."""
    if not condition:
        raise Refused(message)


def required_text(what: str, text: str, longest: int) -> str:
    """The text without surrounding whitespace. Raises ``Refused`` if it is empty or too long."""
    text = text.strip()
    require(0 < len(text) <= longest, f"{what} has 1 to {longest} characters")
    return text


def optional_text(what: str, text: str, longest: int) -> str | None:
    """Like ``required_text``, but ``None`` for an empty text."""
    return required_text(what, text, longest) if text.strip() else None
