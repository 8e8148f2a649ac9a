"""Functions end in time, are logged for a while only, and lose nothing in silence."""

from collections.abc import Mapping
from typing import Any

import pytest

from local.settings import cloud_runtime
from tests.infra.packages import Package

SCHEDULED = ("ingest", "scheduler")
COGNITO_WAITS = 5
"""Seconds, for a trigger."""
HTTP_API_WAITS = 30
LONGEST = 300
LONGER = {"PollenateDashassetLambdaFunction": 600, "RebuildDashreadDashmodelLambdaFunction": 900}
"""One that waits for its turn to call, five times; one that reads all events there are."""
PRODUCTION_LOGS_DAYS = 90


def test_functions_run_on_the_chosen_runtime(package_of_service: Package) -> None:
    functions = package_of_service.functions.values()

    assert {(function["Runtime"], *function["Architectures"]) for function in functions} == {(cloud_runtime(), "arm64")}


def test_every_function_has_a_timeout_and_memory(package_of_service: Package) -> None:
    for name, function in package_of_service.functions.items():
        assert 0 < function["Timeout"] <= LONGER.get(name, LONGEST)
        assert 128 <= function["MemorySize"] <= 1024


def test_names_begin_with_project_and_stage(package_of_service: Package) -> None:
    for function in package_of_service.functions.values():
        assert function["FunctionName"].startswith("watchkeeper-prod-")


def test_every_log_group_forgets(package_of_service: Package) -> None:
    groups = package_of_service.properties("AWS::Logs::LogGroup")
    logged = {group["LogGroupName"] for group in groups.values()}

    assert {group["RetentionInDays"] for group in groups.values()} == {PRODUCTION_LOGS_DAYS}
    for function in package_of_service.functions.values():
        assert f"/aws/lambda/{function['FunctionName']}" in logged


def test_what_nobody_waits_for_has_a_failure_destination_and_nothing_else(package_of_service: Package) -> None:
    package = package_of_service
    configured = package.properties("AWS::Lambda::EventInvokeConfig")
    with_destination = {
        config["FunctionName"]["Ref"]
        for config in configured.values()
        if config["DestinationConfig"]["OnFailure"]["Destination"]
    }

    assert with_destination == set(package.functions) - package.answering - package.triggers


def test_of_the_api_s_functions_those_behind_a_queue_and_a_log_report_to_nobody(packages: dict[str, Package]) -> None:
    api = packages["api"]

    assert set(api.functions) - api.answering - api.triggers == {
        "EraseLambdaFunction",
        "WatchDashaccessLambdaFunction",
    }


def test_every_function_may_send_to_its_failure_destination(package_of_service: Package) -> None:
    package = package_of_service
    for config in package.properties("AWS::Lambda::EventInvokeConfig").values():
        destination = config["DestinationConfig"]["OnFailure"]["Destination"]
        role = package.role_of(config["FunctionName"]["Ref"])
        assert any(
            statement.role == role and "sqs:SendMessage" in statement.actions and destination in statement.resources
            for statement in package.statements()
        )


