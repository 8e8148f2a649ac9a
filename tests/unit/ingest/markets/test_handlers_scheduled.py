"""The functions behind schedules: what they tell, and when they do nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from ingest.errors import BudgetSpent, DayOver, Implausible, KeyRefused, PlanLacksFunction, UpstreamUnavailable
from ingest.markets.handlers import scheduled, sync_assets, sync_earnings_calendar, sync_news_sentiment
from ingest.reading import FULL, Reading
from tests.lambdas import Context
from tests.unit.ingest.markets.fakes import NOW, FakeProgress
from watchkeeper import metrics
from watchkeeper.errors import LeaseTaken
from watchkeeper.markets.maintenance import MaintenanceWindow

Handler = Callable[[Any, Any], dict[str, Any]]

FUNCTIONS: dict[str, tuple[Handler, Any, str]] = {
    "alpaca:assets": (sync_assets.handler, sync_assets, "asset_sync"),
    "alphavantage:earnings-calendar": (
        sync_earnings_calendar.handler,
        sync_earnings_calendar,
        "earnings_calendar_sync",
    ),
    "alphavantage:news": (sync_news_sentiment.handler, sync_news_sentiment, "news_sync"),
}


@dataclass
class Watch:
    """All that the functions are built from, and a use case that does as it is told."""

    closed: bool = False
    progress: FakeProgress = field(default_factory=FakeProgress)
    error: Exception | None = None
    finishes: bool | None = None
    options: list[Mapping[str, Any]] = field(default_factory=list)
    measured: list[tuple[str, float, Mapping[str, str]]] = field(default_factory=list)

    @property
    def maintenance(self) -> "Watch":
        return self

    def refuse(self, _: object) -> None:
        if self.closed:
            raise MaintenanceWindow("closed")

    def read(self, reading: Reading, **options: Any) -> bool | None:
        self.options.append(options)
        reading.start(FULL)
        reading.count(fetched=3, stored=2, unchanged=1)
        if self.error:
            raise self.error
        if self.finishes is not False:
            reading.finish({}, complete=True)
        return self.finishes

    def metric(self, name: str) -> list[tuple[float, Mapping[str, str]]]:
        return [(value, dimensions) for measured, value, dimensions in self.measured if measured == name]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr(scheduled, "common", lambda: watch)
    for _, module, name in FUNCTIONS.values():
        monkeypatch.setattr(module, name, lambda: watch)
    measure = metrics.measure

    def noted(metric: metrics.Metric, value: float, **dimensions: str) -> None:
        watch.measured.append((metric.name, value, dimensions))
        measure(metric, value, **dimensions)

    monkeypatch.setattr(metrics, "measure", noted)
    return watch


@pytest.fixture(params=FUNCTIONS)
def source(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run(source: str, event: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return FUNCTIONS[source][0](event or {}, Context())


def test_a_source_is_read_and_its_rows_are_counted(watch: Watch, source: str) -> None:
    assert run(source) == {"source": source, "outcome": "read"}

    assert watch.progress.source(source).last_success
    assert watch.metric("RowsFetched") == [(3, {"source": source})]
    assert watch.metric("RowsStored") == [(2, {"source": source})]
    assert watch.progress.leases == 0, "it is given back"


def test_what_is_not_finished_is_left_to_the_next_run(watch: Watch, source: str) -> None:
    watch.finishes = False

    assert run(source)["outcome"] == "left"


def test_in_the_maintenance_window_nothing_is_read(watch: Watch, source: str) -> None:
    watch.closed = True
    with pytest.raises(Exception, match="closed"):
        run(source)

    assert watch.options == []
    assert watch.progress.stored == {}


def test_what_another_call_reads_is_left_to_it(watch: Watch, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*_: object, **__: object) -> None:
        raise LeaseTaken("another")

    monkeypatch.setattr(watch.progress, "take_lease", taken)

    assert run(source) == {"source": source, "outcome": "taken"}
    assert watch.metric("LeaseTaken") == [(1, {"function": "test"})]


@pytest.mark.parametrize("error", [BudgetSpent("spent", retry_at=NOW), DayOver("over", retry_at=NOW + timedelta(1))])
def test_a_spent_budget_is_no_failure_of_the_function(watch: Watch, source: str, error: Exception) -> None:
    watch.error = error

    assert run(source)["outcome"] == "left"
    assert watch.metric("AlphaVantageThrottled") == [(1, {})]
    assert watch.metric("ReadingsFailed") == []


@pytest.mark.parametrize(
    ("error", "alarm"),
    [
        (UpstreamUnavailable("down"), None),
        (KeyRefused("no key"), "UpstreamRefused"),
        (PlanLacksFunction("no plan"), "UpstreamRefused"),
        (Implausible("too short"), "AnswersImplausible"),
    ],
)
def test_an_upstream_that_fails_fails_the_function_and_rings_where_nothing_else_helps(
    watch: Watch, source: str, error: Exception, alarm: str | None
) -> None:
    watch.error = error
    with pytest.raises(Exception, match=str(error)):
        run(source)

    assert watch.progress.source(source).error == str(error)
    assert len(watch.metric("ReadingsFailed")) == 1
    rung = {name for name in ("UpstreamRefused", "AnswersImplausible") if watch.metric(name)}
    assert rung == ({alarm} if alarm else set())


@pytest.mark.parametrize(
    ("event", "believe"),
    [({}, False), ({"believe": True}, True), ({"believe": "yes"}, False), ({"believe": 1}, False)],
)
def test_only_who_says_so_plainly_has_a_short_list_believed(
    watch: Watch, event: Mapping[str, Any], believe: bool
) -> None:
    run("alpaca:assets", event)

    assert watch.options == [{"believe": believe}]
