"""What a command is refused for. The messages are written for whoever sent it."""

from watchkeeper.errors import WatchkeeperError


class Refused(WatchkeeperError):
    """A command says what cannot be kept; the message says what. It is refused again however often it is sent."""


class WrongState(Refused):
    """The command does not fit the state things are in; the message says which."""


def require(condition: bool, message: str) -> None:
    """Raises ``Refused`` with the message, unless the condition holds."""
    if not condition:
        raise Refused(message)


def required_text(what: str, text: str, longest: int) -> str:
    """The text without the white space around it. Raises ``Refused`` for one that is empty or too long."""
    text = text.strip()
    require(0 < len(text) <= longest, f"{what} has 1 to {longest} characters")
    return text


def optional_text(what: str, text: str, longest: int) -> str | None:
    """As ``required_text``, and ``None`` for an empty one."""
    return required_text(what, text, longest) if text.strip() else None
