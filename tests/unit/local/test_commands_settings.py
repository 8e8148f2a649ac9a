"""What a person chooses about the upstreams, and what follows from it."""

from __future__ import annotations

import pytest

from local.declared import parameter
from local.settings import FREE_PLANS, PACED_BY_UPSTREAM, SAMPLE_SOURCES, Upstreams, WrongSetting, sample_ports, sources

PATCHWORK = "https://tracker.example"
LORE = "https://lists.example"
EXPO = "https://push.example"
ALPACA = "https://broker.example"
ALPHAVANTAGE = "https://vendor.example"
PORTS = sample_ports(5000)


@pytest.fixture(autouse=True)
def no_pace_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_PER_SECOND", "MAINTENANCE_DAYS", *FREE_PLANS):
        monkeypatch.delenv(name, raising=False)


def test_samples_serve_what_is_not_given() -> None:
    upstreams = Upstreams(sample_ports=PORTS)

    assert upstreams.need_samples
    assert upstreams.environment() == {
        "PATCHWORK_URL": "http://127.0.0.1:5001",
        "LORE_URL": "http://127.0.0.1:5002",
        "EXPO_URL": "http://127.0.0.1:5003",
        "ALPACA_URL": "http://127.0.0.1:5004",
        "ALPHAVANTAGE_URL": "http://127.0.0.1:5005",
        "PROJECTS": SAMPLE_SOURCES,
        "LISTS": SAMPLE_SOURCES,
    }


def test_real_servers_need_no_samples_and_watch_what_the_stages_say() -> None:
    upstreams = Upstreams(PATCHWORK, LORE, expo_url=EXPO, alpaca_url=ALPACA, alphavantage_url=ALPHAVANTAGE)

    assert not upstreams.need_samples
    assert upstreams.environment() == {
        "PATCHWORK_URL": PATCHWORK,
        "LORE_URL": LORE,
        "EXPO_URL": EXPO,
        "ALPACA_URL": ALPACA,
        "ALPHAVANTAGE_URL": ALPHAVANTAGE,
        "REQUESTS_PER_SECOND": PACED_BY_UPSTREAM,
        **FREE_PLANS,
    }


def test_one_real_server_leaves_the_other_to_the_samples() -> None:
    environment = Upstreams(lore_url=LORE, lists="linux-leds", sample_ports=PORTS).environment()

    assert Upstreams(lore_url=LORE).need_samples
    assert (environment["PATCHWORK_URL"], environment["PROJECTS"]) == ("http://127.0.0.1:5001", SAMPLE_SOURCES)
    assert (environment["LORE_URL"], environment["LISTS"]) == (LORE, "linux-leds")


def test_pushes_go_to_the_sample_even_when_the_facts_are_real() -> None:
    upstreams = Upstreams(PATCHWORK, LORE, sample_ports=PORTS)

    assert upstreams.need_samples
    assert upstreams.environment()["EXPO_URL"] == "http://127.0.0.1:5003"


@pytest.mark.parametrize(
    ("upstreams", "name"),
    [
        (Upstreams(alpaca_url="broker.example"), "ALPACA_URL"),
        (Upstreams(alphavantage_url="vendor.example"), "ALPHAVANTAGE_URL"),
    ],
)
def test_vendors_of_the_markets_are_asked_over_http(upstreams: Upstreams, name: str) -> None:
    with pytest.raises(WrongSetting, match=f"{name} is not an http"):
        upstreams.check()


def test_a_vendor_that_is_none_of_the_samples_is_asked_as_its_free_plan_allows() -> None:
    names = {"ALPACA_PER_MINUTE": "alpacaPerMinute", "ALPHAVANTAGE_PER_SECOND": "alphavantagePerSecond"}
    names |= {"ALPHAVANTAGE_PER_MINUTE": "alphavantagePerMinute", "ALPHAVANTAGE_PER_DAY": "alphavantagePerDay"}
    names |= {"ALPHAVANTAGE_NEWS_PER_DAY": "alphavantageNewsPerDay"}
    environment = Upstreams(alphavantage_url=ALPHAVANTAGE).environment()

    assert {name: str(parameter("dev", names[name])) for name in FREE_PLANS} == FREE_PLANS
    assert environment["ALPHAVANTAGE_PER_DAY"] == "25"
    assert "ALPACA_PER_MINUTE" not in environment
    assert not FREE_PLANS.keys() & Upstreams().environment().keys()


def test_calls_that_are_said_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHAVANTAGE_PER_DAY", "60")
    monkeypatch.setenv("ALPHAVANTAGE_PER_SECOND", "1.25")
    monkeypatch.setenv("ALPHAVANTAGE_NEWS_PER_DAY", "0")
    upstreams = Upstreams(alphavantage_url=ALPHAVANTAGE)
    upstreams.check()

    assert upstreams.environment()["ALPHAVANTAGE_PER_DAY"] == "60"
    assert Upstreams().environment()["ALPHAVANTAGE_PER_SECOND"] == "1.25"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALPHAVANTAGE_PER_DAY", "many"),
        ("ALPHAVANTAGE_PER_DAY", "0"),
        ("ALPHAVANTAGE_PER_DAY", "2.5"),
        ("ALPACA_PER_MINUTE", "-1"),
        ("ALPHAVANTAGE_PER_SECOND", "0"),
    ],
)
def test_what_is_no_number_of_calls_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(WrongSetting, match=f"{name} is not a number of calls: {value}"):
        Upstreams().check()


@pytest.mark.parametrize("upstreams", [Upstreams(patchwork_url=PATCHWORK), Upstreams(lore_url=LORE)])
def test_one_real_server_sets_the_pace(upstreams: Upstreams) -> None:
    assert upstreams.environment()["REQUESTS_PER_SECOND"] == PACED_BY_UPSTREAM


def test_a_pace_that_is_given_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_PER_SECOND", "1")

    assert Upstreams(PATCHWORK, LORE).environment()["REQUESTS_PER_SECOND"] == "1"


def test_an_empty_pace_counts_as_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """That is how make passes it on."""
    monkeypatch.setenv("REQUESTS_PER_SECOND", "")

    assert "REQUESTS_PER_SECOND" not in Upstreams().environment()


def test_sources_are_named_for_their_server() -> None:
    assert sources({"PROJECTS": "a,b", "LISTS": "a"}) == ["patchwork:a", "patchwork:b", "lore:a"]
    assert sources({"PROJECTS": "", "LISTS": ""}) == []
