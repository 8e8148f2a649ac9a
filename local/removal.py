"""Removing a stage: what prevents accidents, what is deleted, and what is retained."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local import plans
from local.cloud import SERVICES
from local.plans import HOLD_DATA, RETAINED
from local.stages import Stage

UNPROTECT = """Stage {stage} is protected from deletion: {stacks}.
To remove it all the same, say so in a commit of its own: `deletionProtection: false` for {stage} in stages.yml. Deploy
that, so that the protection is off where it holds, and ask again. Tables and buckets are retained even then."""


class RemovalRefused(Exception):
    """The stage is protected, or others still need what was to be removed."""


@dataclass(frozen=True)
class Holding:
    """Something that holds data."""

    kind: str
    name: str
    is_retained: bool

    def __str__(self) -> str:
        return f"{'stays' if self.is_retained else 'goes '}  {self.kind:32} {self.name}"


def refuse_protected(stage: Stage, services: tuple[str, ...]) -> None:
    stacks = [stage.name(service) for service in services]
    protected = [name for name in stacks if (plans.describe(stage, name) or {}).get("EnableTerminationProtection")]
    if protected:
        raise RemovalRefused(UNPROTECT.format(stage=stage.stage, stacks=", ".join(protected)))


def refuse_needed(stage: Stage, services: tuple[str, ...]) -> None:
    """Services that are deployed later may use the resources of earlier ones."""
    later = SERVICES[SERVICES.index(services[0]) + len(services) :]
    deployed = [service for service in later if plans.describe(stage, stage.name(service))]
    if deployed:
        raise RemovalRefused(f"{', '.join(services)} goes after {' and '.join(reversed(deployed))}: remove that first.")


def holdings(stage: Stage, services: tuple[str, ...]) -> Iterator[Holding]:
    """Everything with data in the stacks of these services."""
    for service in services:
        stack = stage.name(service)
        if plans.describe(stage, stack) is None:
            continue
        declared = plans.deployed_template(stage, stack)["Resources"]
        pages = stage.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
        for page in pages:
            for resource in page["StackResourceSummaries"]:
                if is_held(resource) and resource["LogicalResourceId"] in declared:
                    yield holding(resource, declared[resource["LogicalResourceId"]])


def is_held(resource: dict[str, Any]) -> bool:
    """A failed removal has left what it did not reach."""
    return resource["ResourceType"] in HOLD_DATA and resource.get("ResourceStatus") != "DELETE_COMPLETE"


def holding(resource: dict[str, Any], declared: dict[str, Any]) -> Holding:
    retained = declared.get("DeletionPolicy") in RETAINED
    return Holding(str(resource["ResourceType"]), str(resource["PhysicalResourceId"]), retained)


def empty_buckets(stage: Stage, going: list[Holding]) -> None:
    """A bucket can only be deleted when it is empty."""
    s3 = stage.client("s3")
    for bucket in (found.name for found in going if found.kind == "AWS::S3::Bucket" and not found.is_retained):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
            if objects:
                answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
                if left := answer.get("Errors"):
                    raise RemovalRefused(f"{bucket} keeps {len(left)} objects: {left[0].get('Message', left[0])}")
