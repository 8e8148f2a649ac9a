"""What a deployment would change: CloudFormation's change set, as text."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from local.stages import Stage, StageRefused

LARGEST_BODY = 51_200
"""Bytes of a template that a request accepts; larger ones are read from a bucket."""
DEPLOYMENT_BUCKET = "ServerlessDeploymentBucket"
FUNCTION = "AWS::Lambda::Function"
TABLE = "AWS::DynamoDB::Table"
HOLD_DATA = frozenset(
    {
        "AWS::Backup::BackupVault",
        "AWS::Cognito::UserPool",
        TABLE,
        "AWS::Events::EventBus",
        "AWS::S3::Bucket",
        "AWS::SecretsManager::Secret",
        "AWS::SQS::Queue",
    }
)
RETAINED = frozenset({"Retain", "RetainExceptOnCreate"})
"""The deletion policies with which a resource remains when it is removed from its stack."""
SYMBOLS = {"Add": "+", "Modify": "~", "Remove": "-", "Replace": "!", "Replace?": "?"}
LONGEST_WAIT = 300
"""Seconds for CloudFormation to create a change set."""
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class Change:
    action: str
    """Add, Modify, Remove, Replace, or `Replace?` where CloudFormation only knows during the deployment."""
    logical_id: str
    kind: str
    what: tuple[str, ...] = ()
    """The properties that differ, if it is modified."""
    spared: str = ""
    """Why nothing is lost if it is removed."""

    @property
    def goes(self) -> bool:
        """With what it holds."""
        return self.kind in HOLD_DATA and self.action in ("Remove", "Replace", "Replace?")

    @property
    def loses_data(self) -> bool:
        return self.goes and not self.spared

    def __str__(self) -> str:
        details = f": {', '.join(self.what)}" if self.what else ""
        warning = f"   <- {self.spared or 'loses what it holds'}" if self.goes else ""
        return f"{SYMBOLS[self.action]} {self.action:9}{self.kind:40} {self.logical_id}{details}{warning}"


@dataclass(frozen=True)
class Plan:
    service: str
    is_new: bool = False
    changes: list[Change] = field(default_factory=list)
    others: tuple[str, ...] = ()
    """Differences that are not resources."""
    is_busy: bool = False
    """Somebody is deploying now, so the changes cannot be determined."""

    @property
    def is_empty(self) -> bool:
        """What is deployed equals what would be deployed."""
        return not (self.is_new or self.changes or self.others or self.is_busy)

    @property
    def losses(self) -> list[Change]:
        return [change for change in self.changes if change.loses_data]

    def lines(self) -> list[str]:
        if self.is_busy:
            return [f"{self.service} is being deployed: ask again when that has ended"]
        if self.is_empty:
            return [f"{self.service}: unchanged"]
        kind = "is created" if self.is_new else "is updated"
        told = [*(str(change) for change in self.changes), *(f"~ {other}" for other in self.others)]
        return [f"{self.service} {kind}, {len(told)} changes:", *(f"  {line}" for line in told)]


@dataclass(frozen=True)
class Packaged:
    """One service as it was packaged for a stage."""

    service: str
    template: Mapping[str, Any]
    tags: Mapping[str, str]
    code_sha256: str
    is_protected: bool = False
    """Whether its stack is to be protected from deletion."""


def plan(stage: Stage, packaged: Packaged) -> Plan:
    stack = stage.name(packaged.service)
    deployed = describe(stage, stack)
    if deployed is None:
        return Plan(packaged.service, True, list(additions(packaged.template)))
    if is_in_progress(deployed):
        return Plan(packaged.service, is_busy=True)
    before = deployed_template(stage, stack)["Resources"]
    template = with_deployed_code(stage, before, packaged)
    cloudformation = stage.client("cloudformation")
    name = f"plan-{uuid4().hex}"
    with stored(stage, stack, template) as body:
        cloudformation.create_change_set(
            StackName=stack,
            ChangeSetName=name,
            ChangeSetType="UPDATE",
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            Tags=[{"Key": key, "Value": value} for key, value in packaged.tags.items()],
            **body,
        )
        try:
            changes = changes_of(cloudformation, stack, name, before)
        finally:
            cloudformation.delete_change_set(StackName=stack, ChangeSetName=name)
    return Plan(packaged.service, False, changes or [], tuple(others(changes, deployed, packaged)))


def others(changes: list[Change] | None, deployed: Mapping[str, Any], packaged: Packaged) -> Iterator[str]:
    """Changes that a change set does not or cannot name."""
    if changes == []:
        yield "outputs, tags or descriptions"
    if packaged.is_protected != deployed.get("EnableTerminationProtection", False):
        yield f"protection from deletion: {'on' if packaged.is_protected else 'off'}"


def is_in_progress(stack: Mapping[str, Any]) -> bool:
    return str(stack["StackStatus"]).endswith("_IN_PROGRESS")


def describe(stage: Stage, stack: str) -> dict[str, Any] | None:
    """The stack, unless there is none yet."""
    try:
        found: dict[str, Any] = stage.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return None if found["StackStatus"] in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE") else found


def additions(template: Mapping[str, Any]) -> Iterator[Change]:
    for name, resource in template["Resources"].items():
        yield Change("Add", name, resource["Type"])


def with_deployed_code(stage: Stage, before: Mapping[str, Any], packaged: Packaged) -> dict[str, Any]:
    """The template, with the deployed zip's location if the zip is the same: only the location would differ."""
    template = deepcopy(dict(packaged.template))
    for name, resource in template["Resources"].items():
        if resource["Type"] == FUNCTION and name in before and is_deployed(stage, resource, packaged.code_sha256):
            resource["Properties"]["Code"] = before[name]["Properties"]["Code"]
    return template


