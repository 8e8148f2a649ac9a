"""Functions end in time, are logged for a while only, and lose nothing in silence."""

from collections.abc import Mapping
from typing import Any

import pytest

from local.settings import cloud_runtime
from tests.infra.packages import Package

INVOKED_ASYNCHRONOUSLY = ("ingest", "scheduler")
LONGEST = 300
PRODUCTION_LOGS_DAYS = 90
SIGNED_ROUTES = {"ANY /api/v1", "ANY /api/v1/{proxy+}"}
OPEN_ROUTES = {"OPTIONS /api/v1/{proxy+}"}


def test_functions_run_on_the_chosen_runtime(package_of_service: Package) -> None:
    for function in package_of_service.functions.values():
        assert function["Runtime"] == cloud_runtime()
        assert function["Architectures"] == ["arm64"]


def test_every_function_has_a_timeout_and_memory(package_of_service: Package) -> None:
    for function in package_of_service.functions.values():
        assert 0 < function["Timeout"] <= LONGEST
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


@pytest.mark.parametrize("service", INVOKED_ASYNCHRONOUSLY)
def test_every_function_has_a_failure_destination(packages: dict[str, Package], service: str) -> None:
    configured = packages[service].properties("AWS::Lambda::EventInvokeConfig")
    with_destination = {
        config["FunctionName"]["Ref"]
        for config in configured.values()
        if config["DestinationConfig"]["OnFailure"]["Destination"]
    }

    assert with_destination == set(packages[service].functions)


@pytest.mark.parametrize("service", INVOKED_ASYNCHRONOUSLY)
def test_every_function_may_send_to_its_failure_destination(packages: dict[str, Package], service: str) -> None:
    package = packages[service]
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
        for service in INVOKED_ASYNCHRONOUSLY
        for config in packages[service].properties("AWS::Lambda::EventInvokeConfig").values()
    }

    assert configured.pop("CheckDashfreshnessLambdaFunction") == (2, 900)
    assert configured.pop("DeadDashlettersLambdaFunction") == (0, 3600)
    assert set(configured.values()) == {(2, 3600)}


def test_a_function_that_only_answers_requests_reports_to_its_caller(packages: dict[str, Package]) -> None:
    assert packages["api"].resources("AWS::Lambda::EventInvokeConfig") == {}


def test_functions_trace_and_may_do_so_where_the_stage_traces(
    packages: dict[str, Package], local_ingest: Package
) -> None:
    for package in packages.values():
        tracing = {function["TracingConfig"]["Mode"] for function in package.functions.values()}
        assert tracing == {"Active"}
        assert {
            statement.role for statement in package.statements() if "xray:PutTraceSegments" in statement.actions
        } == {package.role_of(function) for function in package.functions}
    assert [function for function in local_ingest.functions.values() if "TracingConfig" in function] == []
    assert "xray:" not in str(list(local_ingest.statements()))


@pytest.mark.parametrize("service", INVOKED_ASYNCHRONOUSLY)
def test_schedules_have_dead_letters(packages: dict[str, Package], service: str) -> None:
    rules = packages[service].properties("AWS::Events::Rule")

    assert rules
    for rule in rules.values():
        assert all(target["DeadLetterConfig"]["Arn"] for target in rule["Targets"])
        assert {target["RetryPolicy"]["MaximumRetryAttempts"] for target in rule["Targets"]} == {3}
        assert rule["State"] == "ENABLED"


def test_queue_and_stream_sources_report_single_failures(packages: dict[str, Package]) -> None:
    for mapping in mappings(packages["ingest"]):
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_streams_outlast_a_bus_that_is_down_and_give_up_on_a_poison_record(packages: dict[str, Package]) -> None:
    streams = [mapping for mapping in mappings(packages["ingest"]) if "StartingPosition" in mapping]

    assert len(streams) == 3
    for stream in streams:
        assert stream["BisectBatchOnFunctionError"] is True
        assert stream["MaximumRetryAttempts"] == 50
        assert stream["MaximumRecordAgeInSeconds"] == 6 * 3600
        assert stream["DestinationConfig"]["OnFailure"]["Destination"]


def mappings(package: Package) -> list[Mapping[str, Any]]:
    return list(package.properties("AWS::Lambda::EventSourceMapping").values())


def test_every_route_asks_for_a_signature_in_production(packages: dict[str, Package]) -> None:
    routes = packages["api"].properties("AWS::ApiGatewayV2::Route").values()
    open_routes = {route["RouteKey"] for route in routes if route.get("AuthorizationType") != "AWS_IAM"}

    assert {route["RouteKey"] for route in routes} - open_routes == SIGNED_ROUTES
    assert open_routes == OPEN_ROUTES, "only preflights, which browsers send unsigned"


def test_the_api_is_throttled_and_logged(packages: dict[str, Package]) -> None:
    (stage,) = packages["api"].properties("AWS::ApiGatewayV2::Stage").values()

    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
    assert stage["AccessLogSettings"]["DestinationArn"]


def test_stacks_carry_the_tags_and_are_protected(package_of_service: Package) -> None:
    provider = package_of_service.state["service"]["provider"]

    assert provider["stackTags"] == {"project": "watchkeeper", "stage": "prod", "service": package_of_service.service}
    assert provider["deletionProtection"] is True
