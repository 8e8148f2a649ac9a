"""The list of assets: accepted or refused as a whole, and unreadable rows do not become inactive."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import Implausible, UpstreamUnavailable
from ingest.markets.alpaca import parse_asset
from ingest.markets.use_cases.sync_assets import AssetSync
from tests.unit.ingest.markets.fakes import NOW, FakeAlpaca, FakeAssets, FakeClock, FakeProgress, Steps, reading_of
from watchkeeper.errors import NoAnswer
from watchkeeper.markets.models import ACTIVE, INACTIVE, Asset
from watchkeeper.progress import LIVE, Run, Source

SOURCE = "alpaca:assets"


def row(symbol: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"id-{symbol}", "class": "us_equity", "exchange": "NASDAQ", "symbol": symbol, "name": f"{symbol} Inc.",
        "status": "active", "tradable": True, "marginable": True, "margin_requirement_long": "30", "attributes": [],
        **fields,
    }  # fmt: skip


def rows(symbols: Iterable[str]) -> list[object]:
    return [row(symbol) for symbol in symbols]


class Watch:
    def __init__(self) -> None:
        self.alpaca = FakeAlpaca()
        self.assets = FakeAssets()
        self.progress = FakeProgress()
        self.clock = FakeClock()

    def sync(self, *told: object, believe: bool = False) -> Source:
        """The next day."""
        self.alpaca.rows = list(told)
        self.assets.written.clear()
        self.clock.now += timedelta(days=1)
        reading = reading_of(self.progress, SOURCE, self.clock)
        AssetSync(self.alpaca, self.assets, self.clock).read(reading, believe=believe)
        return self.source

    @property
    def source(self) -> Source:
        return self.progress.source(SOURCE)

    @property
    def run(self) -> Run:
        assert self.source.run
        return self.source.run

    @property
    def active(self) -> set[str]:
        return {symbol for symbol, asset in self.assets.items.items() if asset.status == ACTIVE}


@pytest.fixture
def watch() -> Watch:
    return Watch()


def test_what_is_new_is_stored_with_its_volume(watch: Watch) -> None:
    watch.alpaca.traded = {"A": 500}
    watch.sync(*rows("AB"))

    assert watch.assets.items == {
        "A": replace(parse_asset(row("A")), volume=500),
        "B": replace(parse_asset(row("B")), volume=0),
    }
    assert watch.source.phase == LIVE
    assert watch.source.last_success == watch.clock.now
    assert (watch.run.fetched, watch.run.stored, watch.run.unchanged, watch.run.refused) == (2, 2, 0, 0)


def test_the_same_list_again_writes_nothing(watch: Watch) -> None:
    watch.sync(*rows("ABC"))
    watch.sync(*rows("CBA"))

    assert not watch.assets.written
    assert (watch.run.fetched, watch.run.stored, watch.run.unchanged) == (3, 0, 3)


def test_only_what_changed_is_written_and_the_pollenation_stays(watch: Watch) -> None:
    watch.sync(*rows("ABC"))
    watch.assets.items["B"] = replace(watch.assets.items["B"], last_pollenated=NOW, no_data=True)
    watch.sync(row("A"), row("B", name="Bee", attributes=["new_one"], exchange="UNHEARD"), row("C"))

    assert set(watch.assets.written) == {"B"}
    bee = watch.assets.items["B"]
    assert (bee.name, bee.exchange, bee.attributes) == ("Bee", "UNHEARD", ("new_one",))
    assert (bee.last_pollenated, bee.no_data) == (NOW, True)


class TestVanished:
    def test_who_is_gone_becomes_inactive_once(self, watch: Watch) -> None:
        watch.sync(*rows("ABCDE"))
        watch.sync(*rows("ABCD"))
        vanished = watch.clock.now

        assert watch.active == set("ABCD")
        assert watch.assets.items["E"].vanished_at == vanished
        watch.sync(*rows("ABCD"))
        assert watch.assets.items["E"].vanished_at == vanished
        assert not watch.assets.written

    def test_who_comes_back_is_active_again(self, watch: Watch) -> None:
        watch.sync(*rows("ABCDE"))
        watch.sync(*rows("ABCD"))
        watch.sync(*rows("ABCDE"))

        assert watch.assets.items["E"] == parse_asset(row("E"))

    @pytest.mark.parametrize(
        "unreadable",
        [row("E", tradable="perhaps"), row("E", id=None), row("E", status=None), row("not a symbol", id="id-E")],
        ids=["flag", "id", "status", "symbol"],
    )
    def test_who_cannot_be_read_is_not_gone(self, watch: Watch, unreadable: object) -> None:
        watch.sync(*rows("ABCDE"))
        before = watch.assets.items["E"]
        watch.sync(*rows("ABCD"), unreadable)

        assert watch.assets.items["E"] == before
        assert watch.run.refused == 1
        assert len(watch.source.refusals) == 1

    def test_a_symbol_that_stands_there_twice_is_taken_once(self, watch: Watch) -> None:
        watch.sync(row("A", name="first"), row("A", name="second"))

        assert watch.assets.items["A"].name == "first"
        assert watch.run.reasons == {"the symbol is listed twice": 1}


class TestBelieved:
    @given(before=st.integers(1, 60), now=st.integers(0, 60))
    def test_a_list_has_at_least_four_fifths_of_the_last(self, before: int, now: int) -> None:
        watch = Watch()
        watch.sync(*rows(f"S{number}" for number in range(before)))
        stored = dict(watch.assets.items)
        told = rows(f"S{number}" for number in range(now))
        if now >= 0.8 * before:
            watch.sync(*told)
            assert watch.active == {f"S{number}" for number in range(now)}
        else:
            with pytest.raises(Implausible):
                watch.sync(*told)
            assert watch.assets.items == stored
            assert not watch.assets.written

    def test_it_is_the_readable_rows_that_count(self, watch: Watch) -> None:
        watch.sync(*rows("ABCDE"))

        with pytest.raises(Implausible):
            watch.sync(*rows("ABC"), row("D", status=None), row("E", status=None))
        assert watch.active == set("ABCDE")

    def test_a_refused_list_is_not_what_the_next_is_held_against(self, watch: Watch) -> None:
        watch.sync(*rows("ABCDE"))
        for _ in range(3):
            with pytest.raises(Implausible):
                watch.sync(*rows("ABC"))
        assert watch.source.cursor == {"listed": 5}

    def test_an_operator_may_believe_a_short_list(self, watch: Watch) -> None:
        watch.sync(*rows("ABCDE"))
        watch.sync(*rows("A"), believe=True)

        assert watch.active == {"A"}
        watch.sync(*rows("A"))

    def test_nobody_believes_that_nothing_is_traded(self, watch: Watch) -> None:
        with pytest.raises(Implausible):
            watch.sync()
        watch.sync(*rows("A"))
        with pytest.raises(Implausible):
            watch.sync(believe=True)


class TestVolumes:
    def test_who_has_none_today_keeps_yesterdays(self, watch: Watch) -> None:
        watch.alpaca.traded = {"A": 500, "B": 7}
        watch.sync(*rows("AB"))
        watch.alpaca.traded = {"A": 600}
        watch.sync(*rows("AB"))

        assert {symbol: one.volume for symbol, one in watch.assets.items.items()} == {"A": 600, "B": 7}

    def test_without_volumes_the_list_is_as_good_and_it_is_said(self, watch: Watch) -> None:
        watch.alpaca.traded = {"A": 500}
        watch.sync(*rows("A"))
        watch.alpaca.traded = UpstreamUnavailable("the data host is down")
        clock = watch.clock

        def ticking() -> datetime:
            clock.sleep(1)
            return clock.now

        reading = reading_of(watch.progress, SOURCE, ticking)
        watch.alpaca.rows = rows("AB")
        AssetSync(watch.alpaca, watch.assets, clock).read(reading)

        assert watch.active == {"A", "B"}
        assert watch.assets.items["A"].volume == 500
        assert ["the data host is down" in gap.reason for gap in watch.source.gaps] == [True]
        watch.alpaca.traded = {}
        assert watch.sync(*rows("AB")).gaps == ()


class TestSymbolOfAnother:
    def test_its_pollenation_is_forgotten(self, watch: Watch) -> None:
        watch.sync(*rows("AB"))
        for name in "AB":
            watch.assets.items[name] = replace(watch.assets.items[name], last_pollenated=NOW, no_data=True)
        watch.sync(row("A", id="another", name="New Co"), row("B"))

        assert watch.assets.items["A"] == parse_asset(row("A", id="another", name="New Co"))
        assert watch.assets.items["B"].last_pollenated == NOW

    @pytest.mark.parametrize("fatal", [0, 1])
    @pytest.mark.parametrize("after", [False, True])
    def test_it_is_forgotten_whatever_ends_the_work(self, watch: Watch, fatal: int, after: bool) -> None:
        watch.sync(*rows("A"))
        watch.assets.items["A"] = replace(watch.assets.items["A"], last_pollenated=NOW)
        watch.assets.steps = Steps(fatal=fatal, error=NoAnswer, after=after)
        with pytest.raises(NoAnswer):
            watch.sync(row("A", id="another"))
        watch.assets.steps = Steps()
        watch.sync(row("A", id="another"))

        assert watch.assets.items["A"] == parse_asset(row("A", id="another"))


@given(st.data())
def test_whatever_ends_a_sync_the_next_ends_as_if_nothing_had(data: st.DataObject) -> None:
    watch, fresh = Watch(), Watch()
    first, second = rows("ABCDEFGHIJ"), [row("A", name="new"), *rows("BCDEFGHI"), row("K"), row("L")]
    watch.sync(*first)
    fresh.sync(*first)
    watch.assets.steps = Steps(fatal=data.draw(st.integers(0, 2)), error=NoAnswer, after=data.draw(st.booleans()))
    with pytest.raises(NoAnswer):
        watch.sync(*second)
    watch.assets.steps = Steps()
    watch.sync(*second)
    fresh.sync(*second)

    assert _undated(watch.assets.items) == _undated(fresh.assets.items)
    assert watch.assets.items["J"].status == INACTIVE


def _undated(items: dict[str, Asset]) -> dict[str, Asset]:
    return {symbol: replace(one, vanished_at=None) for symbol, one in items.items()}
