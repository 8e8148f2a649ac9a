"""What a person chooses about the upstreams, and what follows from it."""

from __future__ import annotations

import pytest

from local.settings import PACED_BY_UPSTREAM, SAMPLE_SOURCES, Upstreams, sources

PATCHWORK = "https://tracker.example"
LORE = "https://lists.example"
EXPO = "https://push.example"


@pytest.fixture(autouse=True)
def no_pace_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_PER_SECOND", raising=False)


def test_samples_serve_what_is_not_given() -> None:
    upstreams = Upstreams(sample_ports=(5001, 5002, 5003))

    assert upstreams.need_samples
    assert upstreams.environment() == {
        "PATCHWORK_URL": "http://127.0.0.1:5001",
        "LORE_URL": "http://127.0.0.1:5002",
        "EXPO_URL": "http://127.0.0.1:5003",
        "PROJECTS": SAMPLE_SOURCES,
        "LISTS": SAMPLE_SOURCES,
    }


def test_real_servers_need_no_samples_and_watch_what_the_stages_say() -> None:
    upstreams = Upstreams(PATCHWORK, LORE, expo_url=EXPO)

    assert not upstreams.need_samples
    assert upstreams.environment() == {
        "PATCHWORK_URL": PATCHWORK,
        "LORE_URL": LORE,
        "EXPO_URL": EXPO,
        "REQUESTS_PER_SECOND": PACED_BY_UPSTREAM,
    }


def test_one_real_server_leaves_the_other_to_the_samples() -> None:
    environment = Upstreams(lore_url=LORE, lists="linux-leds", sample_ports=(5001, 5002, 5003)).environment()

    assert Upstreams(lore_url=LORE).need_samples
    assert (environment["PATCHWORK_URL"], environment["PROJECTS"]) == ("http://127.0.0.1:5001", SAMPLE_SOURCES)
    assert (environment["LORE_URL"], environment["LISTS"]) == (LORE, "linux-leds")


def test_pushes_go_to_the_sample_even_when_the_facts_are_real() -> None:
    upstreams = Upstreams(PATCHWORK, LORE, sample_ports=(5001, 5002, 5003))

    assert upstreams.need_samples
    assert upstreams.environment()["EXPO_URL"] == "http://127.0.0.1:5003"


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
