"""RFC 9110's Retry-After: how long a server asks its clients to wait."""

from datetime import datetime
from email.utils import parsedate_to_datetime


def seconds_asked_for(value: str, now: datetime) -> float | None:
    """From the header's value, which is seconds or a date; ``None`` for anything else."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (ValueError, TypeError):
        return None
