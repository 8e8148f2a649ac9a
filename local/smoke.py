"""Smoke tests of a deployed stage: its functions run what was deployed, and start; its schedules are enabled, and the
API responds."""

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from botocore.exceptions import ClientError

from local import plans
from local.artifacts import Artifacts
from local.cloud import SERVICES, LocalCloud
from local.stages import Stage

QUESTIONS = (
    ("/healthz", 200),
    ("/api/v1/openapi.json", 200),
    ("/api/v1/kernel/freshness", 401),
    ("/api/v1/public/b/00000000000000000000000000", 404),
)
"""Requests without a token, and their status: the API works and describes itself, requires a token for what is not
public, and looks up what is."""
SECONDS = 15
DEAD_LETTERS = ("-dlq", "-failures")
DEPTHS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
ALIAS = "live"


def read_as_nobody(path: str, method: str = "GET", **more: str) -> dict[str, Any]:
    """A request as the gateway would pass it on, from a person with nothing but these claims."""
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "smoke"}
    claims = {"sub": "00000000-0000-0000-0000-000000000000", "token_use": "access", **more}
    context = {"http": http, "stage": "$default", "authorizer": {"jwt": {"claims": claims}}}
    return {"version": "2.0", "rawPath": path, "rawQueryString": "", "headers": {}, "requestContext": context}


NO_RULE = "/api/v1/observability/alert-rules/000000000000/retire"
NOTHING_LOGGED = base64.b64encode(gzip.compress(b'{"messageType": "CONTROL_MESSAGE", "logEvents": []}')).decode()
"""CloudWatch Logs' test of the connection."""
HARMLESS: Mapping[str, Any] = {
    "check-coverage": {"action": "count"},
    "check-dead-letters": {},
    "check-freshness": {},
    "process-reminders": {"action": "count"},
    "check-push-receipts": {"action": "count"},
    "dead-letters": {"action": "list"},
    "ferments": read_as_nobody("/api/v1/ferments/batches"),
    "healthz": read_as_nobody("/healthz"),
    "kernel": read_as_nobody("/api/v1/kernel/freshness"),
    "markets": read_as_nobody("/api/v1/markets/coverage"),
    "observability-commands": read_as_nobody(NO_RULE, "POST", **{"cognito:groups": "[Admin]"}),
    "observability-queries": read_as_nobody("/api/v1/observability/health", **{"cognito:groups": "[Viewer]"}),
    "people": read_as_nobody("/api/v1/me/devices"),
    "rebuild-read-model": {},
    "trigger-earnings-pollenation": {"action": "count"},
    "trigger-regular-pollenation": {"action": "count"},
    "watch-access": {"awslogs": {"data": NOTHING_LOGGED}},
}
"""Events for functions that change nothing, by short name."""
REFUSED: Mapping[str, int] = {"observability-commands": 404}
"""The status of functions that only change things, if there is nothing to change."""
NO_RECORDS: Mapping[str, Any] = {"Records": []}
"""The same, for all functions that a queue or a stream invokes."""
FINISHED = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")


@dataclass(frozen=True)
class Check:
    thing: str
    is_well: bool
    found: str
    warns: bool = False
    """A warning, not a failure."""

    def __str__(self) -> str:
        verdict = "FAILED" if not self.is_well else "look  " if self.warns else "ok    "
        return f"{verdict}  {self.thing:48} {self.found}"


@dataclass(frozen=True)
class Deployed:
    """One service as CloudFormation knows it."""

    service: str
    resources: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[str, str]

    def of(self, kind: str) -> Iterator[Mapping[str, Any]]:
        for resource in self.resources.values():
            if resource["Type"] == kind:
                yield resource.get("Properties", {})


def smoke(stage: Stage, artifacts: Artifacts | None = None) -> Iterator[Check]:
    """If the deployed packages are given, the functions have to run exactly these."""
    for service in SERVICES:
        stack = plans.describe(stage, stage.name(service))
        status = "not deployed" if stack is None else str(stack["StackStatus"])
        yield Check(f"stack {stage.name(service)}", status in FINISHED, status)
        if stack is not None:
            outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
            template = plans.deployed_template(stage, stage.name(service))
            yield from of_service(stage, Deployed(service, template["Resources"], outputs), artifacts)


def of_service(stage: Stage, deployed: Deployed, artifacts: Artifacts | None) -> Iterator[Check]:
    yield from functions(stage, deployed, artifacts.code_sha256(deployed.service) if artifacts else None)
    yield from starts(stage, deployed)
    yield from schedules(stage, deployed)
    yield from subscriptions(stage, deployed)
    yield from dead_letters(stage, deployed)
    if deployed.service == "api":
        yield from answers(stage, deployed)


def functions(stage: Stage, deployed: Deployed, wanted: str | None) -> Iterator[Check]:
    """All functions of a service are made from one zip, so that they differ only if one was not updated."""
    shifted = {str(alias["FunctionName"]) for alias in deployed.of("AWS::Lambda::Alias")}
    for name, function in deployed.resources.items():
        if function["Type"] != plans.FUNCTION or not is_ours(stage, function["Properties"]):
            continue
        qualifier = {"Qualifier": ALIAS} if str({"Ref": name}) in shifted else {}
        found = running(stage, function["Properties"]["FunctionName"], qualifier)
        wanted = wanted or found.get("CodeSha256")
        yield check_function(function["Properties"]["FunctionName"], found, wanted)


