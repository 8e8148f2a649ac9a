"""New code comes bit by bit to people in production, and what fails is taken back."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local.workspace import Workspace
from tests.infra.conftest import package
from tests.infra.packages import Package

WAITED_FOR = {
    f"watchkeeper-prod-{name}"
    for name in (
        *("kernel", "markets", "auth", "people", "ferments", "export", "public", "documentation"),
        *("observability-commands", "observability-queries", "healthz"),
    )
}
ALARM = "AWS::CloudWatch::Alarm"
VERDICT = "AWS::CloudWatch::CompositeAlarm"
FIRST_FAILURE = ("Sum", "GreaterThanThreshold", 0, 60, 1)


@pytest.fixture(scope="module")
def api(packages: dict[str, Package]) -> Package:
    return packages["api"]


@pytest.fixture(scope="module")
def hurried(packages: dict[str, Package], tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The API as it is deployed whether alarms ring or not."""
    workspace = Workspace(tmp_path_factory.mktemp("hurried"))
    workspace.refresh()
    settings = {"WATCHKEEPER_ARTIFACTS": str(packages["api"].artifact.parent), "IGNORE_ALARMS": "1"}
    return package(workspace, "api", "prod", settings)


def named(api: Package, reference: Mapping[str, Any]) -> str:
    """A function's name, by a reference to it."""
    name: str = api.functions[reference["Ref"]]["FunctionName"]
    return name


