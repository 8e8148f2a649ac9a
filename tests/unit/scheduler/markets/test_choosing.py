"""Which assets are chosen, when there is room for so many."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.markets.choosing import choose_regular, choose_reported, to_process
from scheduler.markets.scoring import score
from tests.unit.scheduler.markets.things import NOW, asset, report
from watchkeeper.markets.models import INACTIVE, Asset, Earnings


def reported(reports: list[Earnings], assets: list[Asset], room: int = 100, now: datetime = NOW) -> list[str]:
    choice = choose_reported(to_process(reports), {one.symbol: one for one in assets}, now, room)
    return [need.symbol for need in choice.needs]


class TestReported:
    @pytest.mark.parametrize("days", [0, 1, 2, 14])
    def test_a_company_nobody_asked_about_is_chosen(self, days: int) -> None:
        assert reported([report(days=days)], [asset()]) == ["AAPL"]

    @pytest.mark.parametrize("days", [0.3, 1, 40])
    def test_one_asked_about_on_a_day_before_is_asked_about_again(self, days: float) -> None:
        """0.3 days before is the evening before: the report was out, its figures were not, or not all."""
        assert reported([report(days=1)], [asset(days=days)]) == ["AAPL"]

    @pytest.mark.parametrize("hours", [0, 1, 5.9])
    def test_one_asked_about_today_is_not_asked_about_again_today(self, hours: float) -> None:
        assert reported([report(days=1)], [asset(days=hours / 24)]) == []

    @pytest.mark.parametrize("field", ["processed_at", "withdrawn_at"])
    def test_what_is_processed_or_withdrawn_is_no_reason(self, field: str) -> None:
        assert reported([replace(report(), **{field: NOW})], [asset()]) == []  # type: ignore[arg-type]

    def test_a_company_that_is_not_tracked_is_left_out_without_being_counted(self) -> None:
        choice = choose_reported(
            to_process([report("GONE"), report("OLD")]), {"OLD": asset("OLD", status=INACTIVE)}, NOW, 5
        )

        assert (choice.needs, choice.left_out) == ((), 0)

    def test_those_of_the_last_day_come_first_then_the_most_traded(self) -> None:
        days = {"OLDBIG": 5, "TODAY": 0, "YESTER": 1, "YESTERBIG": 1, "OLD": 9, "ALIKE": 9}
        volumes = {"OLDBIG": 10**9, "TODAY": 10**8, "YESTER": 5, "YESTERBIG": 50, "OLD": 5, "ALIKE": 5}
        reports = [report(symbol, days=number) for symbol, number in days.items()]

        chosen = reported(reports, [asset(symbol, volume) for symbol, volume in volumes.items()])

        assert chosen == ["YESTERBIG", "YESTER", "TODAY", "OLDBIG", "ALIKE", "OLD"]

    def test_a_company_with_two_reports_is_asked_about_once_as_for_the_newer(self) -> None:
        assert reported(
            [report("B", days=1), report("B", days=9), report("A", days=1)], [asset("A", 1), asset("B", 2)]
        ) == [
            "B",
            "A",
        ]

    @given(st.integers(-3, 12), st.integers(0, 10))
    def test_what_there_is_no_room_for_is_counted(self, room: int, companies: int) -> None:
        symbols = [f"S{number}" for number in range(companies)]
        choice = choose_reported(
            to_process(map(report, symbols)), {symbol: asset(symbol) for symbol in symbols}, NOW, room
        )

        assert len(choice.needs) == min(max(room, 0), companies)
        assert len(choice.needs) + choice.left_out == companies


ASSETS = st.lists(
    st.builds(
        asset,
        st.text("ABC", min_size=1, max_size=3),
        st.integers(0, 10**6),
        st.one_of(st.none(), st.floats(0, 100)),
        no_data=st.booleans(),
        status=st.sampled_from(["active", "inactive"]),
    ),
    max_size=12,
    unique_by=lambda one: one.symbol,
)


class TestRegular:
    @given(ASSETS, st.integers(-2, 14), st.randoms())
    def test_the_highest_scores_are_chosen_whatever_order_the_assets_come_in(
        self, assets: list[Asset], room: int, random: Any
    ) -> None:
        choice = choose_regular(assets, NOW, room)
        shuffled = list(assets)
        random.shuffle(shuffled)
        worth = {one.symbol: score(one, NOW) for one in assets if one.status == "active" and score(one, NOW)}
        ordered = sorted(worth, key=lambda symbol: (-worth[symbol], symbol))

        assert [need.symbol for need in choice.needs] == ordered[: max(room, 0)]
        assert len(choice.needs) + choice.left_out == len(worth)
        assert choose_regular(shuffled, NOW, room) == choice

    def test_each_says_its_score(self) -> None:
        [need] = choose_regular([asset(volume=999, days=10)], NOW, 1).needs

        assert (need.reason, need.score) == ("regular", "40.00")

    def test_assets_are_looked_at_one_after_the_other_and_not_kept(self) -> None:
        alive = 0
        most = 0

        class Counting(list[Asset]):
            def __del__(self) -> None:
                nonlocal alive
                alive -= 1

        def stream() -> Any:
            nonlocal alive, most
            for number in range(2000):
                alive += 1
                most = max(most, alive)
                page = Counting([asset(f"S{number}", number)])
                yield page[0]
                del page

        assert choose_regular(stream(), NOW, 3).left_out == 1997
        assert most < 10

    def test_what_was_left_out_comes_first_when_the_others_were_asked_about(self) -> None:
        assets = [asset(symbol, volume, days=50) for symbol, volume in (("BIG", 10**9), ("MID", 10**6), ("LOW", 10))]
        first = choose_regular(assets, NOW, 1).needs
        later = NOW + timedelta(days=1)
        rest = [one if one.symbol != "BIG" else asset("BIG", 10**9, days=0) for one in assets]

        assert [need.symbol for need in first] == ["BIG"]
        assert [need.symbol for need in choose_regular(rest, later, 1).needs] == ["MID"]
