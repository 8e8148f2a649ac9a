"""Everything that is packaged is watched: by the alarms of alarms.yml, and on its service's dashboard."""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from local.board import REMINDERS_LATE_AFTER
from scheduler.kernel.freshness import STALE_AFTER_SECONDS
from scheduler.markets.freshness import STALE_AFTER
from tests.infra.packages import Package
from tests.infra.watching import (
    RULES,
    Series,
    alarms_of,
    calling,
    dimensions,
    invisible,
    measured,
    metrics,
    shown,
    subjects,
    threshold,
    unwatched,
    wanted_alarms,
    widgets,
)
from watchkeeper.budgets import DOWNLOADS
from watchkeeper.metrics import BREAKER_OPEN, CATALOGUE, NAMESPACE, UPSTREAM_REQUESTS

ALARM = "AWS::CloudWatch::Alarm"
COLUMNS = 24
MOST_METRICS = 2500
MOST_METRICS_OF_A_WIDGET = 500
MOST_METRICS_OF_AN_ALARM = 10
TOPIC = ":watchkeeper-prod-alarms"
HOUR = 3_600
DAY = 24 * HOUR
LONGEST_DELAY = 900
"""Of a message that is sent anew, as SQS has it."""
COUNTED_RECEIVES = 3
"""The age of the oldest message leaves out what was taken so often."""

every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())


class TestAlarms:
    def test_nothing_is_left_unwatched(self, package_of_service: Package) -> None:
        assert unwatched(package_of_service) == {}

    def test_there_are_no_others(self, package_of_service: Package) -> None:
        made = calling(package_of_service)
        wanted = sum(len(wanted_alarms(package_of_service, rule)) for rule in RULES.values())

        assert len(made) == wanted

    @every_rule
    def test_every_rule_watches_something(self, packages: dict[str, Package], rule: Mapping[str, Any]) -> None:
        assert [package for package in packages.values() if alarms_of(package, rule)]

    @every_rule
    def test_alarms_ring_as_the_table_says(self, packages: dict[str, Package], rule: Mapping[str, Any]) -> None:
        for alarm in (alarm for package in packages.values() for alarm in alarms_of(package, rule).values()):
            assert alarm["Threshold"] == threshold(rule, alarm)
            assert alarm["ComparisonOperator"] == rule["comparison"]
            assert alarm["EvaluationPeriods"] == rule["periods"]
            assert alarm["DatapointsToAlarm"] == rule["datapoints"]
            assert alarm["TreatMissingData"] == rule["missing"]
            assert {metric["Period"] for metric in metrics(alarm)} == {rule["period"]}
            assert {metric["Statistic"] for metric in metrics(alarm)} == {rule["statistic"]}

    def test_several_series_are_added_up(self, packages: dict[str, Package]) -> None:
        several = [alarm for alarm in all_alarms(packages) if "Metrics" in alarm]

        assert several
        for alarm in several:
            assert len(alarm["Metrics"]) - 1 <= MOST_METRICS_OF_AN_ALARM
            assert [part["Id"] for part in alarm["Metrics"] if part["ReturnData"]] == ["sum"]
            assert alarm["Metrics"][-1]["Expression"] == "SUM(METRICS())"

    def test_dimensions_name_what_is_in_the_stack(self, package_of_service: Package) -> None:
        for alarm in package_of_service.properties(ALARM).values():
            for series in measured(alarm):
                assert missing_references(package_of_service, series) == []

    def test_own_metrics_have_the_dimensions_they_are_written_with(self, packages: dict[str, Package]) -> None:
        assert_in_catalogue(series for alarm in all_alarms(packages) for series in measured(alarm))

    def test_all_tell_the_one_topic(self, packages: dict[str, Package]) -> None:
        for service, package in packages.items():
            for alarm in calling(package).values():
                (action,) = alarm["AlarmActions"]
                assert action == {"Ref": "AlarmsTopic"} if service == "ingest" else action["Fn::Sub"].endswith(TOPIC)

    def test_names_are_unique_and_tell_the_stage(self, packages: dict[str, Package]) -> None:
        names = [alarm["AlarmName"] for alarm in all_alarms(packages)]

        assert len(set(names)) == len(names)
        assert {name for name in names if not name.startswith("watchkeeper-prod-")} == set()

    @pytest.mark.parametrize("name", RULES)
    def test_description_leads_to_the_section_of_the_runbook(self, packages: dict[str, Package], name: str) -> None:
        alarms = [alarm for package in packages.values() for alarm in alarms_of(package, RULES[name]).values()]

        assert {alarm["AlarmDescription"].rpartition(" ")[2] for alarm in alarms} == {f"docs/runbook.md#{name}"}


