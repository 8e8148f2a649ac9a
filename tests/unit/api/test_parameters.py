from typing import Any

import pytest

from api.kernel.parameters import address, among, by_message_id, patch_filter, patch_number, weeks
from api.web.problems import InvalidParameter
from watchkeeper.dynamodb import Between
from watchkeeper.errors import ItemNotFound

NOTHING: dict[str, Any] = dict.fromkeys(
    ("projects", "states", "submitter", "series_id", "message_id", "since", "until", "archived", "text")
)


def wanted(**parameters: Any) -> Any:
    return patch_filter(("linux-hwmon", "linux-leds"), **NOTHING | parameters)


def test_a_day_is_meant_as_a_whole() -> None:
    assert wanted(since="2026-07-01", until="2026-07-02").between == Between(
        "2026-07-01T00:00:00Z", "2026-07-02T23:59:59Z"
    )


def test_a_moment_is_turned_to_utc() -> None:
    assert wanted(since="2026-07-01T01:00:00+02:00").since == "2026-06-30T23:00:00Z"


def test_what_is_empty_is_not_given() -> None:
    assert wanted(since="", until="").between == weeks("", "") == Between()


def test_years_have_four_digits_however_long_ago() -> None:
    assert wanted(since="0900-01-01", until="0900-01-02").between == Between(
        "0900-01-01T00:00:00Z", "0900-01-02T23:59:59Z"
    )
    assert weeks("0001-01-01", "0500-01-01") == Between("0001-W01", "0499-W53")


@pytest.mark.parametrize("week", ["2026-W99", "2026-W00", "2025-W53", "0000-W01"])
def test_a_week_no_year_has_is_refused(week: str) -> None:
    with pytest.raises(InvalidParameter):
        weeks(week, None)


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "2026-07-01T25:00", "0001-01-01T00:00:00+14:00", "-1"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter):
        wanted(since=text)


def test_a_span_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(InvalidParameter):
        wanted(since="2026-07-02", until="2026-07-01")


def test_an_unknown_project_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(InvalidParameter, match="linux-hwmon, linux-leds"):
        among(("linux-hwmon", "linux-leds"), ["linux-hwmom"], "project")


def test_the_same_wishes_in_another_order_are_the_same_query() -> None:
    assert wanted(states=["new", "RFC"], projects=["linux-leds", "linux-hwmon"]) == wanted(states=["rfc", "new", "new"])


@pytest.mark.parametrize("given", ["<a+b@x>", " a+b@x ", "a b@x"])
def test_a_message_id_is_taken_as_people_paste_it(given: str) -> None:
    assert wanted(message_id=given).message_id == "a+b@x"


@pytest.mark.parametrize("given", ["<>", "  ", "é" * 600])
def test_an_impossible_message_id_is_refused(given: str) -> None:
    with pytest.raises(InvalidParameter):
        wanted(message_id=given)


@pytest.mark.parametrize(
    ("segment", "tried"),
    [
        ("a%40x", ["a@x"]),
        ("%3Ca%40x%3E", ["a@x"]),
        ("a%2Fb%40x", ["a/b@x"]),
        ("a%252Fb%40x", ["a/b@x", "a%2Fb@x"]),
        ("100%2525%40x", ["100%@x", "100%25@x"]),
        ("100%25%40x", ["100%@x"]),
    ],
)
def test_a_name_in_a_path_is_tried_decoded_and_as_it_came(segment: str, tried: list[str]) -> None:
    seen: list[str] = []

    def find(name: str) -> None:
        seen.append(name)
        raise ItemNotFound

    with pytest.raises(ItemNotFound):
        by_message_id(segment, find)

    assert seen == tried


@pytest.mark.parametrize(("segment", "number"), [("150", 150), ("0150", 150), ("9999999999", 9_999_999_999)])
def test_a_number_names_a_patch(segment: str, number: int) -> None:
    assert patch_number(segment) == number


@pytest.mark.parametrize("segment", ["150%40x", "-1", "1.5", "\N{ARABIC-INDIC DIGIT ONE}", "1\n", "%3C150%3E"])
def test_what_is_no_number_may_be_a_message_id(segment: str) -> None:
    assert patch_number(segment) is None


@pytest.mark.parametrize("segment", ["0", "000", "10000000000", "9" * 6000])
def test_a_number_no_patch_can_have_is_refused(segment: str) -> None:
    with pytest.raises(InvalidParameter):
        patch_number(segment)


def test_an_address_is_lower_case_and_without_brackets() -> None:
    assert address("%3CAnn%2Bkernel%40Example.COM%3E") == "ann+kernel@example.com"


def test_weeks_are_given_as_weeks_or_as_days_in_them() -> None:
    assert weeks("2026-W20", "2026-07-10") == Between("2026-W20", "2026-W28")
