"""What the estimate multiplies: the stages' settings, the templates, and what the benchmark counted."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from local.documents import contracts, costs, deployment, tables
from watchkeeper.metrics import CATALOGUE


def template(*resources: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    found = [{"Type": f"AWS::{kind}", "Properties": properties} for kind, properties in resources]
    return {"Resources": {f"One{number}": one for number, one in enumerate(found)}}


SUM = {"Metrics": [{"Id": "m0", "MetricStat": {}}, {"Id": "m1", "MetricStat": {}}, {"Id": "sum", "Expression": ""}]}
NIGHT = [
    {"Schedule": "cron(45 2 * * ? *)", "ScalableTargetAction": {"MinCapacity": 605}},
    {"Schedule": "cron(0 4 * * ? *)", "ScalableTargetAction": {"MinCapacity": 5}},
]
TEMPLATES = {
    "ingest": template(
        ("CloudWatch::Alarm", {"MetricName": "Errors"}),
        ("CloudWatch::Alarm", SUM),
        ("CloudWatch::CompositeAlarm", {}),
        ("CloudWatch::Dashboard", {}),
        ("Backup::BackupPlan", {"BackupPlan": {"BackupPlanRule": [{"Lifecycle": {"DeleteAfterDays": 35}}]}}),
        ("ApplicationAutoScaling::ScalingPolicy", {}),
        ("ApplicationAutoScaling::ScalableTarget", {"ScheduledActions": NIGHT}),
    ),
    "api": template(("ApiGatewayV2::Route", {})),
}


def rows(text: str) -> dict[str, list[str]]:
    cells = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]
    return {name: rest for name, *rest in cells}


@pytest.fixture(scope="module", autouse=True)
def _read_once() -> Iterator[None]:
    """The definitions an estimate looks up hundreds of times; they stay the same meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("local.documents.costs.definitions", cache(deployment.definitions))
        patch.setattr("local.documents.costs.tables", cache(tables.definitions))
        patch.setattr(contracts, "paths", cache(contracts.paths))
        yield


@pytest.fixture(scope="module")
def months() -> dict[str, list[str]]:
    """Amount on prod, and dollars of dev, staging and prod."""
    return rows(costs.stages(TEMPLATES))


def test_sums_are_those_of_their_column(months: dict[str, list[str]]) -> None:
    for column in (1, 2, 3):
        parts = [float(cells[column]) for name, cells in months.items() if name != "sum"]
        assert sum(parts) == pytest.approx(float(months["sum"][column]), abs=0.05)


def test_an_alarm_costs_what_the_metrics_it_looks_at_cost(months: dict[str, list[str]]) -> None:
    assert months["alarms"] == ["2 of 3 metrics, and 1 of alarms", "0.00", "0.80", "0.80"]


def test_only_a_provisioned_stage_pays_for_alarms_that_scale(months: dict[str, list[str]]) -> None:
    assert months["alarms that scale the tables"] == ["4", "0.00", "0.00", "0.40"]


def test_a_higher_floor_by_night_is_paid_for_its_hours(months: dict[str, list[str]]) -> None:
    without = rows(costs.stages({**TEMPLATES, "ingest": template()}))
    more = float(months["tables of facts, used"][3]) - float(without["tables of facts, used"][3])

    assert more == pytest.approx(600 * 1.25 * 30.4 * costs.price("provisioned_read_hour"), abs=0.01)


def test_traces_cost_in_proportion_to_the_calls_on_every_stage(months: dict[str, list[str]]) -> None:
    calls, dev, staging, prod = months["traces"]

    assert float(prod) == pytest.approx(int(calls.replace(",", "")) * costs.price("trace"), abs=0.01)
    assert 0 < float(dev) < float(staging) < float(prod)


def test_a_stage_without_schedules_pays_for_the_hours_it_is_used(months: dict[str, list[str]]) -> None:
    assert float(months["metrics of ours"][1]) == pytest.approx(
        float(months["metrics of ours"][2]) * 20 / 730, abs=0.01
    )


def test_people_cost_the_same_on_every_stage_but_for_their_number_and_the_pool_of_prod(
    months: dict[str, list[str]],
) -> None:
    people = {stage: assumed["people"] for stage, assumed in costs.figures()["assumed_stages"].items()}
    amount, _, staging, prod = months["user pool"]

    assert amount == f"{people['prod']:,} people, PLUS"
    assert float(staging) == pytest.approx(people["staging"] * costs.price("user_essentials"), abs=0.01)
    assert float(prod) == pytest.approx(people["prod"] * costs.price("user_plus"), abs=0.01)


def test_what_people_do_costs_what_the_benchmark_counted(months: dict[str, list[str]]) -> None:
    person, people = costs.figures()["assumed_month_of_a_person"], costs.figures()["assumed_stages"]["prod"]["people"]
    operations = costs.counted_of_people()
    done = sum(times * operations[name]["write_units"] for name, times in person["operations"].items())
    sent = person["reminders"] * person["write_units_of_a_sent_reminder"]

    assert months["tables of people"][0].startswith(f"{people * (done + sent):,.0f} write units")


