"""The roles of functions and state machines: what each may do, and the outcome of the calls made with it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, NamedTuple

from local.cloud import LocalCloud

Json = Mapping[str, Any]


class Permission(NamedTuple):
    """An action on a resource; in what was granted, both may be patterns."""

    action: str
    resource: str

    def covers(self, other: "Permission") -> bool:
        """Actions are compared as IAM does it, without regard to case."""
        return fnmatchcase(other.action.lower(), self.action.lower()) and fnmatchcase(other.resource, self.resource)


@dataclass(frozen=True)
class Actor:
    """Something deployed that does things, and the role it does them with."""

    cloud: LocalCloud
    name: str
    role: str

    @cached_property
    def granted(self) -> frozenset[Permission]:
        """By the policies that are part of the role."""
        iam = self.cloud.client("iam")
        names = iam.list_role_policies(RoleName=self.role)["PolicyNames"]
        policies = [iam.get_role_policy(RoleName=self.role, PolicyName=name)["PolicyDocument"] for name in names]
        return frozenset(permission for policy in policies for permission in _permissions(policy))

    @contextmanager
    def without(self, permission: Permission) -> Iterator[None]:
        """Deny it, as if it had been taken away."""
        refused = {"Effect": "Deny", "Action": permission.action, "Resource": permission.resource}
        policy = {"RoleName": self.role, "PolicyName": "taken-away"}
        iam = self.cloud.client("iam")
        document = json.dumps({"Version": "2012-10-17", "Statement": [refused]})
        iam.put_role_policy(**policy, PolicyDocument=document)
        try:
            yield
        finally:
            iam.delete_role_policy(**policy)

    @property
    def attached(self) -> list[str]:
        """Policies that are kept elsewhere."""
        attached = self.cloud.client("iam").list_attached_role_policies(RoleName=self.role)["AttachedPolicies"]
        return [policy["PolicyArn"] for policy in attached]

    def called(self, *, allowed: bool) -> set[Permission]:
        """What its own code asked for; a test that borrows the role gives its session another name."""
        mine = [line for line in _decisions(self.cloud) if (line["role"], line["session"]) == (self.role, self.name)]
        return {Permission(line["action"], line["resource"]) for line in mine if line["allowed"] is allowed}

    def sources_of(self, service: str) -> set[str]:
        """The queues or streams that AWS hands it the records of."""
        return set()

    def destinations(self) -> set[str]:
        """Where AWS puts what it failed on."""
        return set()


@dataclass(frozen=True)
class Machine(Actor):
    """A state machine."""


@dataclass(frozen=True)
class Function(Actor):
    """A function."""

    @cached_property
    def sources(self) -> list[Json]:
        """The queues and streams whose records AWS hands to it."""
        answer = self.cloud.functions.list_event_source_mappings(FunctionName=self.name)
        return [dict(source) for source in answer["EventSourceMappings"]]

    def sources_of(self, service: str) -> set[str]:
        arns = {str(source["EventSourceArn"]) for source in self.sources}
        return {arn for arn in arns if arn.split(":")[2] == service}

    def destinations(self) -> set[str]:
        functions = self.cloud.functions
        asynchronous = functions.list_function_event_invoke_configs(FunctionName=self.name)
        configured: list[Any] = [*asynchronous["FunctionEventInvokeConfigs"], *self.sources]
        failures = [one.get("DestinationConfig", {}).get("OnFailure", {}) for one in configured]
        return {str(failure["Destination"]) for failure in failures if failure.get("Destination")}


def deployed_functions(cloud: LocalCloud) -> list[Function]:
    pages = cloud.functions.get_paginator("list_functions").paginate()
    listed = {str(one["FunctionName"]): _role(one["Role"]) for page in pages for one in page["Functions"]}
    return [Function(cloud, name, role) for name, role in listed.items() if name.startswith(cloud.name(""))]


def deployed_machines(cloud: LocalCloud) -> list[Machine]:
    client = cloud.client("stepfunctions")
    listed = [one for one in client.list_state_machines()["stateMachines"] if one["name"].startswith(cloud.name(""))]
    described = [client.describe_state_machine(stateMachineArn=one["stateMachineArn"]) for one in listed]
    return [Machine(cloud, one["name"], _role(one["roleArn"])) for one in described]


def _role(arn: str) -> str:
    return arn.rpartition("/")[2]


def _permissions(policy: Json) -> Iterator[Permission]:
    for statement in _as_list(policy["Statement"]):
        assert statement["Effect"] == "Allow", statement
        for action in _as_list(statement["Action"]):
            for resource in _as_list(statement["Resource"]):
                yield Permission(action, resource)


def _decisions(cloud: LocalCloud) -> Iterable[Json]:
    assert cloud.decisions is not None
    return map(json.loads, cloud.decisions.read_text().splitlines())


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
