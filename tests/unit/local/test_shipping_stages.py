"""What is asked, reported and refused before and after a stage changes."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import click
import pytest
import requests
import yaml
from botocore.exceptions import NoCredentialsError
from click.testing import CliRunner

from local import declared, shipping
from local.artifacts import Artifacts
from local.cli import cli
from local.cloud import SERVICES
from local.deployment import SAID_BY_OPERATORS, Deployment, DeploymentRefused, identity, refuse_ringing, refuse_unset
from local.frameworks import CommandFailed
from local.plans import Change, Plan
from local.removal import Holding, RemovalRefused, empty_buckets, holdings, refuse_needed, refuse_protected
from local.smoke import Check, smoke
from local.stages import REGION, StageRefused, region_of
from local.workspace import REPOSITORY, Workspace
from tests.unit.local.stand_ins import NO_STACK, Client, FakeStage, refusal

LOSS = Plan("ingest", changes=[Change("Replace", "PatchesTable", "AWS::DynamoDB::Table")])
HARMLESS = Plan("api", changes=[Change("Modify", "Kernel", "AWS::Lambda::Function")])
CHANGED = {service: replace(HARMLESS, service=service) for service in SERVICES}
SETTINGS = {name: example for name, (_, example) in SAID_BY_OPERATORS.items()}


def typing(monkeypatch: pytest.MonkeyPatch, answer: str) -> list[str]:
    """Somebody who types this at every question; the questions."""
    asked: list[str] = []

    def prompt(text: str, **_: Any) -> str:
        asked.append(text)
        return answer

    monkeypatch.setattr(click, "prompt", prompt)
    return asked


class TestConfirmation:
    def test_prod_is_deployed_to_by_who_types_its_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = typing(monkeypatch, "prod")

        shipping.confirm("prod", [HARMLESS], yes=False)

        assert len(asked) == 1

    @pytest.mark.parametrize("answer", ["", "yes", "y", "Prod", "dev"])
    def test_any_other_answer_ends_it(self, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
        typing(monkeypatch, answer)

        with pytest.raises(DeploymentRefused, match="Nothing was done"):
            shipping.confirm("prod", [HARMLESS], yes=False)

    def test_a_pipeline_is_not_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = typing(monkeypatch, "")

        shipping.confirm("prod", [HARMLESS], yes=True)

        assert asked == []

    def test_a_pipeline_loses_no_data_of_prod(self) -> None:
        with pytest.raises(DeploymentRefused, match=r"PatchesTable would be replaced or removed.*by hand"):
            shipping.confirm("prod", [HARMLESS, LOSS], yes=True)

    def test_a_person_may_and_is_told(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        typing(monkeypatch, "prod")

        shipping.confirm("prod", [LOSS], yes=False)

        assert "What PatchesTable hold is replaced or removed" in capsys.readouterr().out

    @pytest.mark.parametrize("stage", ["dev", "staging"])
    def test_other_stages_are_not_asked_about(self, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
        asked = typing(monkeypatch, "")

        shipping.confirm(stage, [LOSS], yes=False)

        assert asked == []


class TestIdentity:
    def test_account_region_profile_and_stage_are_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_PROFILE", "watchkeeper")
        monkeypatch.delenv("AWS_REGION", raising=False)
        caller = {"Account": "111111111111", "Arn": "arn:aws:sts::111111111111:assumed-role/deployer/me"}

        told = identity(FakeStage({"sts": Client({"get_caller_identity": caller})}))

        assert told.startswith("Stage dev in account 111111111111, region us-east-1, profile watchkeeper")

    def test_without_credentials_it_says_what_to_do(self) -> None:
        with pytest.raises(StageRefused, match=r"No credentials of AWS.*PROFILE="):
            identity(FakeStage({"sts": Client({"get_caller_identity": NoCredentialsError()})}))

    def test_refused_credentials_are_told(self) -> None:
        with pytest.raises(StageRefused, match=r"not accepted.*ExpiredToken"):
            identity(FakeStage({"sts": Client({"get_caller_identity": refusal("ExpiredToken")})}))


class Runs:
    """The framework, not run: what it was to do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commands: list[tuple[str, list[str], dict[str, str]]] = []
        monkeypatch.setattr("local.frameworks.run", self.run)

    def run(self, command: str, arguments: list[str], folder: Path, settings: dict[str, str], *_: object) -> None:
        self.commands.append((command, list(arguments), dict(settings)))


