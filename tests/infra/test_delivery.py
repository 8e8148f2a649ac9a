"""New code comes bit by bit to people in production, and what fails is taken back."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.workspace import Workspace
from tests.infra.conftest import package
from tests.infra.packages import Package

WAITED_FOR = "watchkeeper-prod-kernel"


@pytest.fixture(scope="module")
def api(packages: dict[str, Package]) -> Package:
    return packages["api"]


@pytest.fixture(scope="module")
def staging(tmp_path_factory: pytest.TempPathFactory) -> Package:
    workspace = Workspace(tmp_path_factory.mktemp("staging"))
    workspace.refresh()
    return package(workspace, "api", "staging")


def test_people_reach_the_version_the_alias_points_to(api: Package) -> None:
    ((alias, shifted),) = api.properties("AWS::Lambda::Alias").items()
    (integration,) = api.properties("AWS::ApiGatewayV2::Integration").values()
    (permission,) = api.properties("AWS::Lambda::Permission").values()
    version, attribute = shifted["FunctionVersion"]["Fn::GetAtt"]

    assert integration["IntegrationUri"] == permission["FunctionName"] == {"Ref": alias}
    assert (version in api.resources("AWS::Lambda::Version"), attribute) == (True, "Version")


def test_traffic_is_shifted_bit_by_bit_and_back_when_an_alarm_rings(api: Package) -> None:
    (alias,) = api.resources("AWS::Lambda::Alias").values()
    ((group, shift),) = api.properties("AWS::CodeDeploy::DeploymentGroup").items()
    (application,) = api.resources("AWS::CodeDeploy::Application")
    alarms = [api.template["Resources"][alarm["Name"]["Ref"]] for alarm in shift["AlarmConfiguration"]["Alarms"]]

    assert alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"] == {
        "ApplicationName": {"Ref": application},
        "DeploymentGroupName": {"Ref": group},
    }
    assert shift["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
    assert shift["AutoRollbackConfiguration"]["Enabled"] is shift["AlarmConfiguration"]["Enabled"] is True
    assert "DEPLOYMENT_STOP_ON_ALARM" in shift["AutoRollbackConfiguration"]["Events"]
    assert {alarm["Properties"]["MetricName"] for alarm in alarms} == {"Errors", "5xx"}


def test_the_role_that_shifts_traffic_moves_this_alias_only(api: Package) -> None:
    (shift,) = api.properties("AWS::CodeDeploy::DeploymentGroup").values()
    role = shift["ServiceRoleArn"]["Fn::GetAtt"][0]
    granted = {
        action: statement.resources
        for statement in api.statements()
        if statement.role == role
        for action in statement.actions
    }

    assert set(granted) == {
        "lambda:GetAlias",
        "lambda:GetProvisionedConcurrencyConfig",
        "lambda:UpdateAlias",
        "cloudwatch:DescribeAlarms",
    }
    assert all(arn["Fn::Sub"].endswith((WAITED_FOR, f"{WAITED_FOR}:live")) for arn in granted["lambda:UpdateAlias"])


def test_one_alarm_says_whether_a_service_fails(package_of_service: Package) -> None:
    (verdict,) = package_of_service.properties("AWS::CloudWatch::CompositeAlarm").values()
    errors = {
        name
        for name, alarm in package_of_service.properties("AWS::CloudWatch::Alarm").items()
        if (alarm.get("Namespace"), alarm.get("MetricName")) in {("AWS/Lambda", "Errors"), ("AWS/ApiGateway", "5xx")}
    }
    rule = verdict["AlarmRule"]["Fn::Join"][1]

    assert verdict["AlarmName"] == f"watchkeeper-prod-{package_of_service.service}-deployment"
    assert len(errors) >= len(package_of_service.functions)
    assert {part["Fn::Sub"] for part in rule} == {f'ALARM("${{{name}}}")' for name in errors}


def test_without_a_canary_there_are_neither_versions_nor_codedeploy(
    staging: Package, packages: dict[str, Package]
) -> None:
    kinds = {resource["Type"] for resource in staging.template["Resources"].values()}
    shifted = {service for service, found in packages.items() if found.resources("AWS::CodeDeploy::DeploymentGroup")}

    assert not {kind for kind in kinds if kind.startswith("AWS::CodeDeploy") or kind == "AWS::Lambda::Version"}
    assert "AWS::CloudWatch::CompositeAlarm" in kinds
    assert shifted == {"api"}, "only what people wait for"


ALARM = "watchkeeper-prod-api-deployment"
ARN = f"arn:aws:cloudwatch:us-east-1:111111111111:alarm:{ALARM}"


def taken_back_by(state: str | None, minutes: int = 5, **settings: str) -> dict[str, Any]:
    """What a deployment is watched by where the alarm is in this state, or does not exist."""
    alarms = [{"AlarmName": ALARM, "AlarmArn": ARN, "StateValue": state}] if state else []
    script = Path(__file__).with_name("rollback.js")
    command = ["node", str(script), json.dumps(alarms), json.dumps(minutes)]
    environment = {"PATH": os.environ["PATH"], **settings}
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    answer: dict[str, Any] = json.loads(printed)
    return answer


@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA"])
def test_a_deployment_is_taken_back_when_the_alarm_rings(state: str) -> None:
    assert taken_back_by(state)["set"] == {
        "MonitoringTimeInMinutes": 5,
        "RollbackTriggers": [{"Arn": ARN, "Type": "AWS::CloudWatch::CompositeAlarm"}],
    }


def test_the_first_deployment_has_no_alarm_to_be_watched_by() -> None:
    assert taken_back_by(None)["set"] == {"MonitoringTimeInMinutes": 0, "RollbackTriggers": []}


def test_a_deployment_that_would_be_taken_back_is_refused() -> None:
    assert "IGNORE_ALARMS=1 deploys all the same" in taken_back_by("ALARM")["refused"]


def test_who_ignores_alarms_is_not_held_back_by_the_triggers_of_the_last_deployment() -> None:
    answer = taken_back_by("ALARM", IGNORE_ALARMS="1")

    assert answer == {"asked": 0, "set": {"MonitoringTimeInMinutes": 0, "RollbackTriggers": []}}


def test_stages_without_rollback_ask_nothing() -> None:
    assert taken_back_by("ALARM", minutes=0) == {"asked": 0, "set": None}
