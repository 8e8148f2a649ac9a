"""How old the facts of every source are, through the scheduler's function."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from scheduler import facts
from scheduler.kernel.handlers import check_freshness
from tests.integration.common.test_events import Bus
from tests.lambdas import Context
from watchkeeper.clock import utc_now
from watchkeeper.progress import ProgressRepository, Run, Source


@pytest.fixture
def bus(tables: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    monkeypatch.setenv("EVENT_BUS", "bus")
    facts.publisher.cache_clear()
    yield Bus("facts")
    facts.publisher.cache_clear()


def test_sources_without_success_for_three_hours_are_stale(
    progress: ProgressRepository, bus: Bus, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTS", "fresh, late,never,loading")
    check_freshness._progress.cache_clear()
    check_freshness._watched.cache_clear()
    now = utc_now()
    progress.save(Source("lore:fresh", last_success=now - timedelta(hours=1)))
    progress.save(Source("lore:late", last_success=now - timedelta(hours=4)))
    progress.save(Source("lore:never", failing_since=now - timedelta(days=1)))
    progress.save(Source("lore:loading", run=Run("1", "recent", now - timedelta(minutes=5))))
    progress.save(Source("lore:threads", last_success=now - timedelta(days=9)))

    answer = check_freshness.handler({}, Context())

    assert answer == {"sources": 4, "stale": ["lore:late", "lore:never"]}
    assert '"FreshnessAge"' in capsys.readouterr().out
    told = {one["data"].pop("source"): one["data"] for one in bus.told()}
    assert {name: (data["stale"], data["blocked"]) for name, data in told.items()} == {
        "lore:fresh": (False, False),
        "lore:late": (True, False),
        "lore:never": (True, False),
        "lore:loading": (False, False),
    }
    assert told["lore:late"]["seconds"] == pytest.approx(4 * 3600, abs=60)


def test_a_run_that_is_tried_again_tells_the_same_and_the_next_one_anew(
    progress: ProgressRepository, bus: Bus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTS", "one,two")
    check_freshness._progress.cache_clear()
    check_freshness._watched.cache_clear()
    for name in ("one", "two"):
        progress.save(Source(f"lore:{name}", last_success=utc_now()))

    ids = []
    for request in ("a", "a", "b"):
        check_freshness.handler({}, Context(request))
        ids.append(bus.heard())

    assert ids[0] == ids[1]
    assert len({*ids[1], *ids[2]}) == 4
