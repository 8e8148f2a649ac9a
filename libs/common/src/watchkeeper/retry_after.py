"""RFC 9110's Retry-After: how long a server asks to be left alone."""

from datetime import datetime
from email.utils import parsedate_to_datetime


def seconds_asked_for(value: str, now: datetime) -> float | None:
    """The header's value is seconds or a date; anything else counts as absent."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (ValueError, TypeError):
        return None
