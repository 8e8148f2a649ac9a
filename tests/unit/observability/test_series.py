"""A series is named by its metric and its dimensions, in one text."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given

from tests.unit.observability.samples import EVERY_SERIES
from watchkeeper.observability import ids
from watchkeeper.observability.refusals import Refused
from watchkeeper.observability.series import Series, is_unit


def test_a_series_text_has_the_dimensions_in_the_order_of_their_names() -> None:
    assert Series.named("runs", {}).text == "runs"
    assert Series.named("runs", {"source": "lore", "mode": "daily"}).text == "runs{mode=daily,source=lore}"


@given(EVERY_SERIES)
def test_a_text_stands_for_one_series(series: Series) -> None:
    assert Series.named(series.name, series.dimensions) == series
    assert Series.parse(series.text) == series
    assert Series.parse(ids.own(ids.metric(series))) == series


@pytest.mark.parametrize("name", ["", "1run", "a b", "a{b", "a" * 65, "rün", "runs\n"])
def test_a_metrics_name_is_made_of_what_cannot_be_mistaken(name: str) -> None:
    with pytest.raises(Refused, match="a metric's name begins with a letter"):
        Series.named(name, {})


@pytest.mark.parametrize("key", ["", "1a", "a-b", "a" * 33, "a="])
def test_so_is_a_dimensions_name(key: str) -> None:
    with pytest.raises(Refused, match="a dimension's name begins with a letter"):
        Series.named("runs", {key: "x"})


@pytest.mark.parametrize("value", ["", "-a", "a,b", "a}", "a=b", "a" * 65, "a b"])
def test_and_its_value(value: str) -> None:
    with pytest.raises(Refused, match="the dimension source begins with a letter or digit"):
        Series.named("runs", {"source": value})


def test_a_series_has_five_dimensions_at_most() -> None:
    assert len(Series.named("runs", {f"d{n}": "x" for n in range(5)}).dimensions) == 5
    with pytest.raises(Refused, match="at most 5 dimensions"):
        Series.named("runs", {f"d{n}": "x" for n in range(6)})


@pytest.mark.parametrize(
    ("unit", "known"),
    [("Count", True), ("Bytes/Second", True), ("%", True), ("", False), ("ms ", False), ("m" * 33, False)],
)
def test_a_unit_is_written_as_cloudwatchs_are(unit: str, known: bool) -> None:
    assert is_unit(unit) is known


NIGHT = datetime(2026, 11, 20, 22, 5, 12, tzinfo=timezone(timedelta(hours=1)))


def test_ids_follow_from_what_they_are_of() -> None:
    series = Series.named("runs", {"source": "lore"})

    assert re.fullmatch("[0-9a-f]{12}", ids.rule_by("command"))
    assert ids.rule_by("command") == ids.rule_by("command") != ids.rule_by("another")
    assert re.fullmatch(r"0123456789ab\.[0-9a-f]{12}", ids.alert_of("0123456789ab", series))
    assert ids.alert_of("0123456789ab", series) != ids.alert_of("0123456789ab", Series("runs", {}))
    assert re.fullmatch("20261120T210512Z-[0-9a-f]{8}", ids.security_event_by("command", NIGHT))
    assert ids.security_event_of_hour("sign-in-failed", NIGHT.astimezone(UTC)) == "20261120T21-sign-in-failed"


def test_aggregates_are_called_by_their_type_and_their_own_id() -> None:
    series = Series.named("runs", {"path": "a:b"})

    assert ids.metric(series) == "metric:runs{path=a:b}"
    assert ids.alert_rule("r") == "alert-rule:r"
    assert ids.alert("r.s") == "alert:r.s"
    assert ids.security_event("e") == "security-event:e"
    assert ids.system_health("upstream/lore") == "system-health:upstream/lore"
    assert ids.own(ids.metric(series)) == "runs{path=a:b}"