class TestThresholds:
    """Limits that would never be reached, or always, are no limits."""

    def test_a_call_that_takes_too_long_is_not_ended_before_it_is_counted(self, packages: dict[str, Package]) -> None:
        rule = RULES["duration"]
        for watched, alarm in alarms_of(packages["api"], rule).items():
            (((_, reference),),) = watched
            function = packages["api"].functions[reference.strip("${}")]
            assert function["Timeout"] * 1000 > threshold(rule, alarm)

    def test_only_an_export_may_take_longer_than_an_answer_does(self, packages: dict[str, Package]) -> None:
        alarms = alarms_of(packages["api"], RULES["duration"]).values()
        longer = {alarm["AlarmName"]: alarm["Threshold"] for alarm in alarms if alarm["Threshold"] != 10_000}

        assert longer == {"watchkeeper-prod-export-duration": DOWNLOADS.request_seconds * 1000}

    def test_what_has_a_limit_of_its_own_is_there(self, packages: dict[str, Package]) -> None:
        names = {alarm["AlarmName"] for alarm in all_alarms(packages)}
        own = {f"watchkeeper-prod-{name}-{kind}" for kind, rule in RULES.items() for name in rule.get("thresholds", {})}

        assert own
        assert own <= names

    def test_work_that_waits_as_it_may_is_not_too_old_and_what_fails_rings_while_sqs_counts_it(
        self, packages: dict[str, Package]
    ) -> None:
        rule = RULES["oldest-message"]
        queues = [queue for package in packages.values() for queue in package.properties("AWS::SQS::Queue").values()]
        for queue in queues:
            if "RedrivePolicy" in queue and queue["QueueName"].rpartition("-")[2] not in rule["thresholds"]:
                hidden = queue["VisibilityTimeout"]
                assert hidden + LONGEST_DELAY <= rule["threshold"]
                assert rule["threshold"] + rule["datapoints"] * rule["period"] < (COUNTED_RECEIVES - 1) * hidden

    def test_what_is_asked_for_in_the_morning_may_wait_for_its_calls_until_midnight(
        self, packages: dict[str, Package]
    ) -> None:
        limit = RULES["oldest-message"]["thresholds"]["pollenation"]
        environments = [one["Environment"]["Variables"] for one in packages["ingest"].functions.values()]
        told = next(one for one in environments if "ALPHAVANTAGE_PER_DAY" in one)
        pace = min(float(told["ALPHAVANTAGE_PER_SECOND"]), float(told["ALPHAVANTAGE_PER_MINUTE"]) / 60)

        assert float(told["ALPHAVANTAGE_PER_DAY"]) / pace + LONGEST_DELAY < limit <= DAY - 7 * HOUR

    def test_alarm_and_function_agree_on_what_is_late(self) -> None:
        assert RULES["freshness-late"]["threshold"] == STALE_AFTER_SECONDS

    def test_a_sunday_rings_for_no_market_and_a_day_more_does(self, packages: dict[str, Package]) -> None:
        """From the start of Saturday's last run to that of Monday's first, and until it is measured."""
        limits = limits_of_markets(packages)
        longest = dict.fromkeys(limits, 2 * DAY + HOUR) | {"alphavantage-news": 29 * HOUR + HOUR}

        for name, limit in limits.items():
            assert longest[name] < limit <= longest[name] + DAY
        assert RULES["markets-late"]["period"] > HOUR, "longer than it takes until it is measured again"

    def test_all_whose_age_is_measured_is_watched_and_called_old_before_it_rings(
        self, packages: dict[str, Package]
    ) -> None:
        limits = limits_of_markets(packages)

        assert {name.replace(":", "-") for name in STALE_AFTER} == limits.keys()
        for name, age in STALE_AFTER.items():
            assert age.total_seconds() <= limits[name.replace(":", "-")]

    def test_what_an_operator_must_mend_rings_at_its_first_measure(self) -> None:
        for name in ("upstream-refused", "answers-implausible"):
            rule = RULES[name]
            assert (rule["threshold"], rule["datapoints"], rule["statistic"]) == (0, 1, "Sum")

    def test_the_board_and_the_alarm_agree_on_what_is_a_late_reminder(self) -> None:
        assert RULES["reminders-late"]["threshold"] == REMINDERS_LATE_AFTER.total_seconds()

    def test_an_open_breaker_rings_at_its_first_measure(self) -> None:
        rule = RULES["breaker-open"]

        assert (rule["metric"], rule["threshold"], rule["datapoints"]) == (BREAKER_OPEN.name, 0, 1)