class TestDeployment:
    @pytest.fixture
    def stage(self) -> FakeStage:
        outputs = [{"OutputKey": "ProgressTable", "OutputValue": "the-progress-table"}]
        stack = {"StackStatus": "UPDATE_COMPLETE", "Outputs": outputs}
        return FakeStage({"cloudformation": Client({"describe_stacks": {"Stacks": [stack]}})})

    def test_a_service_is_deployed_whatever_was_uploaded_last_with_the_package_there_is(
        self, stage: FakeStage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        runs = Runs(monkeypatch)

        Deployment(stage, Workspace(REPOSITORY), Artifacts(tmp_path), SERVICES, {"CONTACT": "x"}).deploy("ingest")

        [(command, arguments, settings)] = runs.commands
        assert (command, arguments) == ("sls", ["deploy", "--force", "--stage", "dev"])
        assert settings == {"CONTACT": "x", "WATCHKEEPER_ARTIFACTS": str(tmp_path)}

    def test_a_service_is_handed_what_compose_would_hand_it(
        self, stage: FakeStage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        runs = Runs(monkeypatch)

        Deployment(stage, Workspace(REPOSITORY), Artifacts(tmp_path), ("scheduler",)).deploy("scheduler")

        [(_, arguments, _)] = runs.commands
        assert "--param=progressTable=the-progress-table" in arguments
        assert not [argument for argument in arguments if "queueUrlPrefix" in argument], "it has no such output yet"

    def test_the_order_is_that_of_compose(self) -> None:
        assert tuple(yaml.safe_load((REPOSITORY / "serverless-compose.yml").read_text())["services"]) == SERVICES


@dataclass
class Planned:
    """A deployment whose services differ so, each time they are planned; what was done, in order."""

    answers: dict[str, Plan]
    stage: FakeStage
    done: list[str] = field(default_factory=list)

    def plan(self, service: str) -> Plan:
        self.done.append(f"plan {service}")
        return self.answers[service]

    def deploy(self, service: str) -> None:
        self.done.append(f"deploy {service}")


EMPTY = {service: Plan(service) for service in SERVICES}


def rolled_out(before: dict[str, Plan], after: dict[str, Plan], stage: str = "dev") -> list[str]:
    deployment = Planned(after, FakeStage({}, stage))
    shipping.roll_out(cast("Deployment", deployment), before.values())
    return deployment.done


class TestRollOut:
    def test_where_nothing_would_change_nothing_is_deployed(self) -> None:
        assert rolled_out(EMPTY, EMPTY) == []

    def test_a_service_that_differs_from_what_runs_is_deployed(self) -> None:
        assert rolled_out(EMPTY | {"scheduler": CHANGED["scheduler"]}, {}) == ["deploy scheduler"]

    def test_what_follows_is_planned_anew_and_left_alone_if_nothing_would_change(self) -> None:
        done = rolled_out(CHANGED, EMPTY | {"scheduler": CHANGED["scheduler"]})

        assert done == ["deploy ingest", "plan api", "plan scheduler", "deploy scheduler"]

    def test_what_follows_is_deployed_if_it_is_handed_something_else(self) -> None:
        done = rolled_out(EMPTY | {"ingest": CHANGED["ingest"]}, EMPTY | {"api": CHANGED["api"]})

        assert done == ["deploy ingest", "plan api", "deploy api", "plan scheduler"]

    @pytest.mark.parametrize(("stage", "is_refused"), [("prod", True), ("dev", False)])
    def test_a_loss_nobody_could_agree_to_ends_it_on_prod(self, stage: str, is_refused: bool) -> None:
        after = EMPTY | {"api": replace(LOSS, service="api")}
        with pytest.raises(DeploymentRefused, match="PatchesTable of api") if is_refused else nullcontext():
            rolled_out(CHANGED, after, stage)

    def test_a_loss_that_was_agreed_to_is_not_asked_about_again(self) -> None:
        known = EMPTY | {"ingest": CHANGED["ingest"], "api": replace(LOSS, service="api")}

        assert "deploy api" in rolled_out(known, known, "prod")

    def test_a_service_somebody_else_deploys_is_not_touched(self) -> None:
        with pytest.raises(DeploymentRefused, match="api is being deployed by somebody else"):
            shipping.refuse_busy([Plan("ingest"), Plan("api", is_busy=True)])


def alarms(**states: str) -> FakeStage:
    found = [{"AlarmName": f"watchkeeper-dev-{name}-deployment", "StateValue": states[name]} for name in states]
    return FakeStage({"cloudwatch": Client({"describe_alarms": {"CompositeAlarms": found}})})


class TestAlarms:
    def test_one_that_rings_ends_it_before_any_service_is_touched(self) -> None:
        stage = alarms(ingest="OK", scheduler="ALARM")

        with pytest.raises(DeploymentRefused, match=r"^watchkeeper-dev-scheduler-deployment rings.*IGNORE_ALARMS=1"):
            refuse_ringing(stage, SERVICES, {})

        [asked] = stage.clients["cloudwatch"].requests("describe_alarms")
        assert asked["AlarmTypes"] == ["CompositeAlarm"]
        assert asked["AlarmNames"] == [f"watchkeeper-dev-{service}-deployment" for service in SERVICES]

    @pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA"])
    def test_others_do_not(self, state: str) -> None:
        refuse_ringing(alarms(api=state), SERVICES, {})

    def test_what_mends_it_is_deployed_all_the_same(self) -> None:
        refuse_ringing(alarms(api="ALARM"), SERVICES, {"IGNORE_ALARMS": "1"})


class TestSettings:
    @pytest.mark.parametrize("stage", ["staging", "prod"])
    @pytest.mark.parametrize("name", SAID_BY_OPERATORS)
    def test_what_others_rely_on_is_told_what_nobody_here_can_know(self, stage: str, name: str) -> None:
        unset = {other: value for other, value in SETTINGS.items() if other != name}

        for settings in (unset, SETTINGS | {name: ""}):
            with pytest.raises(DeploymentRefused, match=f"gh variable set {name} --env {stage}"):
                refuse_unset(stage, SERVICES, settings)

    @pytest.mark.parametrize(
        ("stage", "services", "settings"),
        [
            ("prod", SERVICES, SETTINGS),
            ("staging", SERVICES, SETTINGS),
            ("prod", ("ingest", "scheduler"), {}),
            ("dev", SERVICES, {}),
        ],
    )
    def test_others_need_not(self, stage: str, services: tuple[str, ...], settings: dict[str, str]) -> None:
        refuse_unset(stage, services, settings)

    @pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
    def test_the_region_is_the_one_stages_yml_takes(self, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
        monkeypatch.delenv("AWS_REGION", raising=False)
        assert declared.parameter(stage, "region") == f"${{env:AWS_REGION, '{region_of(stage)}'}}"

        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        assert region_of(stage) == "eu-central-1"

    def test_the_local_cloud_stays_where_it_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_REGION", "eu-central-1")

        assert region_of("local") == declared.parameter("local", "region") == REGION


def stacks(stage: str, **found: dict[str, Any] | None) -> Callable[..., Any]:
    """Each service's stack, or none."""

    def describe(StackName: str) -> Any:  # noqa: N803
        stack = found.get(StackName.removeprefix(f"watchkeeper-{stage}-"))
        return NO_STACK if stack is None else {"Stacks": [{"StackStatus": "UPDATE_COMPLETE"} | stack]}

    return describe


class TestRemoval:
    def test_a_protected_stage_is_refused_and_the_way_told(self) -> None:
        protected = stacks("prod", ingest={"EnableTerminationProtection": True})
        stage = FakeStage({"cloudformation": Client({"describe_stacks": protected})}, "prod")

        with pytest.raises(RemovalRefused, match=r"(?s)protected.*watchkeeper-prod-ingest.*deletionProtection: false"):
            refuse_protected(stage, SERVICES)

    def test_an_unprotected_stage_is_not(self) -> None:
        open_stacks = stacks("prod", ingest={"EnableTerminationProtection": False}, api={})
        refuse_protected(FakeStage({"cloudformation": Client({"describe_stacks": open_stacks})}, "prod"), SERVICES)

    def test_a_service_stays_while_others_use_it(self) -> None:
        stage = FakeStage({"cloudformation": Client({"describe_stacks": stacks("dev", ingest={}, api={})})})

        with pytest.raises(RemovalRefused, match="ingest goes after api"):
            refuse_needed(stage, ("ingest",))

    @pytest.mark.parametrize("services", [SERVICES, ("api",), ("scheduler",)])
    def test_what_nobody_uses_may_go(self, services: tuple[str, ...]) -> None:
        refuse_needed(FakeStage({"cloudformation": Client({"describe_stacks": stacks("dev", api={})})}), services)

    def test_what_goes_and_what_stays_is_named(self) -> None:
        declared = {
            "Kept": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain"},
            "Lost": {"Type": "AWS::S3::Bucket"},
            "Copies": {"Type": "AWS::Backup::BackupVault"},
            "Kernel": {"Type": "AWS::Lambda::Function"},
        }
        summaries = [
            {"LogicalResourceId": name, "PhysicalResourceId": name.lower(), "ResourceType": resource["Type"]}
            for name, resource in declared.items()
        ]
        cloudformation = Client(
            {
                "describe_stacks": stacks("dev", ingest={}),
                "get_template": {"TemplateBody": {"Resources": declared}},
                "list_stack_resources": [{"StackResourceSummaries": summaries}],
            }
        )

        found = list(holdings(FakeStage({"cloudformation": cloudformation}), SERVICES))

        assert [(holding.name, holding.is_retained) for holding in found] == [
            ("kept", True),
            ("lost", False),
            ("copies", False),
        ]

    def test_only_buckets_that_go_are_emptied_with_all_their_versions(self) -> None:
        versions = [{"Versions": [{"Key": "a", "VersionId": "1"}], "DeleteMarkers": [{"Key": "a", "VersionId": "2"}]}]
        s3 = Client({"list_object_versions": versions, "delete_objects": {}})
        stage = FakeStage({"s3": s3})

        empty_buckets(stage, [bucket("goes", False), bucket("stays", True)])

        [deleted] = s3.requests("delete_objects")
        assert deleted["Bucket"] == "goes"
        assert {each["VersionId"] for each in deleted["Delete"]["Objects"]} == {"1", "2"}

    def test_a_bucket_that_keeps_objects_is_told(self) -> None:
        errors = [{"Key": "a", "Code": "AccessDenied", "Message": "Access Denied"}]
        versions = [{"Versions": [{"Key": "a", "VersionId": "1"}]}]
        s3 = Client({"list_object_versions": versions, "delete_objects": {"Errors": errors}})

        with pytest.raises(RemovalRefused, match="goes keeps 1 objects: Access Denied"):
            empty_buckets(FakeStage({"s3": s3}), [bucket("goes", False)])

    def test_what_a_failed_removal_has_removed_is_not_looked_for_again(self) -> None:
        gone = {"LogicalResourceId": "B", "PhysicalResourceId": "b", "ResourceType": "AWS::S3::Bucket"}
        summaries = [{"StackResourceSummaries": [gone | {"ResourceStatus": "DELETE_COMPLETE"}]}]
        cloudformation = Client(
            {
                "describe_stacks": stacks("dev", ingest={}),
                "get_template": {"TemplateBody": {"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}},
                "list_stack_resources": summaries,
            }
        )

        assert list(holdings(FakeStage({"cloudformation": cloudformation}), ("ingest",))) == []

    def test_a_bucket_is_emptied_right_before_its_own_stack_goes(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        done: list[str] = []
        stage = holding_a_bucket_each(done)
        monkeypatch.setattr("local.frameworks.run", lambda command, arguments, folder, _: done.append(folder.name))

        shipping.take_away(stage, Workspace(tmp_path), SERVICES)

        assert done == ["empty scheduler-bucket", "scheduler", "empty ingest-bucket", "ingest"], "api is gone already"

    def test_a_removal_that_fails_says_how_to_go_on(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        def run(*_: object) -> None:
            raise CommandFailed("sls remove failed")

        monkeypatch.setattr("local.frameworks.run", run)

        with pytest.raises(CommandFailed, match=r"sls remove failed\. Running it again goes on with scheduler"):
            shipping.take_away(holding_a_bucket_each([]), Workspace(tmp_path), SERVICES)

    def test_the_local_cloud_is_deleted_in_another_way(self, tmp_path: Path) -> None:
        result = CliRunner().invoke(cli, ["--state", str(tmp_path), "remove", "--stage", "local"])

        assert (result.exit_code, "make reset" in result.output) == (1, True)


def holding_a_bucket_each(done: list[str]) -> FakeStage:
    """A stage without an api; what is emptied is noted."""

    def resources(StackName: str) -> Any:  # noqa: N803
        name = StackName.removeprefix("watchkeeper-dev-")
        found = {"LogicalResourceId": "B", "PhysicalResourceId": f"{name}-bucket", "ResourceType": "AWS::S3::Bucket"}
        return [{"StackResourceSummaries": [found]}]

    def versions(Bucket: str) -> Any:  # noqa: N803
        done.append(f"empty {Bucket}")
        return []

    cloudformation = Client(
        {
            "describe_stacks": stacks("dev", ingest={}, scheduler={}),
            "get_template": {"TemplateBody": {"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}},
            "list_stack_resources": resources,
        }
    )
    return FakeStage({"cloudformation": cloudformation, "s3": Client({"list_object_versions": versions})})


def bucket(name: str, is_retained: bool) -> Holding:
    return Holding("AWS::S3::Bucket", name, is_retained)


class TestSmoke:
    @pytest.fixture
    def answers(self) -> dict[str, dict[str, Any]]:
        """A stage of one service where all is well."""
        resources = {
            "Kernel": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "watchkeeper-dev-auth"}},
            "Other": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "watchkeeper-dev-other"}},
            "Helper": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "framework-helper"}},
            "Alias": {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": {"Ref": "Kernel"}}},
            "Hourly": {
                "Type": "AWS::Events::Rule",
                "Properties": {"Name": "watchkeeper-dev-hourly", "ScheduleExpression": "rate(1 hour)"},
            },
            "Dead": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "watchkeeper-dev-work-dlq"}},
            "Work": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "watchkeeper-dev-work"}},
        }
        return {
            "cloudformation": {
                "describe_stacks": stacks("dev", ingest={}),
                "get_template": {"TemplateBody": {"Resources": resources}},
            },
            "lambda": {"get_function_configuration": {"CodeSha256": "built", "State": "Active"}},
            "events": {"describe_rule": {"State": "ENABLED", "ScheduleExpression": "rate(1 hour)"}},
            "sqs": {
                "get_queue_url": lambda QueueName: {"QueueUrl": QueueName},  # noqa: N803
                "get_queue_attributes": {"Attributes": {"ApproximateNumberOfMessages": "0"}},
            },
        }

    def test_a_stage_where_all_is_well(self, answers: dict[str, dict[str, Any]]) -> None:
        stage, checks = look(answers)

        assert [check.thing for check in checks if check.is_well] == [
            "stack watchkeeper-dev-ingest",
            "function watchkeeper-dev-auth",
            "function watchkeeper-dev-other",
            "schedule watchkeeper-dev-hourly",
            "dead letters watchkeeper-dev-work-dlq",
        ]
        asked = stage.clients["lambda"].requests("get_function_configuration")
        assert [request.get("Qualifier") for request in asked] == ["live", None], "people reach the alias"

    def test_a_service_that_is_missing(self, answers: dict[str, dict[str, Any]]) -> None:
        _, checks = look(answers)

        missing = [check.thing for check in checks if not check.is_well]
        assert missing == ["stack watchkeeper-dev-api", "stack watchkeeper-dev-scheduler"]

    def test_a_function_left_at_an_older_version(self, answers: dict[str, dict[str, Any]]) -> None:
        answers["lambda"]["get_function_configuration"] = lambda FunctionName, **_: {  # noqa: N803
            "CodeSha256": "older" if FunctionName.endswith("other") else "built"
        }

        assert "older and not built" in failed(answers, "function watchkeeper-dev-other")

    def test_a_function_that_is_gone(self, answers: dict[str, dict[str, Any]]) -> None:
        answers["lambda"]["get_function_configuration"] = refusal("ResourceNotFoundException")

        assert "ResourceNotFoundException" in failed(answers, "function watchkeeper-dev-auth")

    @pytest.mark.parametrize("state", [{"State": "Failed"}, {"LastUpdateStatus": "InProgress"}])
    def test_a_function_that_is_not_ready(self, answers: dict[str, dict[str, Any]], state: dict[str, str]) -> None:
        answers["lambda"]["get_function_configuration"] = {"CodeSha256": "built", **state}

        assert failed(answers, "function watchkeeper-dev-auth")

    @pytest.mark.parametrize(
        "found",
        [
            {"State": "DISABLED", "ScheduleExpression": "rate(1 hour)"},
            {"State": "ENABLED", "ScheduleExpression": "rate(2 hours)"},
            refusal("ResourceNotFoundException"),
        ],
    )
    def test_a_schedule_changed_by_hand(self, answers: dict[str, dict[str, Any]], found: Any) -> None:
        answers["events"]["describe_rule"] = found

        assert failed(answers, "schedule watchkeeper-dev-hourly")

    @pytest.mark.parametrize(
        ("name", "is_driven", "event"),
        [
            ("kernel", True, {"Records": []}),
            ("check-freshness", False, {}),
            ("process-reminders", False, {"action": "count"}),
            ("check-push-receipts", False, {"action": "count"}),
            ("dead-letters", False, {"action": "list"}),
        ],
    )
    def test_what_can_be_invoked_without_effect_is(
        self, answers: dict[str, dict[str, Any]], name: str, is_driven: bool, event: dict[str, Any]
    ) -> None:
        invocable(answers, name, is_driven)

        stage, checks = look(answers)

        [check] = [check for check in checks if check.thing.startswith("invoke ")]
        assert (check.thing, check.is_well) == (f"invoke watchkeeper-dev-{name}", True)
        [asked] = stage.clients["lambda"].requests("invoke")
        assert (asked["FunctionName"], json.loads(asked["Payload"])) == (f"watchkeeper-dev-{name}", event)

    def test_a_function_that_does_not_start(self, answers: dict[str, dict[str, Any]]) -> None:
        problem = {"errorType": "Runtime.ImportModuleError", "errorMessage": "No module named 'orjson'"}
        invocable(answers, "fetch-patches", True, {"FunctionError": "Unhandled"}, problem)

        assert failed(answers, "invoke watchkeeper-dev-fetch-patches") == (
            "Runtime.ImportModuleError: No module named 'orjson'"
        )

    def test_a_function_that_may_not_be_invoked(self, answers: dict[str, dict[str, Any]]) -> None:
        invocable(answers, "fetch-patches", True)
        answers["lambda"]["invoke"] = refusal("AccessDeniedException")

        assert failed(answers, "invoke watchkeeper-dev-fetch-patches") == "AccessDeniedException"

    @pytest.mark.parametrize(("count", "warns"), [("0", True), ("2", False)])
    def test_whether_anybody_hears_the_alarms(
        self, answers: dict[str, dict[str, Any]], count: str, warns: bool
    ) -> None:
        resources = answers["cloudformation"]["get_template"]["TemplateBody"]["Resources"]
        resources["Topic"] = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "watchkeeper-dev-alarms"}}
        resources["Alarm"] = {"Type": "AWS::CloudWatch::Alarm"}
        outputs = [{"OutputKey": "AlarmsTopicArn", "OutputValue": "the-topic"}]
        answers["cloudformation"]["describe_stacks"] = stacks("dev", ingest={"Outputs": outputs})
        answers["sns"] = {"get_topic_attributes": {"Attributes": {"SubscriptionsConfirmed": count}}}

        stage, checks = look(answers)

        [check] = [check for check in checks if check.thing == "topic watchkeeper-dev-alarms"]
        assert (check.is_well, check.warns) == (True, warns)
        assert str(check).startswith("look  " if warns else "ok    ")
        assert stage.clients["sns"].requests("get_topic_attributes") == [{"TopicArn": "the-topic"}]

    def test_a_stage_without_alarms_needs_nobody_to_hear_them(self, answers: dict[str, dict[str, Any]]) -> None:
        resources = answers["cloudformation"]["get_template"]["TemplateBody"]["Resources"]
        resources["Topic"] = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "watchkeeper-dev-alarms"}}

        _, checks = look(answers)

        assert [check for check in checks if check.thing.startswith("topic")] == []

    def test_work_that_waits_to_be_sent_again_is_told_and_holds_nothing_up(
        self, answers: dict[str, dict[str, Any]]
    ) -> None:
        answers["sqs"]["get_queue_attributes"] = {"Attributes": {"ApproximateNumberOfMessagesNotVisible": "2"}}

        _, checks = look(answers)

        [letters] = [check for check in checks if check.thing == "dead letters watchkeeper-dev-work-dlq"]
        assert (letters.is_well, letters.found) == (True, "2 wait: make dlq")

    @pytest.mark.parametrize(
        ("statuses", "well"),
        [
            ((200, 200, 401, 404), [True, True, True, True]),
            ((200, 200, 200, 404), [True, True, False, True]),
            ((503,) * 4, [False] * 4),
        ],
    )
    def test_an_api_is_open_where_it_is_meant_to_be(
        self,
        answers: dict[str, dict[str, Any]],
        monkeypatch: pytest.MonkeyPatch,
        statuses: tuple[int, ...],
        well: list[bool],
    ) -> None:
        coming = iter(statuses)
        monkeypatch.setattr(requests, "get", lambda url, timeout: response(next(coming)))
        outputs = [{"OutputKey": "ApiUrl", "OutputValue": "https://api.example"}]
        answers["cloudformation"] = {
            "describe_stacks": stacks("dev", api={"Outputs": outputs}),
            "get_template": {"TemplateBody": {"Resources": {}}},
        }

        _, checks = look(answers)

        assert [check.is_well for check in checks if check.thing.startswith("GET")] == well

    def test_a_function_that_answers_with_a_problem_does_not_work(self, answers: dict[str, dict[str, Any]]) -> None:
        invocable(answers, "kernel", False, payload={"statusCode": 500})

        _, checks = look(answers)

        assert ("invoke watchkeeper-dev-kernel", "answers 500") in [(check.thing, check.found) for check in checks]

    @pytest.mark.parametrize(("status", "is_well"), [(404, True), (200, False), (500, False)])
    def test_what_only_changes_things_works_if_it_finds_nothing_to_change(
        self, answers: dict[str, dict[str, Any]], status: int, is_well: bool
    ) -> None:
        invocable(answers, "observability-commands", False, payload={"statusCode": status})

        _, checks = look(answers)

        assert [check.is_well for check in checks if check.thing.startswith("invoke ")] == [is_well]

    def test_the_command_fails_when_anything_does(
        self, answers: dict[str, dict[str, Any]], capsys: pytest.CaptureFixture[str]
    ) -> None:
        works = shipping.tell_smoke(stage_of(answers))

        assert works is False
        assert "2 checks failed on dev" in capsys.readouterr().out