def test_photos_are_paid_for_as_long_as_they_are_kept(months: dict[str, list[str]]) -> None:
    person, people = costs.figures()["assumed_month_of_a_person"], costs.figures()["assumed_stages"]["prod"]["people"]
    kept = people * person["photos"] * person["photo_megabytes"] * person["photo_months_kept"] / 1000

    assert months["photos"][0].startswith(f"{kept:,.0f} GB")
    assert float(months["photos"][3]) > kept * costs.price("object_gigabyte")


def test_the_markets_pay_for_as_many_pollenations_as_the_stage_has_calls_for(months: dict[str, list[str]]) -> None:
    a_day = (50_000 - 48 - 1) // 5  # one call is for the calendar

    assert months["functions of the markets"][0].endswith(f", {a_day * 30.4 * 6 / 7:,.0f} of them pollenations")
    assert float(months["functions of the markets"][2]) < 0.01 * float(months["functions of the markets"][3])


def test_workers_share_the_calls_of_a_second_and_of_a_minute() -> None:
    assert costs._seconds_of_a_pollenation("prod") == 2 * 5 / 1.25, "75 a minute, which is less than two a second"
    assert costs._seconds_of_a_pollenation("dev") == 2 * 5 / 0.5, "30 a minute"
    assert costs._pollenations("staging") == pytest.approx(3 * 30.4 * 6 / 7), "25, less 5 for news and the calendar's"


def test_only_a_stage_with_backups_pays_for_their_copies(months: dict[str, list[str]]) -> None:
    amount, dev, staging, prod = months["backups"]

    assert amount.startswith("35 copies of ")
    assert float(dev) == 0 < float(staging) < float(prod)


def test_every_metric_is_counted_but_those_of_failures() -> None:
    uncounted = [metric.name for metric in CATALOGUE if costs.values_of(metric) == 0]

    assert uncounted == ["ReadingsFailed"]


def test_metrics_that_are_counted_apart_are_of_the_catalogue() -> None:
    assert costs.figures()["functions_that_measure"].keys() <= {metric.name for metric in CATALOGUE}


def test_every_price_is_used() -> None:
    named = set(re.findall(r'price\("(\w+)"\)', Path(costs.__file__).read_text()))

    assert named == costs.figures()["prices"].keys()


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        ("rate(1 hour)", 730),
        ("rate(15 minutes)", 2920),
        ("cron(0 3 * * ? *)", 30.4),
        ("cron(0 5 ? * SUN *)", 30.4 / 7),
        ("cron(0 4 ? * MON-SAT *)", 30.4 * 6 / 7),
        ("cron(0 * ? * MON-SAT *)", 24 * 30.4 * 6 / 7),
    ],
)
def test_schedules_come_as_often_as_they_say(expression: str, times: float) -> None:
    assert costs.times_a_month(expression) == pytest.approx(times)


def test_a_thousand_cost_what_the_benchmark_counted() -> None:
    first = costs.counted()["first_load"]["patches"]
    cells = rows(costs.thousand())["patches, in a first load"]

    assert cells[0] == f"{1000 * first['write_units'] / first['new']:,.0f}"


def test_the_markets_table_has_each_run_the_benchmark_counted() -> None:
    runs = costs.counted_of_markets()
    cells = rows(costs.markets())

    assert cells.keys() == runs.keys()
    assert cells["pollenation, unchanged"][:2] == ["1", str(runs["pollenation, unchanged"]["write_units"])]


def test_the_table_of_observability_has_each_command_and_fact_the_benchmark_counted() -> None:
    counted = costs.counted_of_observability()
    cells = rows(costs.observability())

    assert cells.keys() == {*counted["operations"], *(f"record the fact {name}" for name in counted["facts"])}
    assert cells["record a value"][:2] == ["4", "3.0"]


def test_the_table_of_projections_has_each_event_the_benchmark_counted() -> None:
    cells = rows(costs.projections())

    assert cells.keys() == costs.counted_of_observability()["projections"].keys()
    assert cells["MetricRecorded"][:2] == ["4", "4"]


def test_an_execution_is_paid_by_the_piece_and_by_started_tenths_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    observed = {"seconds_of_an_execution": 0.21, "megabytes_of_an_execution": 64}
    monkeypatch.setattr(costs, "_observed", lambda: observed)

    assert costs._execution() == pytest.approx(0.000001 + 64 / 1024 * 0.3 * 0.00001667)


def test_the_system_tells_of_each_queue_and_each_source_as_often_as_they_are_looked_at() -> None:
    told = costs._facts_told("prod")

    assert told["DeadLettersCounted"] == pytest.approx(9 * 730 * 12)
    assert told["SourceAged"] == pytest.approx(4 * 730 * 4 + 3 * 730)


def test_what_is_observed_is_paid_for_by_its_events(months: dict[str, list[str]]) -> None:
    amount, dev, staging, prod = months["executions that project"]

    assert amount == f"{costs._events_sourced('prod'):,.0f}"
    assert float(dev) < float(staging) == float(prod)
    assert float(months["tables of observability, used"][3]) > float(prod)
