"""One role per function, and no more in it than the function needs."""

from typing import Any

from tests.infra.packages import Package

ANYTHING = "*"
WITHOUT_RESOURCES = {"xray:PutTraceSegments", "xray:PutTelemetryRecords", "cloudwatch:DescribeAlarms"}
"""X-Ray knows no resources for its two; CodeDeploy's own policy lets it read all alarms, and less is not promised."""

OF_DEAD_LETTERS = "DeadDashlettersIamRoleLambdaExecution"
"""It invokes again what failed: functions that tests/infra/test_dead_letters.py holds against those there are."""


def test_every_function_has_a_role_of_its_own(package_of_service: Package) -> None:
    roles = [package_of_service.role_of(function) for function in package_of_service.functions]

    assert len(set(roles)) == len(roles)
    assert set(package_of_service.resources("AWS::IAM::Role")) >= set(roles)


def test_there_is_no_role_without_a_function_or_what_shifts_its_traffic(package_of_service: Package) -> None:
    used = {package_of_service.role_of(function) for function in package_of_service.functions}
    used |= roles_of_shifts(package_of_service)

    assert set(package_of_service.resources("AWS::IAM::Role")) == used


def roles_of_shifts(package: Package) -> set[str]:
    groups = package.properties("AWS::CodeDeploy::DeploymentGroup").values()
    return {group["ServiceRoleArn"]["Fn::GetAtt"][0] for group in groups}


def test_actions_are_named_one_by_one(package_of_service: Package) -> None:
    wide = [(s.role, action) for s in package_of_service.statements() for action in s.actions if ANYTHING in action]

    assert wide == []


def test_log_groups_are_made_by_the_stack_alone(package_of_service: Package) -> None:
    allowed = {action for statement in package_of_service.statements() for action in statement.actions}

    assert "logs:PutLogEvents" in allowed
    assert "logs:CreateLogGroup" not in allowed


def test_resources_are_named_one_by_one(package_of_service: Package) -> None:
    wide = [
        statement
        for statement in package_of_service.statements()
        if ANYTHING in statement.resources and not WITHOUT_RESOURCES.issuperset(statement.actions)
    ]

    assert wide == []


def test_indexes_are_named_one_by_one(package_of_service: Package) -> None:
    resources = [resource for statement in package_of_service.statements() for resource in statement.resources]

    assert [resource for resource in resources if "index/*" in str(resource)] == []


def test_no_function_may_hand_out_permissions(package_of_service: Package) -> None:
    others = roles_of_shifts(package_of_service)
    statements = [statement for statement in package_of_service.statements() if statement.role not in others]
    allowed = {(statement.role, action) for statement in statements for action in statement.actions}
    powers = {power for power in allowed if power[1].startswith(("iam:", "sts:", "lambda:", "kms:"))}

    assert powers <= {(OF_DEAD_LETTERS, "lambda:InvokeFunction")}


def test_api_writes_to_no_table_and_queue(packages: dict[str, Package]) -> None:
    allowed = {action for statement in packages["api"].statements() for action in statement.actions}
    reading = ("Get", "BatchGet", "Query")

    assert [a for a in allowed if a.startswith("dynamodb:") and not a.split(":")[1].startswith(reading)] == []
    assert [a for a in allowed if a.startswith("sqs:")] == []


def test_failures_queue_takes_messages_of_our_rules_only(packages: dict[str, Package]) -> None:
    (policy,) = packages["ingest"].properties("AWS::SQS::QueuePolicy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    source: dict[str, Any] = statement["Condition"]["ArnLike"]["aws:SourceArn"]

    assert statement["Action"] == "sqs:SendMessage"
    assert source["Fn::Sub"].endswith(":rule/watchkeeper-prod-*")
