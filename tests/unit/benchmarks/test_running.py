"""Every benchmark runs, at a trivially small size, and the table has the expected rows."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from benchmarks.figures import Figure, Target, table
from benchmarks.functions import handler_modules, run_fresh
from benchmarks.packages import figures, run


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of all of them in a process of their own, which they keep busy and warm."""
    output = tmp_path_factory.mktemp("benchmarks") / "results.json"
    printed = run_fresh("-m", "benchmarks", "--quick", "--output", str(output))
    written: dict[str, Any] = json.loads(output.read_text())
    return {**written, "printed": printed}


def test_every_benchmark_gives_figures(report: dict[str, Any]) -> None:
    assert list(report["results"]) == [
        *("mail", "api", "imports", "ingest", "people", "reminders", "markets", "observability", "histories"),
        *("lag", "memory", "packages"),
    ]
    assert all(figure["name"] in report["printed"] for figure in report["figures"])
    unknown = {figure["name"].partition(":")[0] for figure in report["figures"] if figure["value"] is None}
    assert unknown <= {"lag", "package"}


def test_reading_unchanged_facts_again_writes_none(report: dict[str, Any]) -> None:
    unchanged = report["results"]["ingest"]["unchanged"]
    assert unchanged["fact_write_units"] == 0
    assert [unchanged[kind]["new"] for kind in ("patches", "discussions")] == [0, 0]


def test_counts_are_of_what_was_read(report: dict[str, Any]) -> None:
    first, hour = report["results"]["ingest"]["first_load"], report["results"]["ingest"]["hour"]
    assert (first["patches"]["new"], first["discussions"]["new"]) == (30, 90)
    assert (hour["patches"]["new"], hour["discussions"]["new"]) == (3, 12)
    assert first["patches"]["fact_write_units"] == first["patches"]["floor"]


def test_replies_the_lists_bring_are_not_fetched_one_by_one(report: dict[str, Any]) -> None:
    hour = report["results"]["ingest"]["hour"]
    assert hour["discussions"]["upstream_requests"] == 4  # two lists: whether they exist, and their newest mails


def test_every_deployed_handler_is_imported(report: dict[str, Any]) -> None:
    assert report["results"]["imports"]["ratio"].keys() == handler_modules().keys()
    assert {"ingest/fetch-patches", "api/kernel", "scheduler/check-freshness"} <= handler_modules().keys()


def test_a_request_that_is_made_again_with_its_key_writes_nothing(report: dict[str, Any]) -> None:
    operations = report["results"]["people"]["operations"]
    once, again = operations["begin a batch, with a key"], operations["begin a batch, with a key, again"]
    assert once["by_operation"] == {"GetItem": 2, "TransactWriteItems": 1}
    assert (again["by_operation"], again["write_units"]) == ({"GetItem": 2}, 0)


def test_signing_in_is_counted_with_what_cognito_s_triggers_do(report: dict[str, Any]) -> None:
    operations = report["results"]["people"]["operations"]
    login, verified = operations["log in"]["by_operation"], operations["verify"]["by_operation"]
    assert {"InitiateAuth": 1, "PutItem": 1, "SendEmail": 1}.items() <= login.items()
    assert {"RespondToAuthChallenge": 1, "DeleteItem": 1}.items() <= verified.items()


def test_two_processors_send_each_reminder_once(report: dict[str, Any]) -> None:
    reminders = report["results"]["reminders"]
    assert reminders["sent_once"] + reminders["refused"] == reminders["reminders"] == 120
    assert reminders["refused"] == reminders["gone"] > 0
    assert (reminders["sent_twice"], reminders["lost"], reminders["left"]) == (0, 0, 0)


def test_markets_that_did_not_change_cost_their_stamps_alone(report: dict[str, Any]) -> None:
    operations = report["results"]["markets"]["operations"]
    for source in ("assets", "calendar", "news"):
        first, again = operations[f"{source}, first load"], operations[f"{source}, unchanged"]
        assert first["fact_write_units"] >= first["items"] > 0
        assert (again["items"], again["fact_write_units"]) == (first["items"], 0)


def test_a_changed_volume_costs_the_asset_its_two_indexes_and_no_more(report: dict[str, Any]) -> None:
    changed = report["results"]["markets"]["operations"]["assets, all volumes changed"]
    assert changed["items"] == 55
    assert changed["fact_write_units"] == 55 * (1 + 1 + 2)  # the volume is a key of one of them


