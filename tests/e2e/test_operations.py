"""What operators rely on in the deployed system: schedules, metrics, and roles that hold."""

import json
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError

from local.functions import log_lines
from tests.e2e.system import LORE, PATCHWORK, System

SCHEDULES = {
    "patches-recent": ("fetch-patches", "rate(1 hour)", {"mode": "recent"}),
    "patches-full": ("fetch-patches", "cron(0 3 * * ? *)", {"mode": "full"}),
    "discussions-recent": ("fetch-discussions", "rate(1 hour)", {"mode": "recent"}),
    "discussions-refresh": ("refresh-discussions", "cron(0 5 ? * SUN *)", {}),
    "check-freshness": ("check-freshness", "rate(15 minutes)", {}),
    "process-reminders": ("process-reminders", "rate(5 minutes)", {}),
    "check-push-receipts": ("check-push-receipts", "rate(15 minutes)", {}),
    "assets-sync": ("sync-assets", "cron(0 4 ? * MON-SAT *)", {}),
    "earnings-calendar-sync": ("sync-earnings-calendar", "cron(0 5 ? * MON-SAT *)", {}),
    "earnings-pollenation": ("trigger-earnings-pollenation", "cron(0 6 ? * MON-SAT *)", {}),
    "regular-pollenation": ("trigger-regular-pollenation", "cron(0 7 ? * MON-SAT *)", {}),
    "news-sentiment-sync": ("sync-news-sentiment", "cron(0 * ? * MON-SAT *)", {}),
    "check-coverage": ("check-coverage", "rate(1 hour)", {}),
    "check-dead-letters": ("check-dead-letters", "rate(5 minutes)", {}),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_invokes_its_function_and_what_it_cannot_deliver_is_kept(system: System, name: str) -> None:
    function, expression, event = SCHEDULES[name]
    events = system.cloud.client("events")

    rule = events.describe_rule(Name=system.cloud.name(name))
    assert (rule["State"], rule["ScheduleExpression"]) == ("ENABLED", expression)
    [target] = events.list_targets_by_rule(Rule=system.cloud.name(name))["Targets"]
    assert target["Arn"].endswith(f":function:{system.cloud.name(function)}")
    assert json.loads(target["Input"]) == event
    assert target["RetryPolicy"]["MaximumRetryAttempts"] == 3
    assert target["DeadLetterConfig"]["Arn"].endswith(f":{system.cloud.name('failures')}")


def test_there_are_no_other_schedules(system: System) -> None:
    rules = system.cloud.client("events").list_rules()["Rules"]

    assert {rule["Name"] for rule in rules if "ScheduleExpression" in rule} == set(map(system.cloud.name, SCHEDULES))


def test_the_age_of_every_source_is_measured(system: System) -> None:
    answer = system.cloud.invoke("check-freshness", {})

    sources = (*PATCHWORK, *LORE)
    assert answer == {"sources": len(sources), "stale": []}
    metrics = [line for line in log_lines(system.cloud, "check-freshness", 200, False) if '"FreshnessAge"' in line]
    assert all(any(source in line for line in metrics) for source in sources)


def test_a_key_nobody_was_given_opens_nothing(system: System) -> None:
    stranger = dynamodb(system, {"AccessKeyId": "AKIA0000000000000000", "SecretAccessKey": "x", "SessionToken": ""})

    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        stranger.list_tables()


def test_a_function_may_do_what_it_was_granted_and_nothing_else(system: System) -> None:
    reader = dynamodb(system, credentials_of(system, "kernel"))
    patches = system.cloud.name("patches")
    key = {"id": {"S": str(next(iter(system.upstreams.world.tracker.patches)))}}

    assert reader.get_item(TableName=patches, Key=key)["Item"]
    for operation, request in (
        ("put_item", {"TableName": patches, "Item": key}),
        ("delete_item", {"TableName": patches, "Key": key}),
        ("scan", {"TableName": patches}),
        ("get_item", {"TableName": system.cloud.name("breakers"), "Key": key}),
    ):
        with pytest.raises(ClientError, match="AccessDeniedException"):
            getattr(reader, operation)(**request)


def credentials_of(system: System, function: str) -> dict[str, str]:
    """Temporary ones of the role the function runs with."""
    role = system.cloud.functions.get_function_configuration(FunctionName=system.cloud.name(function))["Role"]
    answer = system.cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="end-to-end-tests")
    credentials: dict[str, str] = answer["Credentials"]
    return credentials


def dynamodb(system: System, credentials: dict[str, str]) -> Any:
    client: Any = cast("Any", boto3).client(
        "dynamodb",
        endpoint_url=system.cloud.endpoint,
        region_name="us-east-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"] or None,
    )
    return client
