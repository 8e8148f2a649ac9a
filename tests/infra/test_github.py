"""GitHub's jobs may do to an account what their environment is for, and a pull request changes nothing."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.infra.packages import as_list

LONGEST_JOB = 5400
"""Seconds deploy.yml asks for."""
LARGEST_POLICIES = 10_240
"""Characters of all inline policies of a role."""
ISSUER = "token.actions.githubusercontent.com"
WITHOUT_NAMES = (
    "apigateway:",
    "application-autoscaling:",
    "backup-storage:MountCapsule",
    "backup:CreateBackupPlan",
    "backup:CreateBackupSelection",
    "backup:DeleteBackupPlan",
    "backup:DeleteBackupSelection",
    "backup:GetBackupPlan",
    "backup:GetBackupSelection",
    "backup:ListTags",
    "backup:TagResource",
    "backup:UntagResource",
    "backup:UpdateBackupPlan",
    "cloudformation:ValidateTemplate",
    "cloudwatch:Describe",
    "cognito-idp:",
    "iam:CreateServiceLinkedRole",
    "kms:",
    "lambda:CreateEventSourceMapping",
    "lambda:DeleteEventSourceMapping",
    "lambda:GetEventSourceMapping",
    "lambda:List",
    "lambda:TagResource",
    "lambda:UntagResource",
    "lambda:UpdateEventSourceMapping",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:Describe",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "secretsmanager:GetRandomPassword",
    "sns:GetSubscriptionAttributes",
    "sns:Unsubscribe",
    "sts:GetCallerIdentity",
)
"""What is asked for where names of ours are not known."""

WITHOUT_RESOURCES = (
    "cloudformation:ValidateTemplate",
    "cognito-idp:CreateUserPool",
    "secretsmanager:GetRandomPassword",
    "sns:GetSubscriptionAttributes",
    "sns:Unsubscribe",
)


@pytest.fixture(scope="module")
def roles(repository: Path) -> dict[str, Mapping[str, Any]]:
    template = yaml.safe_load((repository / "deployment" / "github.yml").read_text())
    found = template["Resources"].items()
    return {name: resource["Properties"] for name, resource in found if resource["Type"] == "AWS::IAM::Role"}


@pytest.mark.parametrize(
    ("role", "subject"),
    [
        ("DeploymentRole", "repo:${Repository}:environment:${Stage}"),
        ("PlanRole", "repo:${Repository}:pull_request"),
    ],
)
def test_each_role_is_for_one_kind_of_job_of_one_repository(
    roles: dict[str, Mapping[str, Any]], role: str, subject: str
) -> None:
    (trust,) = roles[role]["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Condition"] == {
        "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": {"Fn::Sub": subject}}
    }
    assert trust["Principal"]["Federated"]["Fn::Sub"].endswith(f":oidc-provider/{ISSUER}")


def test_a_deployment_may_take_as_long_as_its_job(roles: dict[str, Mapping[str, Any]], repository: Path) -> None:
    workflow = (repository / ".github" / "workflows" / "deploy.yml").read_text()

    assert f"role-duration-seconds: {LONGEST_JOB}" in workflow
    assert roles["DeploymentRole"]["MaxSessionDuration"] == LONGEST_JOB


def test_plans_read_and_keep_nothing_but_their_templates(roles: dict[str, Mapping[str, Any]]) -> None:
    granted = {
        action: statement["Resource"]
        for statement in statements(roles["PlanRole"])
        for action in as_list(statement["Action"])
    }
    writing = {action for action in granted if not action.split(":")[1].startswith(("Describe", "Get"))}

    assert writing == {
        "cloudformation:CreateChangeSet",
        "cloudformation:DeleteChangeSet",
        "s3:DeleteObject",
        "s3:PutObject",
    }
    assert granted["s3:PutObject"]["Fn::Sub"].endswith("/plans/*")
    assert "stack/watchkeeper-dev-*" in granted["cloudformation:CreateChangeSet"]["Fn::Sub"]


def test_a_deployment_reaches_what_is_named_after_its_stage(roles: dict[str, Mapping[str, Any]]) -> None:
    named = ("watchkeeper-${Stage}-", "watchkeeper-ingest-${Stage}-", "watchkeeper-api-${Stage}-")
    wide = [
        (action, resource)
        for statement in statements(roles["DeploymentRole"])
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
        if not action.startswith(WITHOUT_NAMES)
        and not any(name in str(resource) for name in (*named, "watchkeeper-scheduler-${Stage}-", ":deploymentconfig:"))
    ]

    assert wide == []


def test_a_deployment_makes_user_pools_and_lets_nobody_in(roles: dict[str, Mapping[str, Any]]) -> None:
    """People, their groups and their codes are not a deployment's."""
    granted = {
        action
        for statement in statements(roles["DeploymentRole"])
        for action in as_list(statement["Action"])
        if action.startswith("cognito-idp:")
    }

    assert {"cognito-idp:CreateUserPool", "cognito-idp:CreateUserPoolClient", "cognito-idp:CreateGroup"} <= granted
    assert [one for one in granted if "*" in one or ":Admin" in one or "Auth" in one or one.endswith("User")] == []


def test_what_knows_no_resources_is_asked_for_without_any(roles: dict[str, Mapping[str, Any]]) -> None:
    """IAM denies these where a resource is named."""
    asked = {
        action: statement["Resource"]
        for statement in statements(roles["DeploymentRole"])
        for action in as_list(statement["Action"])
    }

    assert {asked[action] for action in WITHOUT_RESOURCES} == {"*"}


def test_a_deployment_gives_no_policy_of_others_away_but_that_of_backups(roles: dict[str, Mapping[str, Any]]) -> None:
    (attaching,) = [one for one in statements(roles["DeploymentRole"]) if "iam:AttachRolePolicy" in one["Action"]]

    assert attaching["Resource"]["Fn::Sub"].endswith(":role/watchkeeper-${Stage}-backups-*")
    assert attaching["Condition"]["ArnEquals"]["iam:PolicyARN"]["Fn::Sub"].endswith("PolicyForBackup")


def test_keys_are_used_by_vaults_alone(roles: dict[str, Mapping[str, Any]]) -> None:
    using = [one for one in statements(roles["DeploymentRole"]) if str(one["Action"]).count("kms:")]

    assert [one["Condition"] for one in using] == [{"StringLike": {"kms:ViaService": "backup.*.amazonaws.com"}}]


def test_no_job_widens_its_own_role(roles: dict[str, Mapping[str, Any]]) -> None:
    names = [
        role["RoleName"] if isinstance(role["RoleName"], str) else role["RoleName"]["Fn::Sub"]
        for role in roles.values()
    ]
    writable = [
        resource["Fn::Sub"].rpartition("role/")[2].removesuffix("*")
        for statement in statements(roles["DeploymentRole"])
        if "iam:PutRolePolicy" in as_list(statement["Action"])
        for resource in statement["Resource"]
    ]

    assert len(writable) == 4
    assert [name for name in names if name.startswith(tuple(writable))] == []


def test_policies_are_not_too_large_for_a_role(roles: dict[str, Mapping[str, Any]]) -> None:
    for role in roles.values():
        assert sum(len(json.dumps(policy["PolicyDocument"])) for policy in role["Policies"]) < LARGEST_POLICIES


def statements(role: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]]