def shifts(api: Package) -> dict[str, Mapping[str, Any]]:
    """What shifts the traffic of each alias, by the alias."""
    groups = api.properties("AWS::CodeDeploy::DeploymentGroup")
    aliases = api.resources("AWS::Lambda::Alias")
    used = {name: alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"] for name, alias in aliases.items()}
    return {name: groups[update["DeploymentGroupName"]["Ref"]] for name, update in used.items()}


def test_new_versions_come_bit_by_bit_of_all_that_people_wait_for(api: Package) -> None:
    aliases = api.properties("AWS::Lambda::Alias").values()

    assert {named(api, alias["FunctionName"]) for alias in aliases} == WAITED_FOR
    assert {api.functions[name]["FunctionName"] for name in api.answering} == WAITED_FOR


def test_people_reach_the_version_the_alias_points_to(api: Package) -> None:
    aliases = api.properties("AWS::Lambda::Alias")
    integrations = api.properties("AWS::ApiGatewayV2::Integration").values()
    permissions = api.properties("AWS::Lambda::Permission").values()
    allowed = [one for one in permissions if one["Principal"] == "apigateway.amazonaws.com"]
    versions = api.properties("AWS::Lambda::Version")

    assert {one["IntegrationUri"]["Ref"] for one in integrations} == aliases.keys()
    assert {one["FunctionName"]["Ref"] for one in allowed} == aliases.keys()
    for alias in aliases.values():
        version, attribute = alias["FunctionVersion"]["Fn::GetAtt"]
        assert (versions[version]["FunctionName"], attribute) == (alias["FunctionName"], "Version")


def test_traffic_is_shifted_bit_by_bit_and_back_when_an_alarm_rings(api: Package) -> None:
    groups = api.properties("AWS::CodeDeploy::DeploymentGroup")
    applications = api.resources("AWS::CodeDeploy::Application")
    for alias in api.resources("AWS::Lambda::Alias").values():
        update = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        group, shift = update["DeploymentGroupName"]["Ref"], groups[update["DeploymentGroupName"]["Ref"]]
        assert group in alias["DependsOn"]
        assert update["ApplicationName"] == shift["ApplicationName"]
        assert update["ApplicationName"]["Ref"] in applications
        assert shift["DeploymentGroupName"] == named(api, alias["Properties"]["FunctionName"])
        assert shift["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
        assert shift["AutoRollbackConfiguration"]["Enabled"] is shift["AlarmConfiguration"]["Enabled"] is True
        assert "DEPLOYMENT_STOP_ON_ALARM" in shift["AutoRollbackConfiguration"]["Events"]


def test_one_failure_of_the_new_version_takes_the_canary_back(api: Package) -> None:
    aliases = api.properties("AWS::Lambda::Alias")
    for name, shift in shifts(api).items():
        alarms = [api.properties(ALARM)[alarm["Name"]["Ref"]] for alarm in shift["AlarmConfiguration"]["Alarms"]]
        watched = {alarm["MetricName"]: dimensions_of(alarm) for alarm in alarms}
        function = named(api, aliases[name]["FunctionName"])

        assert {ring_at(alarm) for alarm in alarms} == {FIRST_FAILURE}
        assert watched == {
            "Errors": {
                "FunctionName": function,
                "Resource": f"{function}:live",
                "ExecutedVersion": aliases[name]["FunctionVersion"],
            },
            "5xx": {"ApiId": {"Ref": "HttpApi"}},
        }


def test_no_version_outlives_its_stack_and_hinders_the_next_of_the_same_code(api: Package) -> None:
    versions = api.resources("AWS::Lambda::Version").values()

    assert len(versions) == len(WAITED_FOR)
    assert {version.get("DeletionPolicy", "Delete") for version in versions} == {"Delete"}


def test_what_is_deployed_whether_alarms_ring_or_not_reaches_everybody_at_once(hurried: Package) -> None:
    found = shifts(hurried).values()

    assert len(found) == len(WAITED_FOR)
    assert {shift["DeploymentConfigName"] for shift in found} == {"CodeDeployDefault.LambdaAllAtOnce"}
    assert {shift["AlarmConfiguration"]["Enabled"] for shift in found} == {False}


def test_the_role_that_shifts_traffic_moves_its_alias_only(api: Package) -> None:
    for name, shift in shifts(api).items():
        role = shift["ServiceRoleArn"]["Fn::GetAtt"][0]
        function = named(api, api.properties("AWS::Lambda::Alias")[name]["FunctionName"])
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
        assert [arn["Fn::Sub"].rpartition(":function:")[2] for arn in granted["lambda:UpdateAlias"]] == [
            function,
            f"{function}:live",
        ]


def test_one_alarm_says_whether_a_service_fails(package_of_service: Package) -> None:
    (verdict,) = package_of_service.properties(VERDICT).values()
    judging = deployment_alarms(package_of_service)
    watched = [dimensions_of(alarm).get("FunctionName") for alarm in judging.values()]
    apis = package_of_service.resources("AWS::ApiGatewayV2::Api")

    assert verdict["AlarmName"] == f"watchkeeper-prod-{package_of_service.service}-deployment"
    assert {function["FunctionName"] for function in package_of_service.functions.values()} == set(watched) - {None}
    assert watched.count(None) == len(apis)
    assert {part["Fn::Sub"] for part in verdict["AlarmRule"]["Fn::Join"][1]} == {
        f'ALARM("${{{name}}}")' for name in judging
    }


def test_what_judges_a_deployment_rings_at_one_failure_and_tells_nobody(package_of_service: Package) -> None:
    (verdict,) = package_of_service.properties(VERDICT).values()
    judging = deployment_alarms(package_of_service).values()

    assert {ring_at(alarm) for alarm in judging} == {FIRST_FAILURE}
    assert [alarm for alarm in (verdict, *judging) if "AlarmActions" in alarm] == []


def test_errors_of_an_alias_are_those_people_see(packages: dict[str, Package]) -> None:
    found = [alarm for package in packages.values() for alarm in deployment_alarms(package).values()]

    assert {one["Resource"] for one in map(dimensions_of, found) if "Resource" in one} == {
        f"{function}:live" for function in WAITED_FOR
    }


def test_without_a_canary_there_are_neither_versions_nor_codedeploy(
    packages_of_staging: dict[str, Package], packages: dict[str, Package]
) -> None:
    shifted = {service for service, found in packages.items() if found.resources("AWS::CodeDeploy::DeploymentGroup")}
    for staging in packages_of_staging.values():
        kinds = {resource["Type"] for resource in staging.template["Resources"].values()}
        assert not {kind for kind in kinds if kind.startswith("AWS::CodeDeploy") or kind == "AWS::Lambda::Version"}
        assert VERDICT in kinds
        assert [one for one in map(dimensions_of, deployment_alarms(staging).values()) if "Resource" in one] == []

    assert shifted == {"api"}, "only what people wait for"


def deployment_alarms(package: Package) -> dict[str, Mapping[str, Any]]:
    """Those the verdict is made of."""
    (verdict,) = package.properties(VERDICT).values()
    names = [
        part["Fn::Sub"].removeprefix('ALARM("${').removesuffix('}")') for part in verdict["AlarmRule"]["Fn::Join"][1]
    ]
    return {name: package.properties(ALARM)[name] for name in names}


def dimensions_of(alarm: Mapping[str, Any]) -> dict[str, Any]:
    return {one["Name"]: one["Value"] for one in alarm["Dimensions"]}


def ring_at(alarm: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(
        alarm[name] for name in ("Statistic", "ComparisonOperator", "Threshold", "Period", "DatapointsToAlarm")
    )


RINGING = "watchkeeper-prod-api-deployment"
ARN = f"arn:aws:cloudwatch:us-east-1:111111111111:alarm:{RINGING}"


def taken_back_by(state: str | None, minutes: int = 5, **settings: str) -> dict[str, Any]:
    """What a deployment is watched by where the alarm is in this state, or does not exist."""
    alarms = [{"AlarmName": RINGING, "AlarmArn": ARN, "StateValue": state}] if state else []
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