def test_failed_invocations_are_tried_again_as_all_are_unless_the_function_says_otherwise(
    packages: dict[str, Package],
) -> None:
    configured = {
        config["FunctionName"]["Ref"]: (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"])
        for package in packages.values()
        for config in package.properties("AWS::Lambda::EventInvokeConfig").values()
    }

    assert configured.pop("CheckDashfreshnessLambdaFunction") == (2, 900)
    assert configured.pop("ProcessDashremindersLambdaFunction") == (2, 300)
    assert configured.pop("CheckDashpushDashreceiptsLambdaFunction") == (2, 900)
    assert configured.pop("CheckDashcoverageLambdaFunction") == (2, 900)
    assert configured.pop("CheckDashdeadDashlettersLambdaFunction") == (2, 300)
    assert configured.pop("DeadDashlettersLambdaFunction") == (0, 3600)
    assert configured.pop("RebuildDashreadDashmodelLambdaFunction") == (0, 3600)
    assert set(configured.values()) == {(2, 3600)}


def test_nobody_gives_up_waiting_before_a_function_does(packages: dict[str, Package]) -> None:
    api = packages["api"]

    assert {name for name in api.triggers if api.functions[name]["Timeout"] > COGNITO_WAITS} == set()
    assert {name for name in api.answering if api.functions[name]["Timeout"] >= HTTP_API_WAITS} == set()


def test_functions_trace_and_may_do_so_where_the_stage_traces(
    packages: dict[str, Package], local_ingest: Package
) -> None:
    for package in packages.values():
        tracing = {function["TracingConfig"]["Mode"] for function in package.functions.values()}
        assert tracing == {"Active"}
        assert {
            statement.role for statement in package.statements() if "xray:PutTraceSegments" in statement.actions
        } >= {package.role_of(function) for function in package.functions}
    assert [function for function in local_ingest.functions.values() if "TracingConfig" in function] == []
    assert "xray:" not in str(list(local_ingest.statements()))


@pytest.mark.parametrize("service", SCHEDULED)
def test_schedules_have_dead_letters(packages: dict[str, Package], service: str) -> None:
    rules = schedules(packages[service])

    assert rules
    for rule in rules:
        assert all(target["DeadLetterConfig"]["Arn"] for target in rule["Targets"])
        assert {target["RetryPolicy"]["MaximumRetryAttempts"] for target in rule["Targets"]} == {3}
        assert rule["State"] == "ENABLED"


def test_events_that_are_passed_on_are_tried_for_a_day_and_have_dead_letters(packages: dict[str, Package]) -> None:
    rules = [rule for rule in packages["ingest"].properties("AWS::Events::Rule").values() if "EventPattern" in rule]

    assert rules
    for rule in rules:
        assert all(target["DeadLetterConfig"]["Arn"] for target in rule["Targets"])
        assert {tuple(target["RetryPolicy"].values()) for target in rule["Targets"]} == {(86400, 185)}
        assert rule["State"] == "ENABLED"


def schedules(package: Package) -> list[Mapping[str, Any]]:
    return [rule for rule in package.properties("AWS::Events::Rule").values() if "ScheduleExpression" in rule]


def test_what_is_late_or_failed_is_looked_after_every_few_minutes(packages: dict[str, Package]) -> None:
    found = {rule["Name"]: rule["ScheduleExpression"] for rule in schedules(packages["scheduler"])}

    assert found.items() >= {
        ("watchkeeper-prod-check-dead-letters", "rate(5 minutes)"),
        ("watchkeeper-prod-check-freshness", "rate(15 minutes)"),
        ("watchkeeper-prod-process-reminders", "rate(5 minutes)"),
        ("watchkeeper-prod-check-push-receipts", "rate(15 minutes)"),
    }


def test_queue_and_stream_sources_report_single_failures(packages: dict[str, Package]) -> None:
    sources = [mapping for package in packages.values() for mapping in mappings(package)]

    assert {mapping["FunctionName"]["Fn::GetAtt"][0] for mapping in sources} >= {"EraseLambdaFunction"}
    for mapping in sources:
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_streams_outlast_a_bus_that_is_down_and_give_up_on_a_poison_record(packages: dict[str, Package]) -> None:
    streams = [mapping for mapping in mappings(packages["ingest"]) if "StartingPosition" in mapping]

    assert len(streams) == 3 + 2 + 2, "of changes, of events, of facts"
    for stream in streams:
        assert stream["BisectBatchOnFunctionError"] is True
        sets_poison_aside = stream["EventSourceArn"]["Fn::GetAtt"][0] == "EventStoreTable"
        assert stream["MaximumRetryAttempts"] == (-1 if sets_poison_aside else 50)
        assert stream["MaximumRecordAgeInSeconds"] == 6 * 3600
        assert stream["DestinationConfig"]["OnFailure"]["Destination"]


def mappings(package: Package) -> list[Mapping[str, Any]]:
    return list(package.properties("AWS::Lambda::EventSourceMapping").values())


def test_stacks_carry_the_tags_and_are_protected(package_of_service: Package) -> None:
    provider = package_of_service.state["service"]["provider"]

    assert provider["stackTags"] == {"project": "watchkeeper", "stage": "prod", "service": package_of_service.service}
    assert provider["deletionProtection"] is True
