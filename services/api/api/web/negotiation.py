"""Content negotiation: the form that ``Accept`` prefers (RFC 9110, 12.5.1)."""

import re

from api.web.requests import Event, header

_WEIGHT = re.compile(r"\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", re.IGNORECASE)
_REFUSED, _FULL = 0.0, 1.0


def preferred(event: Event, *offers: str) -> str:
    """The media type with the greatest weight; of several, the one that is named most precisely, then the first.

    Also the first if none is acceptable, or there is no preference: any form is more useful than an error.
    """
    ranges = dict(map(_weighted, header(event, "accept").lower().split(",")))
    return max(offers, key=lambda offer: _rating(offer, ranges))


def _rating(offer: str, ranges: dict[str, float]) -> tuple[float, int]:
    """Its weight, by the most precise range that includes it, and the precision of that range."""
    for precision, name in ((2, offer), (1, f"{offer.partition('/')[0]}/*"), (0, "*/*")):
        if name in ranges:
            return (ranges[name], precision) if ranges[name] else (_REFUSED, 0)
    return _REFUSED, 0


def _weighted(media_range: str) -> tuple[str, float]:
    name, *parameters = media_range.split(";")
    given = [parameter for parameter in parameters if parameter.strip().startswith("q")]
    return name.strip(), _weight(given[0]) if given else _FULL


def _weight(parameter: str) -> float:
    """An invalid weight counts as a refusal."""
    match = _WEIGHT.fullmatch(parameter)
    return float(match[1]) if match else _REFUSED
