"""Tables and queues: kept, encrypted, and never full in silence."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.infra.packages import Package

TABLES = {"patches", "series", "discussions", "threading", "progress", "breakers"}
WORK_QUEUES = {"patches", "discussions", "threads"}
FULL_NAME = "watchkeeper-prod-{}"


@pytest.fixture(scope="session")
def ingest(packages: dict[str, Package]) -> Package:
    return packages["ingest"]


def test_there_are_the_tables_of_the_design(ingest: Package) -> None:
    names = {table["TableName"] for table in ingest.properties("AWS::DynamoDB::Table").values()}

    assert names == {FULL_NAME.format(table) for table in TABLES}


def test_production_tables_survive_mistakes(ingest: Package) -> None:
    for table in ingest.resources("AWS::DynamoDB::Table").values():
        assert table["DeletionPolicy"] == "RetainExceptOnCreate", "a creation that failed blocks no other"
        assert table["UpdateReplacePolicy"] == "Retain"
        assert table["Properties"]["DeletionProtectionEnabled"] is True
        assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_tables_are_encrypted_and_forget_what_expired(ingest: Package) -> None:
    for table in ingest.properties("AWS::DynamoDB::Table").values():
        assert table["SSESpecification"] == {"SSEEnabled": True}
        assert table["TimeToLiveSpecification"]["Enabled"] is True


def test_every_table_and_index_scales_both_ways(ingest: Package) -> None:
    targets = ingest.properties("AWS::ApplicationAutoScaling::ScalableTarget").values()
    scaled = {(target["ResourceId"]["Fn::Sub"], target["ScalableDimension"]) for target in targets}
    wanted = {
        (path, f"dynamodb:{kind}:{direction}CapacityUnits")
        for name, table in ingest.properties("AWS::DynamoDB::Table").items()
        for path, kind in scalable(name, table)
        for direction in ("Read", "Write")
    }

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


def test_every_work_queue_has_dead_letters(ingest: Package) -> None:
    queues = ingest.properties("AWS::SQS::Queue")
    by_name = {queue["QueueName"]: queue for queue in queues.values()}

    for work in WORK_QUEUES:
        redrive = by_name[FULL_NAME.format(work)]["RedrivePolicy"]
        target = queues[redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]]
        assert target["QueueName"] == FULL_NAME.format(f"{work}-dlq")
        assert redrive["maxReceiveCount"] == 5


def test_messages_are_encrypted_and_outlive_a_weekend(ingest: Package) -> None:
    for queue in ingest.properties("AWS::SQS::Queue").values():
        assert queue["SqsManagedSseEnabled"] is True
        assert queue["MessageRetentionPeriod"] >= 4 * 24 * 3600


def test_messages_stay_hidden_for_six_timeouts(ingest: Package) -> None:
    queues = ingest.properties("AWS::SQS::Queue")
    for mapping in ingest.properties("AWS::Lambda::EventSourceMapping").values():
        source, attribute = mapping["EventSourceArn"]["Fn::GetAtt"]
        function = ingest.functions[mapping["FunctionName"]["Fn::GetAtt"][0]]
        if attribute == "Arn":
            assert queues[source]["VisibilityTimeout"] >= 6 * function["Timeout"]
