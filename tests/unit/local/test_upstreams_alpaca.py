"""The Alpaca-like brokerage against what is known of the real one."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from local.upstreams.http import Answer
from tests.unit.local.market_clients import KEYS, Vendors

EQUITIES = {"status": "active", "asset_class": "us_equity"}


def told(answer: Answer) -> tuple[int, Any]:
    return answer.status, json.loads(answer.whole())


class TestAssets:
    def test_a_row_has_the_vendors_fields_and_types(self, vendors: Vendors) -> None:
        row = next(row for row in vendors.assets(**EQUITIES) if row["symbol"] == "BRAV.B")

        assert (row["class"], row["exchange"], row["status"], row["tradable"]) == ("us_equity", "NYSE", "active", True)
        assert (row["maintenance_margin_requirement"], row["margin_requirement_long"]) == (30, "30")
        assert row["borrow_status"] == "easy_to_borrow"

    def test_without_a_class_others_come_too(self, vendors: Vendors) -> None:
        assert {row["class"] for row in vendors.assets(status="active")} == {"us_equity", "crypto", "crypto_perp"}
        assert {row["class"] for row in vendors.assets(**EQUITIES)} == {"us_equity"}

    def test_the_list_has_what_nobody_documents(self, vendors: Vendors) -> None:
        rows = vendors.assets()

        assert {"NASDAQ", "NYSE", "ARCA", "OTC", "ASCX", "QUANTEX", ""} <= {row["exchange"] for row in rows}
        assert {row["status"] for row in rows} == {"active", "inactive", "suspended"}
        assert any(row["status"] == "active" and not row["tradable"] for row in rows)
        assert len({frozenset(row) for row in rows}) > 2

    def test_it_can_be_asked_for_an_exchange_and_for_attributes(self, vendors: Vendors) -> None:
        assert {row["exchange"] for row in vendors.assets(exchange="ARCA")} == {"ARCA"}
        assert all("has_options" in row["attributes"] for row in vendors.assets(attributes="has_options,ipo"))

    def test_it_is_packed_for_who_accepts_that(self, vendors: Vendors) -> None:
        answer = vendors.alpaca("/v2/assets", KEYS | {"accept-encoding": "gzip, deflate"})

        assert answer.headers["Content-Encoding"] == "gzip"
        assert json.loads(gzip.decompress(answer.whole())) == vendors.assets()

    def test_one_is_found_by_symbol_and_by_id(self, vendors: Vendors) -> None:
        _, row = told(vendors.alpaca("/v2/assets/QUIL"))

        assert told(vendors.alpaca(f"/v2/assets/{row['id']}")) == (200, row)

    def test_an_unknown_one_is_not_found(self, vendors: Vendors) -> None:
        status, body = told(vendors.alpaca("/v2/assets/NOPE"))

        assert (status, body["code"]) == (404, 40410000)


class TestChanges:
    def test_one_vanishes_and_comes_back_with_another_id(self, vendors: Vendors) -> None:
        before = vendors.assets()
        vendors.markets.vanish("QUIL")
        assert [row for row in before if row not in vendors.assets()] == [before[0]]
        assert vendors.alpaca("/v2/assets/QUIL").status == 404
        assert vendors.snapshots("QUIL") == {}

        vendors.markets.come_back("QUIL", id="another")

        assert vendors.assets() == [before[0] | {"id": "another"}, *before[1:]]

    def test_fields_change(self, vendors: Vendors) -> None:
        vendors.markets.alter_asset("QUIL", status="inactive", name="Gone")

        assert "QUIL" not in {row["symbol"] for row in vendors.assets(**EQUITIES)}
        assert vendors.assets(status="inactive")[0]["name"] == "Gone"

    def test_the_list_can_break_off(self, vendors: Vendors) -> None:
        whole = vendors.assets()
        vendors.markets.truncate_assets(50)
        assert vendors.assets() == whole[:30]

        vendors.markets.truncate_assets(100)
        assert vendors.assets() == whole

    def test_volumes_are_set_and_taken_away(self, vendors: Vendors) -> None:
        vendors.markets.set_volume("QUIL", 123)
        vendors.markets.set_volume("ZEPH", None)
        found = vendors.snapshots("QUIL,ZEPH")

        assert (found["QUIL"]["prevDailyBar"]["v"], found["ZEPH"]) == (123, None)


class TestSnapshots:
    def test_they_have_bars_of_two_days(self, vendors: Vendors) -> None:
        found = vendors.snapshots("QUIL")["QUIL"]

        assert set(found) == {"latestTrade", "latestQuote", "minuteBar", "dailyBar", "prevDailyBar"}
        assert set(found["prevDailyBar"]) == {"t", "o", "h", "l", "c", "v", "n", "vw"}
        assert found["prevDailyBar"]["t"] == "2026-11-19T04:00:00Z"

    def test_unknown_ones_are_absent_and_those_without_trades_null(self, vendors: Vendors) -> None:
        assert vendors.snapshots("NOPE,MORQF,QZC/USD") == {"MORQF": None}
        assert vendors.snapshots("NOPE") == {}

    @pytest.mark.parametrize(
        ("query", "status", "said"),
        [
            ({"feed": "sip"}, 403, "subscription does not permit querying recent SIP data"),
            ({"feed": "radio"}, 400, "invalid feed: radio"),
            ({"symbols": ""}, 400, "symbols is required"),
        ],
    )
    def test_what_is_refused(self, vendors: Vendors, query: dict[str, str], status: int, said: str) -> None:
        answer = vendors.alpaca("/v2/stocks/snapshots", **({"symbols": "QUIL"} | query))

        assert told(answer) == (status, {"message": said})

    def test_too_many_symbols_are_a_text_and_no_json(self, vendors: Vendors) -> None:
        answer = vendors.alpaca("/v2/stocks/snapshots", symbols=",".join(["ABCDE"] * 1200))

        assert (answer.status, answer.whole()) == (414, b"Request-URI Too Large")


class TestKeysAndLimits:
    @pytest.mark.parametrize("keys", [{}, KEYS | {"apca-api-secret-key": "of the other environment"}])
    def test_wrong_keys_are_told_differently_by_the_two_hosts(self, vendors: Vendors, keys: dict[str, str]) -> None:
        trading = vendors.alpaca("/v2/assets", keys)
        data = vendors.alpaca("/v2/stocks/snapshots", keys, symbols="QUIL")

        assert told(trading) == (401, {"code": 40110000, "message": "request is not authorized"})
        assert told(data) == (403, {"message": "forbidden."})

    def test_keys_can_be_changed(self, vendors: Vendors) -> None:
        vendors.markets.set_keys(secret_key="fresh")

        assert vendors.alpaca("/v2/assets").status == 401
        assert vendors.alpaca("/v2/assets", KEYS | {"apca-api-secret-key": "fresh"}).status == 200

    def test_nothing_is_limited_unless_told(self, vendors: Vendors) -> None:
        assert {vendors.alpaca("/v2/assets/QUIL").status for _ in range(300)} == {200}

    def test_a_limit_ends_with_its_minute(self, vendors: Vendors) -> None:
        vendors.markets.trouble.limit_alpaca(2)
        answers = [vendors.alpaca("/v2/assets/QUIL") for _ in range(3)]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
        assert told(answers[2]) == (429, {"code": 42910000, "message": "rate limit exceeded"})
        assert told(vendors.alpaca("/v2/stocks/snapshots", symbols="QUIL")) == (429, {"message": "too many requests."})
        reset = int(answers[2].headers["X-RateLimit-Reset"])

        vendors.wait(seconds=reset - vendors.now.timestamp())

        assert vendors.alpaca("/v2/assets/QUIL").status == 200


class TestDrift:
    @pytest.mark.parametrize(
        ("path", "value", "at"),
        [
            ("*.new_field", 1, 0),
            ("0.class", "us_dream", 0),
            ("0", "no row", 0),
            ("+", None, -1),
            ("*.fractionable", 0, 5),
        ],
    )
    def test_any_part_of_the_list_can_change(self, vendors: Vendors, path: str, value: Any, at: int) -> None:
        before = vendors.assets()
        vendors.markets.trouble.alter("assets", path, value)
        row = vendors.assets()[at]

        name = path.rpartition(".")[2]
        assert row == (before[at] | {name: value} if "." in path else value)

    def test_a_path_that_leads_nowhere_changes_nothing(self, vendors: Vendors) -> None:
        before = vendors.assets()
        for path in ("900.name", "900", "0.nothing.there"):
            vendors.markets.trouble.alter("assets", path, 1)

        assert vendors.assets() == before