class TestStages:
    @pytest.mark.parametrize("stage", ["dev", "local"])
    def test_dev_and_local_have_none(self, ingest_of_stage: dict[str, Package], stage: str) -> None:
        assert ingest_of_stage[stage].resources(ALARM) == {}

    @pytest.mark.parametrize("stage", ["staging", "dev", "local"])
    def test_every_stage_has_a_dashboard(self, ingest_of_stage: dict[str, Package], stage: str) -> None:
        assert invisible(ingest_of_stage[stage]) == set()


class TestDashboard:
    def test_all_the_stack_has_is_shown(self, package_of_service: Package) -> None:
        assert invisible(package_of_service) == set()

    def test_it_has_the_name_of_stage_and_service(self, package_of_service: Package) -> None:
        (dashboard,) = package_of_service.properties("AWS::CloudWatch::Dashboard").values()

        assert dashboard["DashboardName"] == f"watchkeeper-prod-{package_of_service.service}"

    def test_widgets_stay_on_the_board_and_do_not_overlap(self, package_of_service: Package) -> None:
        placed = [area(widget) for widget in widgets(package_of_service)]

        assert placed
        assert all(0 <= left < right <= COLUMNS and 0 <= top < bottom for left, top, right, bottom in placed)
        assert [pair for pair in combinations(placed, 2) if overlap(*pair)] == []

    def test_it_shows_no_more_than_cloudwatch_takes(self, package_of_service: Package) -> None:
        lines = [len(widget["properties"].get("metrics", [])) for widget in widgets(package_of_service)]

        assert 0 < sum(lines) <= MOST_METRICS
        assert max(lines) <= MOST_METRICS_OF_A_WIDGET

    def test_every_graph_has_something_to_show(self, package_of_service: Package) -> None:
        graphs = [widget for widget in widgets(package_of_service) if widget["type"] == "metric"]

        assert [graph["properties"]["title"] for graph in graphs if not graph["properties"]["metrics"]] == []

    def test_all_alarms_are_on_it(self, package_of_service: Package) -> None:
        names = {alarm["AlarmName"] for alarm in calling(package_of_service).values()}
        (status,) = [widget for widget in widgets(package_of_service) if widget["type"] == "alarm"]

        assert {arn.rpartition(":")[2] for arn in status["properties"]["alarms"]} == names

    def test_it_names_what_is_in_the_stack(self, package_of_service: Package) -> None:
        assert [series for series in shown(package_of_service) if missing_references(package_of_service, series)] == []

    def test_own_metrics_have_the_dimensions_they_are_written_with(self, packages: dict[str, Package]) -> None:
        assert_in_catalogue(series for package in packages.values() for series in shown(package))

    def test_upstreams_are_shown_by_outcome(self, packages: dict[str, Package]) -> None:
        requests = [series for series in shown(packages["ingest"]) if series.metric == UPSTREAM_REQUESTS.name]
        documented = re.findall(r"`(\w+)`", UPSTREAM_REQUESTS.meaning)

        assert {outcome_of(series) for series in requests} == set(documented)

    def test_rows_and_freshness_of_every_source_are_shown(self, packages: dict[str, Package]) -> None:
        rows = [metric.name for metric in CATALOGUE if metric.name.startswith("Rows")]
        wanted = {("ingest", name) for name in rows} | {("scheduler", "FreshnessAge")}

        for service, metric in wanted:
            for kind in ("source", "market source" if service == "ingest" else "market table"):
                sources = {one for subject in subjects(packages[service], kind) for one in subject}
                assert sources
                assert {Series(NAMESPACE, metric, source) for source in sources} <= shown(packages[service])

    def test_searches_look_for_metrics_with_the_dimensions_they_are_written_with(
        self, packages: dict[str, Package]
    ) -> None:
        known = {metric.name: ",".join((NAMESPACE, "stage", "service", *metric.dimension)) for metric in CATALOGUE}
        texts = [json.dumps(widget) for package in packages.values() for widget in widgets(package)]
        searched = [found for text in texts for found in re.findall(r"\{([^{}]*)\} MetricName=\\+\"(\w+)", text)]

        assert {name for _, name in searched} >= {"AssetsByAge", "Pollenations", "ServerErrors"}
        assert [(name, dimension) for dimension, name in searched if known[name] != dimension] == []