def test_a_pollenation_that_brings_nothing_new_stays_within_ten_write_units(report: dict[str, Any]) -> None:
    operations = report["results"]["markets"]["operations"]
    costs = [operations[f"pollenation, {name}"] for name in ("first", "unchanged", "a new quarter")]
    first, unchanged, quarter = (cost["write_units"] for cost in costs)
    assert unchanged <= 10 < quarter < first
    assert [cost["upstream_requests"] for cost in costs] == [5, 5, 5]


def test_each_function_of_the_markets_has_room_in_the_memory_it_is_deployed_with(report: dict[str, Any]) -> None:
    for cost in report["results"]["markets"]["operations"].values():
        assert 0 < cost["peak_mb"] < cost["memory"]


def test_a_command_of_one_event_takes_four_write_units_and_each_sixty_fourth_two_more(report: dict[str, Any]) -> None:
    operations = report["results"]["observability"]["operations"]
    once, full = operations["record a value"], operations["record a value, each 64th"]
    assert (once["write_units"], full["write_units"]) == (4, 6)
    assert (once["events"], full["events"]) == (1, 1)


def test_values_that_come_together_are_an_event_for_each_fifty_of_a_series(report: dict[str, Any]) -> None:
    operations = report["results"]["observability"]["operations"]
    events = [operations[f"record 500 values of {series} series"]["events"] for series in (1, 50, 500)]
    assert events == [10, 50, 500]


def test_an_alert_is_raised_and_resolved_by_one_event_each_and_one_that_stays_quiet_has_none(
    report: dict[str, Any],
) -> None:
    operations = report["results"]["observability"]["operations"]
    judged = [operations[name] for name in ("hold a value against a rule", "raise an alert", "resolve an alert")]
    assert [(cost["events"], cost["write_units"]) for cost in judged] == [(0, 0), (1, 4), (1, 4)]


def test_a_projection_reads_the_generations_and_writes_each_row_once(report: dict[str, Any]) -> None:
    projections = report["results"]["observability"]["projections"]
    assert {name: cost["rows"] for name, cost in projections.items()} == {
        "MetricRecorded": 4,
        "AlertRaised": 3,
        "AlertResolved": 3,
        "SecurityEventTriaged": 1,
        "HealthChanged": 1,
    }
    assert all(cost["requests"] == 1 + cost["rows"] for cost in projections.values())


def test_a_history_is_loaded_whole_with_snapshots_and_without(report: dict[str, Any]) -> None:
    loads = report["results"]["histories"]["loads"]
    assert {name: load["events"] for name, load in loads.items()} == {
        "3 events": 3,
        "101 events": 101,
        "199 events": 199,
        "5 events without snapshots": 5,
    }
    assert loads["101 events"]["read_units"] < loads["199 events"]["read_units"]


def test_the_package_beside_ours_makes_the_same_rows(report: dict[str, Any]) -> None:
    rebuilding = report["results"]["histories"]["rebuilding"]
    assert rebuilding["rows"]["latest-metrics"] == rebuilding["series"]
    assert rebuilding["rows"]["latest-metrics and metric-series"] == rebuilding["peer"]["rows"]


def test_the_newest_package_of_a_service_is_weighed(tmp_path: Path) -> None:
    for place, octets, age in (("services", 5_000_000, 100), (".local/deployments/prod/services", 6_000_000, 0)):
        package = tmp_path / place / "api" / ".serverless" / "watchkeeper-api.zip"
        package.parent.mkdir(parents=True)
        package.write_bytes(bytes(octets))
        os.utime(package, (1_700_000_000 - age, 1_700_000_000 - age))

    result = run(root=tmp_path)

    assert result["megabytes"] == {"ingest": None, "api": 6.0, "scheduler": None}
    assert [figure.ok for figure in figures(result)] == [None, True, None]


@pytest.mark.parametrize(
    ("target", "value", "ok"),
    [
        (Target("<", 1.5), 1.49, True),
        (Target("<", 1.5), 1.5, False),
        (Target("<=", 10), 10, True),
        (Target("<=", 10), 11, False),
        (Target(">", 3), 3.1, True),
        (Target("=", 0), 0, True),
        (Target("=", 0), 1, False),
        (Target("<", 8), None, None),
        (None, 7, None),
    ],
)
def test_a_figure_knows_whether_it_is_good_enough(target: Target | None, value: float | None, ok: bool | None) -> None:
    assert Figure("x", value, target=target).ok is ok


def test_the_table_shows_figures_with_their_targets_and_what_is_missed() -> None:
    shown = table([Figure("fast", 4.25, "times", Target(">", 3)), Figure("fat", 9, "MB", Target("<", 8))])

    assert shown.splitlines() == [
        "figure       value  target  ok",
        "fast    4.25 times     > 3  yes",
        "fat           9 MB     < 8  NO",
    ]
