"""How old the facts of every source are, through the scheduler's function."""

from datetime import timedelta

import pytest

from scheduler.kernel.handlers import check_freshness
from tests.lambdas import Context
from watchkeeper.clock import utc_now
from watchkeeper.progress import ProgressRepository, Run, Source


def test_sources_without_success_for_three_hours_are_stale(
    progress: ProgressRepository, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
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