class TestTheChecks:
    """What is new and unwatched does not get past the checks above."""

    def test_a_function_without_alarms_is_found(self, packages: dict[str, Package]) -> None:
        doctored = added(packages["scheduler"], "NewLambdaFunction", new_function)
        new = frozenset({dimensions(FunctionName="${NewLambdaFunction}")})

        assert unwatched(doctored) == {"errors": {new}, "throttles": {new}}

    def test_a_function_without_widgets_is_found(self, packages: dict[str, Package]) -> None:
        doctored = added(packages["scheduler"], "NewLambdaFunction", new_function)

        assert {series.metric for series in invisible(doctored)} >= {"Invocations", "Errors", "Duration"}

    def test_a_table_without_alarms_or_widgets_is_found(self, packages: dict[str, Package]) -> None:
        doctored = added(
            packages["ingest"], "NewTable", lambda ingest: ingest.resources("AWS::DynamoDB::Table")["SeriesTable"]
        )

        assert unwatched(doctored).keys() == {"read-throttles", "write-throttles"}
        assert {dict(series.dimensions)["TableName"] for series in invisible(doctored)} == {"${NewTable}"}

    def test_an_index_that_is_not_counted_is_found(self, packages: dict[str, Package]) -> None:
        doctored = copy.deepcopy(packages["ingest"].template)
        doctored["Resources"]["SeriesTable"]["Properties"]["GlobalSecondaryIndexes"] = [{"IndexName": "NewIndex"}]

        assert unwatched(replace(packages["ingest"], template=doctored)).keys() == {"read-throttles", "write-throttles"}

    def test_a_queue_without_alarms_is_found(self, packages: dict[str, Package]) -> None:
        doctored = added(
            packages["ingest"], "NewQueue", lambda ingest: ingest.resources("AWS::SQS::Queue")["FailuresQueue"]
        )

        assert unwatched(doctored).keys() == {"dead-letters"}

    def test_a_schedule_without_an_alarm_is_found(self, packages: dict[str, Package]) -> None:
        doctored = added(packages["scheduler"], "NewRule", new_schedule)

        assert unwatched(doctored) == {"schedules-lost": {frozenset({dimensions(RuleName="${NewRule}")})}}

    def test_an_upstream_with_a_key_of_ours_without_an_alarm_is_found(self, packages: dict[str, Package]) -> None:
        doctored = added(packages["ingest"], "NewSecret", new_secret)
        new = frozenset({dimensions(stage="prod", service="ingest", upstream="new")})

        assert unwatched(doctored) == {"breaker-open": {new}, "upstream-refused": {new}}

    def test_a_rule_that_passes_events_on_without_an_alarm_is_found(self, packages: dict[str, Package]) -> None:
        doctored = added(packages["ingest"], "NewRule", new_event_rule)
        new = frozenset({dimensions(EventBusName="${EventBus}", RuleName="watchkeeper-prod-new")})

        assert unwatched(doctored) == {"events-lost": {new}}
        assert {series.metric for series in invisible(doctored)} >= {"Invocations", "InvocationsFailedToBeSentToDlq"}

    def test_a_projection_that_cannot_be_started_is_kept_or_rings(self, packages: dict[str, Package]) -> None:
        ingest = packages["ingest"]
        starting = [
            rule
            for rule in ingest.properties("AWS::Events::Rule").values()
            if rule["Targets"][0]["Arn"] == {"Fn::GetAtt": ["Projections", "Arn"]}
        ]
        ringing = {alarm["AlarmName"] for alarm in alarms_of(ingest, RULES["events-lost"]).values()}

        assert len(starting) == 2
        assert {f"{rule['Name']}-events-lost" for rule in starting} <= ringing
        assert {str(rule["Targets"][0]["DeadLetterConfig"]["Arn"]) for rule in starting} == {
            str({"Fn::GetAtt": ["FailuresQueue", "Arn"]})
        }

    def test_a_state_machine_without_an_alarm_is_found(self, packages: dict[str, Package]) -> None:
        doctored = added(packages["ingest"], "NewMachine", new_state_machine)
        new = frozenset({dimensions(StateMachineArn="${NewMachine}")})

        assert unwatched(doctored) == {f"projections-{trouble}": {new} for trouble in ("failed", "cut-off")}
        assert {series.metric for series in invisible(doctored)} >= {"ExecutionsStarted", "ExecutionsFailed"}

    def test_a_source_without_an_alarm_is_found(self, packages: dict[str, Package]) -> None:
        doctored = copy.deepcopy(packages["scheduler"].template)
        function = doctored["Resources"]["CheckDashfreshnessLambdaFunction"]
        function["Properties"]["Environment"]["Variables"]["LISTS"] += ",linux-new"

        assert unwatched(replace(packages["scheduler"], template=doctored)).keys() == {"freshness-late"}