def is_deployed(stage: Stage, resource: Mapping[str, Any], code_sha256: str) -> bool:
    name = resource["Properties"]["FunctionName"]
    try:
        running = stage.client("lambda").get_function_configuration(FunctionName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            return False
        raise
    return bool(running["CodeSha256"] == code_sha256)


def deployed_template(stage: Stage, stack: str) -> dict[str, Any]:
    body = stage.client("cloudformation").get_template(StackName=stack)["TemplateBody"]
    template: dict[str, Any] = json.loads(body if isinstance(body, str) else json.dumps(body))  # of plain dicts
    return template


@contextmanager
def stored(stage: Stage, stack: str, template: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """The argument that names the template; a large one is temporarily put into the stack's own bucket."""
    body = json.dumps(template)
    if len(body.encode()) <= LARGEST_BODY:
        yield {"TemplateBody": body}
        return
    cloudformation, s3 = stage.client("cloudformation"), stage.client("s3")
    detail = cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=DEPLOYMENT_BUCKET)
    bucket = detail["StackResourceDetail"]["PhysicalResourceId"]
    key = f"plans/{hashlib.sha256(body.encode()).hexdigest()}-{uuid4().hex}.json"
    s3.put_object(Bucket=bucket, Key=key, Body=body.encode(), ContentType="application/json")
    try:
        yield {"TemplateURL": f"https://s3.{s3.meta.region_name}.amazonaws.com/{bucket}/{key}"}
    finally:
        s3.delete_object(Bucket=bucket, Key=key)


def changes_of(cloudformation: Any, stack: str, name: str, before: Mapping[str, Any]) -> list[Change] | None:
    """Wait for the change set and read all its pages; none if nothing differs, including outputs and tags."""
    described = worked_out(cloudformation, stack, name)
    if described["Status"] == "FAILED":
        reason = str(described.get("StatusReason", ""))
        if any(words in reason for words in NO_CHANGES):
            return None
        raise StageRefused(f"CloudFormation refuses what would be deployed to {stack}: {reason}")
    changes = list(described.get("Changes", []))
    while token := described.get("NextToken"):
        described = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name, NextToken=token)
        changes += described.get("Changes", [])
    resources = [found["ResourceChange"] for found in changes if found.get("Type", "Resource") == "Resource"]
    return [change_from(found, before.get(found["LogicalResourceId"], {})) for found in resources]


def worked_out(cloudformation: Any, stack: str, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + LONGEST_WAIT
    while True:
        described: dict[str, Any] = cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)
        if described["Status"] in ("CREATE_COMPLETE", "FAILED"):
            return described
        if time.monotonic() > deadline:
            raise StageRefused(f"CloudFormation did not work out in {LONGEST_WAIT} s what would change in {stack}")
        time.sleep(1)


def change_from(found: Mapping[str, Any], before: Mapping[str, Any]) -> Change:
    replacing = {"True": "Replace", "Conditional": "Replace?"} if found["Action"] == "Modify" else {}
    targets = [detail.get("Target", {}) for detail in found.get("Details", [])]
    what = sorted({str(target.get("Name") or target.get("Attribute") or "") for target in targets} - {""})
    action = replacing.get(str(found.get("Replacement")), str(found["Action"]))
    spared = why_spared(action, found, before)
    return Change(action, str(found["LogicalResourceId"]), str(found["ResourceType"]), tuple(what), spared)


def why_spared(action: str, found: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Why nothing is lost with a removed resource, if so."""
    if before.get("DeletionPolicy" if action == "Remove" else "UpdateReplacePolicy") in RETAINED:
        return "what it holds is retained"
    if action == "Replace?" and found["ResourceType"] == TABLE and recreating(found) == {"AttributeDefinitions"}:
        return "replaced only if a key changes its type; a new index does not"
    return ""


def recreating(found: Mapping[str, Any]) -> set[str]:
    """The properties whose change may replace the resource."""
    targets = [detail.get("Target", {}) for detail in found.get("Details", [])]
    return {str(target.get("Name")) for target in targets if target.get("RequiresRecreation") != "Never"}
