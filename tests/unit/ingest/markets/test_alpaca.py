"""Alpaca's list is read row by row, and its volumes in requests that it takes."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter

from ingest.errors import KeyRefused, RequestRefused, RequestTooLong, RowRefused, UpstreamGarbled
from ingest.markets import alpaca
from ingest.markets.alpaca import MOST_CHARACTERS, MOST_SYMBOLS, REASONS, Alpaca, parse_asset
from ingest.markets.fields import NO_FLAG, NO_LIST, NO_TEXT
from ingest.upstream import Pace, Upstream
from tests.unit.ingest.markets.wire import Wire
from watchkeeper.markets.models import Asset

ROW: dict[str, Any] = {
    "id": "1f0c9a52-0000-4000-8000-000000000001",
    "class": "us_equity",
    "exchange": "NYSE",
    "symbol": "BRAV.B",
    "name": "Bravura Quarries Class B",
    "status": "active",
    "tradable": True,
    "marginable": True,
    "shortable": True,
    "fractionable": False,
    "borrow_status": "hard_to_borrow",
    "maintenance_margin_requirement": 30,
    "margin_requirement_long": "30",
    "margin_requirement_short": "33.5",
    "attributes": ["has_options", "fractional_eh_enabled", "has_options"],
}
MISSING = object()


@pytest.fixture
def client(upstream: Upstream) -> Alpaca:
    return Alpaca(upstream, Upstream("data", "http://data.example", user_agent="tests", pace=Pace(1e6)))


def row(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in (ROW | fields).items() if value is not MISSING}


def test_the_whole_active_list_of_shares_is_asked_for(client: Alpaca, wire: Wire) -> None:
    wire.say([ROW, "rubbish"])

    assert client.assets() == [ROW, "rubbish"]
    assert urlsplit(str(wire.sent[0].url)).path == "/v2/assets"
    assert wire.queries() == [{"status": "active", "asset_class": "us_equity"}]
    assert wire.sent[0].headers["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize("body", ["{}", '{"message": "no"}', "null", "[{}", "", "text"])
def test_a_list_that_is_none_is_garbled(client: Alpaca, wire: Wire, body: str) -> None:
    wire.say(body)

    with pytest.raises(UpstreamGarbled):
        client.assets()


def test_a_row_is_an_asset() -> None:
    assert parse_asset(ROW) == Asset(
        symbol="BRAV.B",
        id="1f0c9a52-0000-4000-8000-000000000001",
        name="Bravura Quarries Class B",
        status="active",
        exchange="NYSE",
        asset_class="us_equity",
        tradable=True,
        marginable=True,
        shortable=True,
        fractionable=False,
        borrow_status="hard_to_borrow",
        margin_requirement_long=Decimal("30"),
        margin_requirement_short=Decimal("33.5"),
        attributes=("fractional_eh_enabled", "has_options"),
    )


def test_what_is_missing_is_nothing_special() -> None:
    asset = parse_asset({"symbol": "QUIL", "id": "1", "status": "active"})

    assert asset == Asset(
        symbol="QUIL", id="1", name="", status="active", exchange="", asset_class="us_equity", tradable=False
    )


@pytest.mark.parametrize("field", ["status", "exchange", "class", "borrow_status"])
def test_a_word_that_is_not_known_is_kept(field: str) -> None:
    asset = parse_asset(row(**{field: "something_new"}))

    assert "something_new" in (asset.status, asset.exchange, asset.asset_class, asset.borrow_status)


def test_fields_that_are_not_known_do_no_harm() -> None:
    assert parse_asset(row(shiny={"new": [1]}, cusip=None)) == parse_asset(ROW)


@pytest.mark.parametrize(("flag", "status"), [(True, "easy_to_borrow"), (False, "hard_to_borrow"), (None, None)])
def test_the_old_flag_of_borrowing_counts_where_the_new_word_is_missing(flag: bool | None, status: str | None) -> None:
    assert parse_asset(row(borrow_status=MISSING, easy_to_borrow=flag)).borrow_status == status
    assert parse_asset(row(easy_to_borrow=flag)).borrow_status == "hard_to_borrow"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"class": "crypto", "symbol": "AVAL/USD"}, alpaca.NO_SHARE),
        ({"class": "crypto_perp", "symbol": "AVALPERP"}, alpaca.NO_SHARE),
        ({"class": MISSING, "exchange": "CRYPTO"}, alpaca.NO_SHARE),
        ({"symbol": "AVAL/USD"}, alpaca.NO_SHARE),
        ({"symbol": ""}, alpaca.NO_SYMBOL),
        ({"symbol": None}, alpaca.NO_SYMBOL),
        ({"symbol": "quil"}, alpaca.NO_SYMBOL),
        ({"symbol": "Q" * 400}, alpaca.NO_SYMBOL),
        ({"symbol": "QUIL#1"}, alpaca.NO_SYMBOL),
        ({"symbol": 7}, NO_TEXT),
        ({"id": ""}, alpaca.NO_ID),
        ({"id": MISSING}, alpaca.NO_ID),
        ({"id": "x" * 65}, alpaca.NO_ID),
        ({"id": "a b"}, alpaca.NO_ID),
        ({"status": " "}, alpaca.NO_STATUS),
        ({"name": ["a"]}, NO_TEXT),
        ({"tradable": "true"}, NO_FLAG),
        ({"easy_to_borrow": 1, "borrow_status": MISSING}, NO_FLAG),
        ({"margin_requirement_long": "thirty"}, alpaca.NO_MARGIN),
        ({"margin_requirement_short": "NaN"}, alpaca.NO_MARGIN),
        ({"margin_requirement_short": True}, alpaca.NO_MARGIN),
        ({"attributes": "has_options"}, NO_LIST),
        ({"attributes": [1]}, NO_TEXT),
    ],
)
def test_a_row_is_refused_for_one_of_a_few_reasons(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(RowRefused) as refused:
        parse_asset(row(**fields))

    assert refused.value.reason == reason
    assert reason in REASONS
    assert len(refused.value.subject) <= 60


@pytest.mark.parametrize(
    ("fields", "subject"), [({}, "BRAV.B"), ({"symbol": None}, ROW["id"]), ({"symbol": 1, "id": 1}, "?")]
)
def test_a_refusal_names_the_row_as_well_as_it_can(fields: dict[str, Any], subject: str) -> None:
    with pytest.raises(RowRefused) as refused:
        parse_asset(row(tradable="no", **fields))

    assert refused.value.subject == subject


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(VALUES | st.fixed_dictionaries({}, optional={name: st.just(value) | VALUES for name, value in ROW.items()}))
def test_whatever_a_row_is_it_is_an_asset_or_refused(anything: object) -> None:
    asset, reason = parsed(anything)

    assert asset or reason in REASONS
    margins = (asset.margin_requirement_long, asset.margin_requirement_short) if asset else ()
    assert all(margin is None or margin.is_finite() for margin in margins)


def parsed(row: object) -> tuple[Asset | None, str]:
    try:
        return parse_asset(row), ""
    except RowRefused as refused:
        return None, refused.reason


def bar(volume: object) -> dict[str, Any]:
    return {"dailyBar": {"v": 3}, "prevDailyBar": {"c": 17.5, "v": volume}}


def test_volumes_are_those_of_the_last_whole_day(client: Alpaca, wire: Wire) -> None:
    wire.say(
        {
            "A": bar(1200),
            "B": bar(0),
            "C": None,
            "D": {"prevDailyBar": None},
            "E": bar(-1),
            "F": bar("7"),
            "G": bar(True),
            "H": bar(12.0),
            "J": bar(1e300),
            "OTHER": bar(5),
        }
    )

    assert client.volumes(["A", "B", "C", "D", "E", "F", "G", "H", "J", "K", "BTC/USD"]) == {"A": 1200, "B": 0, "H": 12}
    assert wire.queries() == [{"symbols": "A,B,C,D,E,F,G,H,J,K", "feed": "iex"}]


@pytest.mark.parametrize("volume", ["1e308", "-5e300", '"NaN"', "[]"])
def test_a_volume_that_is_no_number_is_none(client: Alpaca, wire: Wire, volume: str) -> None:
    wire.say(f'{{"A": {{"prevDailyBar": {{"v": {volume}}}}}}}')

    assert client.volumes(["A"]) == {}


def test_nothing_is_asked_about_no_symbols(client: Alpaca, wire: Wire) -> None:
    assert client.volumes([]) == {}
    assert wire.sent == []


@pytest.mark.parametrize(("count", "suffix"), [(1_203, ""), (1_203, ".LONGCLAS.LONGCLAS")])
def test_no_request_for_volumes_is_too_long(client: Alpaca, wire: Wire, count: int, suffix: str) -> None:
    symbols = {f"S{number:05}{suffix}" for number in range(count)}
    wire.say({})

    client.volumes(symbols)

    asked = [query["symbols"].split(",") for query in wire.queries()]
    assert sorted(symbol for part in asked for symbol in part) == sorted(symbols)
    assert max(len(part) for part in asked) <= MOST_SYMBOLS
    assert max(len(str(urlsplit(str(one.url)).query)) for one in wire.sent) <= MOST_CHARACTERS + 30


class Picky(Wire):
    """A data host that takes no more than some symbols at once, and knows ``BAD...`` for none."""

    def __init__(self, status: int, most: int = 2) -> None:
        super().__init__()
        self._status = status
        self._most = most

    def send(self, request: requests.PreparedRequest) -> requests.Response:
        self._answers.clear()
        asked = str(request.url).partition("symbols=")[2].partition("&")[0].split("%2C")
        if len(asked) > self._most or any(symbol.startswith("BAD") for symbol in asked):
            self.say({"message": "no"}, self._status)
        else:
            self.say({symbol: bar(5) for symbol in asked})
        return super().send(request)


@pytest.fixture
def picky(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Picky:
    wire = Picky(request.param)
    monkeypatch.setattr(HTTPAdapter, "send", wire.standing_in())
    return wire


@pytest.mark.parametrize("picky", [414], indirect=True)
def test_a_request_that_is_too_long_is_halved(client: Alpaca, picky: Picky) -> None:
    assert client.volumes("ABCDEFG") == dict.fromkeys("ABCDEFG", 5)


@pytest.mark.parametrize("picky", [400], indirect=True)
def test_a_symbol_that_is_refused_costs_the_others_nothing(picky: Picky) -> None:
    known = Upstream("data", "http://data.example", user_agent="tests", pace=Pace(1e6), credentials=Nobody())

    assert Alpaca(known, known).volumes(["A", "BAD", "C", "D"]) == {"A": 5, "C": 5, "D": 5}


def test_more_wrong_symbols_than_are_looked_for_cost_their_own_requests_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    picky = Picky(400, most=MOST_SYMBOLS)
    monkeypatch.setattr(HTTPAdapter, "send", picky.standing_in())
    known = Upstream("data", "http://data.example", user_agent="tests", pace=Pace(1e6), credentials=Nobody())
    good = {f"S{number}" for number in range(4 * MOST_SYMBOLS)}
    bad = {f"BAD{number}" for number in range(MOST_SYMBOLS // 2)}

    found = Alpaca(known, known).volumes(good | bad)

    assert found.items() <= dict.fromkeys(good, 5).items()
    assert len(found) >= 3 * MOST_SYMBOLS
    assert len(picky.sent) <= 2 * alpaca.MOST_REFUSALS + 10


class Nobody:
    def headers(self) -> dict[str, str]:
        return {}

    def query(self) -> dict[str, str]:
        return {}

    def renewed(self) -> bool:
        return False


def test_when_everything_is_refused_it_is_not_the_symbols(client: Alpaca, wire: Wire) -> None:
    wire.say("too long", 414)

    with pytest.raises(RequestTooLong):
        client.volumes({f"S{number}" for number in range(500)})

    assert len(wire.sent) == alpaca.MOST_REFUSALS + 1


@pytest.mark.parametrize(
    ("status", "error"), [(401, KeyRefused), (422, RequestRefused)], ids=["the key", "every single symbol"]
)
def test_a_wrong_key_ends_it_and_a_wrong_symbol_does_not(wire: Wire, status: int, error: type[Exception]) -> None:
    known = Upstream("data", "http://data.example", user_agent="tests", pace=Pace(1e6), credentials=Nobody())
    wire.say({"message": "no"}, status)

    if error is KeyRefused:
        with pytest.raises(KeyRefused):
            Alpaca(known, known).volumes(["A", "B"])
    else:
        assert Alpaca(known, known).volumes(["A", "B"]) == {}


def test_snapshots_that_are_no_object_are_garbled(client: Alpaca, wire: Wire) -> None:
    wire.say([])

    with pytest.raises(UpstreamGarbled):
        client.volumes(["A"])
