"""Assets in their table, and in the order of its indexes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.tables import definitions, table_name
from watchkeeper import aws
from watchkeeper.dynamodb import Table
from watchkeeper.errors import ItemNotFound
from watchkeeper.markets.models import ACTIVE, INACTIVE, Asset
from watchkeeper.markets.repositories.assets import PRIORITY_INDEX, AssetRepository

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ASSET = Asset("AAPL", "id-AAPL", "Apple Inc.", ACTIVE, "NASDAQ", "us_equity", tradable=True, volume=1000)
MOMENTS = st.integers(946_684_800, 2_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
MARGINS = st.none() | st.decimals(0, 200, places=4)


@pytest.fixture
def table(tables: None) -> Table:
    return Table(aws.dynamodb_client(), table_name("assets"))


@pytest.fixture
def assets(table: Table) -> AssetRepository:
    return AssetRepository(table)


def many(count: int, **fields: Any) -> list[Asset]:
    return [replace(ASSET, symbol=f"S{number:03}", volume=number % 7, **fields) for number in range(count)]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asset=st.builds(
        Asset,
        symbol=st.just("AAPL"),
        id=st.text("abc-1", min_size=1, max_size=36),
        name=st.text(max_size=20),
        status=st.sampled_from([ACTIVE, INACTIVE, "suspended"]),
        exchange=st.text(max_size=8),
        asset_class=st.text(max_size=8),
        tradable=st.booleans(),
        marginable=st.booleans(),
        shortable=st.booleans(),
        fractionable=st.booleans(),
        borrow_status=st.none() | st.sampled_from(["easy_to_borrow", "unheard_of"]),
        margin_requirement_long=MARGINS,
        margin_requirement_short=MARGINS,
        attributes=st.lists(st.text("ab_", min_size=1, max_size=9), max_size=3).map(tuple),
        vanished_at=st.none() | MOMENTS,
        volume=st.integers(0, 10**12),
        last_pollenated=st.none() | MOMENTS,
        no_data=st.booleans(),
    )
)
def test_an_asset_is_read_as_it_was_written(assets: AssetRepository, asset: Asset) -> None:
    assets.add([asset])

    read = assets.get("AAPL", consistent=True)
    assert read == asset
    assert str(read.margin_requirement_long) == str(asset.margin_requirement_long), "its scale, too"
    assert list(assets.all()) == [asset]


def test_who_is_not_there_is_not_found(assets: AssetRepository) -> None:
    assets.add([ASSET])

    with pytest.raises(ItemNotFound, match="MSFT"):
        assets.get("MSFT")
    assert assets.get_many(["MSFT", "AAPL", "AAPL"]) == {"AAPL": ASSET}


def test_all_assets_are_read_in_pages(assets: AssetRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = many(60)
    assets.add(wanted)
    client = aws.dynamodb_client()
    scan, pages = client.scan, []

    def in_small_pages(**request: Any) -> Any:
        pages.append(request)
        return scan(**request, Limit=25)

    monkeypatch.setattr(client, "scan", in_small_pages)

    assert sorted(assets.all(), key=lambda asset: asset.symbol) == wanted
    assert len(pages) == 3


class TestChanging:
    def test_what_is_listed_changes_and_the_last_pollenation_stays(self, assets: AssetRepository) -> None:
        assets.add([replace(ASSET, last_pollenated=NOON, no_data=True)])
        assets.change(replace(ASSET, name="Apple", status=INACTIVE, vanished_at=NOON, volume=5, last_pollenated=None))

        assert assets.get("AAPL") == replace(
            ASSET, name="Apple", status=INACTIVE, vanished_at=NOON, volume=5, last_pollenated=NOON, no_data=True
        )

    def test_a_symbol_of_another_company_was_never_asked_about(self, assets: AssetRepository) -> None:
        assets.add([replace(ASSET, last_pollenated=NOON, no_data=True)])
        assets.forget_pollenation("AAPL")

        assert assets.get("AAPL") == ASSET
        assert [asset for _, asset in assets.stalest(ACTIVE)] == [ASSET]

    def test_a_pollenation_is_noted_with_what_came_of_it(self, assets: AssetRepository) -> None:
        assets.add([ASSET])
        assets.pollenated("AAPL", NOON, no_data=True)
        assert assets.get("AAPL") == replace(ASSET, last_pollenated=NOON, no_data=True)

        assets.pollenated("AAPL", NOON + timedelta(days=1), no_data=False)
        assert assets.get("AAPL") == replace(ASSET, last_pollenated=NOON + timedelta(days=1))

    @pytest.mark.parametrize("earlier", [timedelta(0), timedelta(seconds=1), timedelta(days=9)])
    def test_a_pollenation_never_goes_back(self, assets: AssetRepository, earlier: timedelta) -> None:
        assets.add([replace(ASSET, last_pollenated=NOON)])
        assets.pollenated("AAPL", NOON - earlier, no_data=True)

        assert assets.get("AAPL") == replace(ASSET, last_pollenated=NOON)

    def test_an_asset_that_is_not_there_does_not_come_to_be_by_a_pollenation(self, assets: AssetRepository) -> None:
        assets.pollenated("AAPL", NOON, no_data=False)

        assert list(assets.all()) == []


def test_the_index_of_volumes_is_not_written_by_a_pollenation() -> None:
    [table] = [one for one in definitions() if one["TableName"] == table_name("assets")]
    [index] = [one for one in table["GlobalSecondaryIndexes"] if one["IndexName"] == PRIORITY_INDEX]

    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


class TestMostTraded:
    def test_they_come_whole_by_falling_volume_and_of_one_status(self, assets: AssetRepository) -> None:
        wanted = [replace(one, attributes=("ipo",), last_pollenated=NOON) for one in many(20)]
        assets.add([*wanted, replace(ASSET, symbol="GONE", status=INACTIVE)])

        found = [asset for _, asset in assets.most_traded(ACTIVE, page_size=6)]

        assert [asset.volume for asset in found] == sorted((asset.volume for asset in wanted), reverse=True)
        assert {asset.symbol: asset for asset in found} == {asset.symbol: asset for asset in wanted}

    def test_they_go_on_after_any_of_them(self, assets: AssetRepository) -> None:
        assets.add(many(15))
        found = list(assets.most_traded(ACTIVE, page_size=4))

        for number, (place, _) in enumerate(found):
            assert [asset for _, asset in assets.most_traded(ACTIVE, start=place, page_size=4)] == [
                asset for _, asset in found[number + 1 :]
            ]

    def test_none_is_read_before_it_is_asked_for(self, assets: AssetRepository) -> None:
        assets.add(many(10))
        rows: Iterator[Any] = assets.most_traded(ACTIVE, page_size=2)

        assert next(rows)[1].volume == 6


class TestStalest:
    @pytest.fixture(autouse=True)
    def four(self, assets: AssetRepository) -> None:
        days = {"NEW": None, "OLD": 90, "MID": 30, "NOW": 0}
        dates = {name: None if age is None else NOON - timedelta(days=age) for name, age in days.items()}
        assets.add(replace(ASSET, symbol=name, last_pollenated=date) for name, date in dates.items())
        assets.add([replace(ASSET, symbol="GONE", status=INACTIVE)])

    def test_who_never_was_asked_about_comes_first(self, assets: AssetRepository) -> None:
        assert [asset.symbol for _, asset in assets.stalest(ACTIVE, page_size=1)] == ["NEW", "OLD", "MID", "NOW"]
        assert [asset.symbol for _, asset in assets.stalest(INACTIVE)] == ["GONE"]

    def test_they_end_with_a_date(self, assets: AssetRepository) -> None:
        until = NOON - timedelta(days=30)

        assert [asset.symbol for _, asset in assets.stalest(ACTIVE, until=until)] == ["NEW", "OLD", "MID"]

    def test_they_go_on_after_any_of_them(self, assets: AssetRepository) -> None:
        found = list(assets.stalest(ACTIVE))

        for number, (place, _) in enumerate(found):
            rest = [asset.symbol for _, asset in assets.stalest(ACTIVE, start=place, page_size=1)]
            assert rest == [asset.symbol for _, asset in found[number + 1 :]]


def test_a_margin_is_no_number_of_the_table_but_a_text(assets: AssetRepository, table: Table) -> None:
    assets.add([replace(ASSET, margin_requirement_long=Decimal("30.00"))])

    item = table.get({"symbol": "AAPL"})
    assert item is not None
    assert '"margin_requirement_long":"30.00"' in str(item["record"])