def added(package: Package, name: str, make: Callable[[Package], Mapping[str, Any]]) -> Package:
    """The package with one more resource, which its alarms and its dashboard know nothing of."""
    resources = {**package.template["Resources"], name: make(package)}
    return replace(package, template={**package.template, "Resources": resources})


def new_function(scheduler: Package) -> Mapping[str, Any]:
    return scheduler.resources("AWS::Lambda::Function")["CheckDashfreshnessLambdaFunction"]


def new_schedule(scheduler: Package) -> Mapping[str, Any]:
    return next(iter(scheduler.resources("AWS::Events::Rule").values()))


def new_secret(ingest: Package) -> Mapping[str, Any]:
    secret = ingest.resources("AWS::SecretsManager::Secret")["AlpacaSecret"]
    return {**secret, "Properties": {**secret["Properties"], "Name": "watchkeeper-prod-new"}}


def new_state_machine(ingest: Package) -> Mapping[str, Any]:
    return ingest.resources("AWS::StepFunctions::StateMachine")["Projections"]


def new_event_rule(ingest: Package) -> Mapping[str, Any]:
    rule = ingest.resources("AWS::Events::Rule")["PollenationNeededRule"]
    return {**rule, "Properties": {**rule["Properties"], "Name": "watchkeeper-prod-new"}}


def limits_of_markets(packages: dict[str, Package]) -> dict[str, float]:
    """Seconds, by source."""
    alarms = alarms_of(packages["scheduler"], RULES["markets-late"]).values()
    prefix, suffix = "watchkeeper-prod-", "-markets-late"
    return {one["AlarmName"].removeprefix(prefix).removesuffix(suffix): one["Threshold"] for one in alarms}


def all_alarms(packages: dict[str, Package]) -> list[Mapping[str, Any]]:
    return [alarm for package in packages.values() for alarm in package.properties(ALARM).values()]


def missing_references(package: Package, series: Series) -> list[str]:
    """The resources a series refers to that are not there."""
    references = [value.strip("${}").partition(".")[0] for _, value in series.dimensions if value.startswith("${")]
    return [name for name in references if name not in package.template["Resources"]]


def assert_in_catalogue(series: Iterator[Series]) -> None:
    known = {metric.name: {"stage", "service", *metric.dimension} for metric in CATALOGUE}
    own = [one for one in series if one.namespace == NAMESPACE]

    assert own
    for one in own:
        assert {name for name, _ in one.dimensions} == known[one.metric]


def outcome_of(series: Series) -> str:
    return dict(series.dimensions)["outcome"]


def area(widget: Mapping[str, Any]) -> tuple[int, int, int, int]:
    return widget["x"], widget["y"], widget["x"] + widget["width"], widget["y"] + widget["height"]


def overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
