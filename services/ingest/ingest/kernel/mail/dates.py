"""When a mail was sent and received, following public-inbox's MsgTime, whose ``rt:`` search must give the same."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

from ingest.kernel.mail import flags
from ingest.kernel.mail.headers import Headers

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
TOLERANCE = timedelta(days=1)
"""How far a Date may be after the receipt and still be accepted."""

_DAY_SECONDS = 86_400
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTH = {name: at for at, month in enumerate(_MONTHS, 1) for name in (month, month[:3])}
_ZONES = {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
_ZONE_NAMES = "|".join([*_ZONES, "UT", "GMT", "Z"])

# Bounded repetitions: a header of nothing but digits or blanks must not take more than linear time.
_DATE = re.compile(
    r"(?<!\d)(?P<day>\d{1,2}),?\s{1,40}(?P<month>[A-Za-z]{3,9})\s{1,40}(?P<year>\d{2,4})\s{1,40}"
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2}|\s?\d)(?:[:.](?P<second>\d{2}|\s?\d))?"
    rf"\s{{1,40}}(?P<sign>[+-])?[+-]{{0,4}}(?P<zone>\d{{1,6}}|{_ZONE_NAMES})(?=\s|$)"
)
_RECEIVED_DATE = re.compile(
    r"(?<!\d)\d{1,2}\s{1,40}[A-Za-z]{3,9}\s{1,40}\d{2,4}\s{1,40}"
    r"\d{1,2}\D\d{1,2}\D\d{1,2}\s{1,40}[+-]\d{1,6}"
)


def received_at(headers: Headers, sent: datetime | None, now: datetime) -> datetime:
    """The topmost Received header that has a date; else the Date header; else now.

    A time before 1990 or later than tomorrow cannot be right and is skipped.
    """
    for value in headers.all("received"):
        if (found := _RECEIVED_DATE.search(value)) and (at := _read(found[0])) and _possible(at, now):
            return at
    return sent if sent and _possible(sent, now) else now.astimezone(UTC).replace(microsecond=0)


def _possible(at: datetime, now: datetime) -> bool:
    return EARLIEST <= at <= now + TOLERANCE


def sent_at(headers: Headers) -> tuple[datetime | None, set[str]]:
    values = headers.all("date")
    if not any(value.strip() for value in values):
        return None, {flags.DATE_MISSING}
    for value in values:
        if at := parse_date(value):
            return at, set()
    return None, {flags.DATE_UNPARSABLE}


def parse_date(value: str) -> datetime | None:
    """A Date header's time in UTC; a zone a day or more from UTC is ignored."""
    return _read(value) or _read_leniently(value[:200])


def clamp(sent: datetime | None, received: datetime) -> tuple[datetime, set[str]]:
    """The time to sort a mail by, and flags for what is odd about its Date header."""
    if sent is None:
        return received, set()
    if sent < EARLIEST:
        return received, {flags.DATE_TOO_OLD}
    if sent > received + TOLERANCE:
        return received, {flags.DATE_IN_FUTURE}
    return sent, set()


def _read(text: str) -> datetime | None:
    if not (found := _DATE.search(text)) or not (month := _MONTH.get(found["month"].lower())):
        return None
    second = int(found["second"] or 0)
    try:
        day, hour, minute = (int(found[field]) for field in ("day", "hour", "minute"))
        local = datetime(_year(found["year"]), month, day, hour, minute, _second(second), tzinfo=UTC)
        return local - _offset(found["sign"], found["zone"])
    except (ValueError, OverflowError):
        return None


def _second(second: int) -> int:
    """Turns a leap second, which ``datetime`` does not know, into the second before."""
    return 59 if second == 60 else second


def _year(digits: str) -> int:
    """Years of two and three digits as RFC 5322 reads them, although its obsolete syntax did not foresee the 2050s."""
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (2000 if year < 50 else 1900)


def _offset(sign: str | None, zone: str) -> timedelta:
    if not zone.isdigit():
        return timedelta(hours=_ZONES.get(zone, 0))
    hours, minutes = (int(zone), 0) if len(zone) == 1 else (int(zone[:-2] or 0), int(zone[-2:]))
    seconds = hours * 3600 + minutes * 60
    if seconds >= _DAY_SECONDS:
        return timedelta()
    return timedelta(seconds=-seconds if sign == "-" else seconds)


def _read_leniently(text: str) -> datetime | None:
    try:
        fields = parsedate_tz(text)
        if fields is None:
            return None
        offset = fields[9] or 0
        local = datetime(*fields[:5], _second(fields[5]), tzinfo=UTC)
        return local - timedelta(seconds=offset if abs(offset) < _DAY_SECONDS else 0)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
