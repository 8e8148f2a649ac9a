"""A client of AlphaVantage: five functions about a company, the earnings calendar, and news.

The vendor requires the key in the query of each request; the ``Upstream`` adds it, so that it is never part of a path
here. No text of an answer gets into an error: see ``answers``.
"""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import requests

from ingest.errors import DayOver, KeyRefused, TooFast, UpstreamError, UpstreamGarbled
from ingest.markets.answers import NoArticles, classify, decoded
from ingest.upstream import Patience, Upstream
from watchkeeper.clock import Clock, utc_now
from watchkeeper.markets.models import Statement
from watchkeeper.markets.symbols import to_alphavantage

PATIENCE = Patience(attempts=4, first=1.0, longest=30.0, total=60.0)
"""Three retries of a burst. The time includes an attempt's wait for the shared budget."""

MOST_NEWS = 1000
"""Articles per page; the only value other than the default that has an effect."""
DEFAULT_NEWS = 50

HORIZONS = ("3month", "6month", "12month")

_PATH = "/query"
_JSON = "application/json"
_CSV = "text/csv, application/x-download, application/json;q=0.5"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewsPage:
    """Articles, oldest first."""

    rows: list[object]
    full: bool
    """Whether there may be more: the next page starts at the time of the newest, which is repeated there."""


def _nobody(error: UpstreamError) -> None:
    """Does nothing."""


class AlphaVantage:
    """All methods raise ``UpstreamError``: ``Burst`` and ``MinuteOver`` after retries, ``DayOver``, ``KeyRefused``,
    ``PlanLacksFunction``, ``RequestRefused``, and ``UpstreamGarbled`` for any other unusable answer."""

    def __init__(
        self, upstream: Upstream, *, heard: Callable[[UpstreamError], None] = _nobody, clock: Clock = utc_now
    ) -> None:
        """``heard`` is called whenever AlphaVantage reports an exceeded rate limit or a wrong key, even if the request
        is retried: everybody who uses the same key should know."""
        self._upstream = upstream
        self._heard = heard
        self._clock = clock

    def statement(self, statement: Statement, symbol: str) -> dict[str, Any] | None:
        """The unparsed statement of a company; ``None`` if there is no data, as for most funds."""
        params = {"function": statement.name, "symbol": to_alphavantage(symbol)}
        return self._read(self._object, params, _JSON) or None

    def earnings_calendar(self, horizon: str = HORIZONS[0]) -> str:
        """The CSV text of all companies' next report dates, for ``parse_calendar``."""
        return self._read(self._csv, {"function": "EARNINGS_CALENDAR", "horizon": horizon}, _CSV)

    def news(self, time_from: datetime, time_to: datetime | None = None, limit: int = MOST_NEWS) -> NewsPage:
        """News published since a given minute, of all companies."""
        params = {
            "function": "NEWS_SENTIMENT",
            "sort": "EARLIEST",
            "limit": str(limit),
            "time_from": _minute(time_from),
        }
        if time_to:
            params["time_to"] = _minute(time_to)
        try:
            rows = self._read(self._feed, params, _JSON)
        except NoArticles:
            rows = []
        return NewsPage(rows, full=len(rows) >= limit or len(rows) == DEFAULT_NEWS)

    def _read(self, decode: Callable[[requests.Response], T], params: dict[str, str], accept: str) -> T:
        try:
            return self._upstream.read(_PATH, decode, accept=accept, params=params)
        except (DayOver, KeyRefused) as error:
            self._heard(error)
            raise

    def _object(self, response: requests.Response) -> dict[str, Any]:
        body = decoded(response.content)
        self._judge(body)
        if not isinstance(body, dict):
            raise UpstreamGarbled("AlphaVantage answered JSON that is no object")
        return body

    def _feed(self, response: requests.Response) -> list[object]:
        rows = self._object(response).get("feed")
        if not isinstance(rows, list):
            raise UpstreamGarbled("AlphaVantage answered news without a list of articles")
        return rows

    def _csv(self, response: requests.Response) -> str:
        """The first character decides: it answers JSON where it has a message instead of data."""
        octets = response.content.removeprefix(BOM_UTF8).strip()
        if octets[:1] in (b"{", b"["):
            self._judge(decoded(octets))
            raise UpstreamGarbled("AlphaVantage answered JSON where CSV was asked for")
        if not octets or octets[:1] == b"<":
            raise UpstreamGarbled("AlphaVantage answered no CSV")
        return octets.decode(errors="replace")  # in a name, at most: invalid symbols and dates are refused row by row

    def _judge(self, body: object) -> None:
        with self._told_at_once():
            classify(body, self._clock())

    @contextmanager
    def _told_at_once(self) -> Iterator[None]:
        try:
            yield
        except TooFast as error:
            self._heard(error)
            raise


def _minute(moment: datetime) -> str:
    """``20261120T0930``: the format it accepts, although it answers with seconds."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M")
