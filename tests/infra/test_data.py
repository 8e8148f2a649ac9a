"""Tables and queues: kept, encrypted, and never full in silence."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.infra.packages import Package

TABLES = {
    "ingest": {
        *("patches", "series", "discussions", "threading", "progress", "breakers"),
        *("assets", "earningsCalendar", "newsSentiment", "foundationalData"),
        *("event-store", "read-models"),
    },
    "api": {"people", "sign-in"},
    "scheduler": set[str](),
}
OF_MINUTES = "watchkeeper-prod-sign-in"
"""Codes and counters: nothing that would be wanted back."""
WORK_QUEUES = {
    "ingest": {"patches", "discussions", "threads", "pollenation", "facts", "publication"},
    "api": {"erasures"},
}
KEPT_FOR_GOOD = {"AssetsTable", "EarningsCalendarTable", "NewsSentimentTable", "FoundationalDataTable"}
"""Of the markets watch."""
FULL_NAME = "watchkeeper-prod-{}"


@pytest.fixture(scope="session")
def ingest(packages: dict[str, Package]) -> Package:
    return packages["ingest"]


def test_there_are_the_tables_of_the_design(package_of_service: Package) -> None:
    names = {table["TableName"] for table in package_of_service.properties("AWS::DynamoDB::Table").values()}

    assert names == {FULL_NAME.format(table) for table in TABLES[package_of_service.service]}


def test_production_tables_survive_mistakes(package_of_service: Package) -> None:
    for table in package_of_service.resources("AWS::DynamoDB::Table").values():
        assert table["DeletionPolicy"] == "RetainExceptOnCreate", "a creation that failed blocks no other"
        assert table["UpdateReplacePolicy"] == "Retain"
        assert table["Properties"]["DeletionProtectionEnabled"] is True


def test_production_tables_can_be_brought_back_to_any_minute(packages: dict[str, Package]) -> None:
    recovery = {
        table["TableName"]: table.get("PointInTimeRecoverySpecification")
        for package in packages.values()
        for table in package.properties("AWS::DynamoDB::Table").values()
    }

    assert recovery.pop(OF_MINUTES) is None
    assert [name for name, how in recovery.items() if how != {"PointInTimeRecoveryEnabled": True}] == []


def test_tables_are_encrypted_and_forget_what_expired(package_of_service: Package) -> None:
    for name, table in package_of_service.properties("AWS::DynamoDB::Table").items():
        assert table["SSESpecification"] == {"SSEEnabled": True}
        assert table.get("TimeToLiveSpecification", {}).get("Enabled", False) is (name not in KEPT_FOR_GOOD)


def test_what_people_own_is_paid_by_request_everywhere(packages: dict[str, Package]) -> None:
    tables = packages["api"].properties("AWS::DynamoDB::Table").values()

    assert {table["BillingMode"] for table in tables} == {"PAY_PER_REQUEST"}
    assert {table["TimeToLiveSpecification"]["AttributeName"] for table in tables} == {"TTL"}


def test_what_people_own_is_found_by_one_index_that_holds_keys_alone(packages: dict[str, Package]) -> None:
    table = packages["api"].properties("AWS::DynamoDB::Table")["PeopleTable"]
    (index,) = table["GlobalSecondaryIndexes"]

    assert [part["AttributeName"] for part in table["KeySchema"]] == ["PK", "SK"]
    assert [part["AttributeName"] for part in index["KeySchema"]] == ["GSI1PK", "GSI1SK"]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_every_table_and_index_that_is_provisioned_scales_both_ways(ingest: Package) -> None:
    targets = ingest.properties("AWS::ApplicationAutoScaling::ScalableTarget").values()
    scaled = {(target["ResourceId"]["Fn::Sub"], target["ScalableDimension"]) for target in targets}
    wanted = {
        (path, f"dynamodb:{kind}:{direction}CapacityUnits")
        for name, table in ingest.properties("AWS::DynamoDB::Table").items()
        if table["BillingMode"] == "PROVISIONED"
        for path, kind in scalable(name, table)
        for direction in ("Read", "Write")
    }

    assert wanted
    assert scaled == wanted


def scalable(name: str, table: Mapping[str, Any]) -> list[tuple[str, str]]:
    path = f"table/${{{name}}}"
    indexes = [(f"{path}/index/{index['IndexName']}", "index") for index in table.get("GlobalSecondaryIndexes", [])]
    return [(path, "table"), *indexes]


def test_the_nightly_full_reading_finds_capacity(ingest: Package) -> None:
    rule = next(
        rule for rule in ingest.properties("AWS::Events::Rule").values() if rule["Name"].endswith("-patches-full")
    )
    targets = ingest.properties("AWS::ApplicationAutoScaling::ScalableTarget")

    assert rule["ScheduleExpression"] == "cron(0 3 * * ? *)"
    for table in ("PatchesTable", "SeriesTable"):
        before, after = targets[f"{table}ReadTarget"]["ScheduledActions"]
        assert (before["Schedule"], after["Schedule"]) == ("cron(45 2 * * ? *)", "cron(0 4 * * ? *)")
        assert before["ScalableTargetAction"]["MinCapacity"] >= 250 * 2.3, "a page of 250 a second, at 2.3 units each"
        assert after["ScalableTargetAction"]["MinCapacity"] == targets[f"{table}ReadTarget"]["MinCapacity"]


def test_every_target_has_its_policy(ingest: Package) -> None:
    targets = set(ingest.resources("AWS::ApplicationAutoScaling::ScalableTarget"))
    policies = ingest.properties("AWS::ApplicationAutoScaling::ScalingPolicy").values()

    assert {policy["ScalingTargetId"]["Ref"] for policy in policies} == targets


def test_tables_pay_per_request_outside_production(local_ingest: Package) -> None:
    tables = local_ingest.properties("AWS::DynamoDB::Table").values()

    assert {table["BillingMode"] for table in tables} == {"PAY_PER_REQUEST"}


def queues_of(packages: dict[str, Package]) -> dict[str, Mapping[str, Any]]:
    """Of all services, by their logical ids."""
    return {name: queue for one in packages.values() for name, queue in one.properties("AWS::SQS::Queue").items()}


@pytest.mark.parametrize("service", WORK_QUEUES)
def test_every_work_queue_has_dead_letters(packages: dict[str, Package], service: str) -> None:
    queues = packages[service].properties("AWS::SQS::Queue")
    work = {queue["QueueName"]: queue["RedrivePolicy"] for queue in queues.values() if "RedrivePolicy" in queue}

    assert work.keys() == {FULL_NAME.format(name) for name in WORK_QUEUES[service]}
    for name, redrive in work.items():
        target = queues[redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]]
        assert target["QueueName"] == f"{name}-dlq"
        assert redrive["maxReceiveCount"] == 5


def test_messages_are_encrypted_and_outlive_a_weekend(package_of_service: Package) -> None:
    for queue in package_of_service.properties("AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is True
        assert queue["MessageRetentionPeriod"] >= 4 * 24 * 3600


@pytest.mark.parametrize("service", WORK_QUEUES)
def test_messages_stay_hidden_for_six_timeouts(packages: dict[str, Package], service: str) -> None:
    package = packages[service]
    queues = package.properties("AWS::SQS::Queue")
    worked = 0
    for mapping in package.properties("AWS::Lambda::EventSourceMapping").values():
        source, attribute = mapping["EventSourceArn"]["Fn::GetAtt"]
        function = package.functions[mapping["FunctionName"]["Fn::GetAtt"][0]]
        if attribute == "Arn":
            assert queues[source]["VisibilityTimeout"] >= 6 * function["Timeout"]
            worked += 1
    assert worked == len(WORK_QUEUES[service])