def invocable(
    answers: dict[str, dict[str, Any]],
    name: str,
    is_driven: bool,
    outcome: dict[str, str] | None = None,
    payload: Any = None,
) -> None:
    """The stage's only function is this one; it answers so."""
    function = {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": f"watchkeeper-dev-{name}"}}
    mapping = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {"FunctionName": {"Fn::GetAtt": ["Function", "Arn"]}},
    }
    driven = {"Mapping": mapping} if is_driven else {}
    answers["cloudformation"]["get_template"] = {"TemplateBody": {"Resources": {"Function": function, **driven}}}
    answers["lambda"]["invoke"] = {"Payload": BytesIO(json.dumps(payload).encode()), **(outcome or {})}


def response(status: int) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    return made


def stage_of(answers: dict[str, dict[str, Any]]) -> FakeStage:
    return FakeStage({service: Client(found) for service, found in answers.items()})


def look(answers: dict[str, dict[str, Any]]) -> tuple[FakeStage, list[Check]]:
    stage = stage_of(answers)
    return stage, list(smoke(stage))


def failed(answers: dict[str, dict[str, Any]], thing: str) -> str:
    """What is told of the thing that is not well."""
    _, checks = look(answers)
    [told] = [check.found for check in checks if check.thing == thing and not check.is_well]
    return told