def starts(stage: Stage, deployed: Deployed) -> Iterator[Check]:
    """Functions that can be invoked without effect succeed: no import and no setting is missing."""
    driven = {str(mapping["FunctionName"]) for mapping in deployed.of("AWS::Lambda::EventSourceMapping")}
    for logical_id, resource in deployed.resources.items():
        if resource["Type"] != plans.FUNCTION or not is_ours(stage, resource["Properties"]):
            continue
        name = str(resource["Properties"]["FunctionName"])
        if str({"Fn::GetAtt": [logical_id, "Arn"]}) in driven:
            yield invoke(stage, name, NO_RECORDS)
        elif (event := HARMLESS.get(short := name.removeprefix(stage.name("")))) is not None:
            yield invoke(stage, name, event, REFUSED.get(short, 200))


def invoke(stage: Stage, name: str, event: Mapping[str, Any], status: int = 200) -> Check:
    what = f"invoke {name}"
    try:
        answer = stage.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    except ClientError as error:
        return Check(what, False, error.response["Error"]["Code"])
    said = json.loads(answer["Payload"].read() or "null")
    if "FunctionError" in answer:
        return Check(what, False, f"{said.get('errorType')}: {said.get('errorMessage')}")
    if isinstance(said, dict) and said.get("statusCode", status) != status:
        return Check(what, False, f"answers {said['statusCode']}")
    return Check(what, True, "ended well")


def is_ours(stage: Stage, function: Mapping[str, Any]) -> bool:
    """Not a helper of the framework."""
    return str(function.get("FunctionName", "")).startswith(stage.name(""))


def running(stage: Stage, name: str, qualifier: Mapping[str, str]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = stage.client("lambda").get_function_configuration(FunctionName=name, **qualifier)
    except ClientError as error:
        return {"State": error.response["Error"]["Code"]}
    return found


def check_function(name: str, found: Mapping[str, Any], wanted: str | None) -> Check:
    state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
    code = str(found.get("CodeSha256"))
    is_wanted = code == wanted
    is_well = state == "Active" and update == "Successful" and is_wanted
    told = f"{state}, {update}, code {code[:12]}" + ("" if is_wanted else f" and not {str(wanted)[:12]}")
    return Check(f"function {name}", is_well, told)


def schedules(stage: Stage, deployed: Deployed) -> Iterator[Check]:
    """As they were deployed: none was disabled, or enabled, manually."""
    for wanted in deployed.of("AWS::Events::Rule"):
        if "ScheduleExpression" not in wanted:
            continue
        try:
            found = stage.client("events").describe_rule(Name=wanted["Name"])
        except ClientError as error:
            yield Check(f"schedule {wanted['Name']}", False, error.response["Error"]["Code"])
            continue
        state, expression = found["State"], found.get("ScheduleExpression")
        is_well = (state, expression) == (wanted.get("State", "ENABLED"), wanted["ScheduleExpression"])
        yield Check(f"schedule {wanted['Name']}", is_well, f"{state}, {expression}")


def subscriptions(stage: Stage, deployed: Deployed) -> Iterator[Check]:
    """Whether anybody is notified of the alarms of a stage that has any."""
    if next(deployed.of("AWS::CloudWatch::Alarm"), None) is None:
        return
    for topic in deployed.of("AWS::SNS::Topic"):
        attributes = stage.client("sns").get_topic_attributes(TopicArn=deployed.outputs["AlarmsTopicArn"])["Attributes"]
        count = int(attributes["SubscriptionsConfirmed"])
        found = f"{count} confirmed subscriptions" if count else "nobody has subscribed: alarms are heard by nobody"
        yield Check(f"topic {topic['TopicName']}", True, found, warns=count == 0)


def dead_letters(stage: Stage, deployed: Deployed) -> Iterator[Check]:
    """Reported, but not a failure: they may be waiting for what was just deployed, and would block the next stage."""
    sqs = stage.client("sqs")
    for queue in deployed.of("AWS::SQS::Queue"):
        name = str(queue["QueueName"])
        if name.endswith(DEAD_LETTERS):
            url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
            depths = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(DEPTHS))["Attributes"]
            letters = sum(int(depths.get(depth, 0)) for depth in DEPTHS)
            yield Check(f"dead letters {name}", True, "none" if letters == 0 else f"{letters} wait: make dlq")


def answers(stage: Stage, deployed: Deployed) -> Iterator[Check]:
    url = stage.api_url if isinstance(stage, LocalCloud) else deployed.outputs["ApiUrl"]
    for question, status in QUESTIONS:
        yield ask(url + question, status, f"GET {question}")


def ask(url: str, wanted: int, what: str) -> Check:
    try:
        answer = requests.get(url, timeout=SECONDS)
    except requests.RequestException as error:
        return Check(what, False, type(error).__name__)
    return Check(what, answer.status_code == wanted, f"{answer.status_code} in {answer.elapsed.total_seconds():.1f} s")
