"""One deployment: which packages go to which stage, what that would change, and its preconditions."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml
from botocore.exceptions import ClientError, NoCredentialsError, ProfileNotFound, TokenRetrievalError

from local import frameworks, plans
from local.artifacts import Artifacts
from local.checkout import Checkout
from local.cloud import SERVICES
from local.plans import Packaged, Plan
from local.settings import runtime_environment
from local.stages import Stage, StageRefused, region_of
from local.workspace import REPOSITORY, Workspace

TEMPLATE = "cloudformation-template-update-stack.json"
PROD = "prod"
RELIED_ON = ("staging", PROD)
SAID_BY_OPERATORS: Mapping[str, tuple[str, str]] = {
    "CORS_ORIGINS": ("the pages whose scripts may ask the API, divided by commas", "https://watchkeeper.example"),
    "MAIL_FROM": ("who mails the codes people sign in with", "sign-in@watchkeeper.example"),
    "MAIL_IDENTITY": ("what SES has verified, the domain of MAIL_FROM or that address", "watchkeeper.example"),
}
"""Variables of stages.yml that are required on stages that others rely on: their meaning, and an example."""


class DeploymentRefused(Exception):
    """Something has to be corrected first."""


def identity(stage: Stage) -> str:
    """A description of the target account; raises `StageRefused` without credentials."""
    profile = os.environ.get("AWS_PROFILE")
    try:
        caller = stage.client("sts").get_caller_identity()
    except (NoCredentialsError, ProfileNotFound, TokenRetrievalError) as error:
        raise StageRefused(f"No credentials of AWS: {error}. Sign in, and name the profile: PROFILE=...") from error
    except ClientError as error:
        raise StageRefused(f"These credentials are not accepted: {error}") from error
    return (
        f"Stage {stage.stage} in account {caller['Account']}, region {region_of(stage.stage)}, "
        f"profile {profile or 'none'}, as {caller['Arn']}"
    )


def refuse_unfit(stage: str, checkout: Checkout, artifacts: Artifacts | None = None) -> None:
    """Prod runs only what others can find and rebuild."""
    if stage != PROD:
        return
    if checkout.changes:
        raise DeploymentRefused(f"Not from this for prod, it is not committed:\n{chr(10).join(checkout.changes[:20])}")
    if not checkout.is_published:
        raise DeploymentRefused("Prod runs only commits that a remote's branch or a tag has: push it first.")
    if artifacts and not artifacts.are_committed:
        raise DeploymentRefused(f"Not for prod: {artifacts.folder} was built from sources that were not committed.")


def refuse_unset(stage: str, services: tuple[str, ...], settings: Mapping[str, str]) -> None:
    """Stages that others rely on have no defaults for values that only the operator knows."""
    if stage not in RELIED_ON or "api" not in services:
        return
    for name, (meaning, example) in SAID_BY_OPERATORS.items():
        if not settings.get(name):
            raise DeploymentRefused(
                f"{name} is not set: say {meaning}, {name}={example}; "
                f"for the pipeline: gh variable set {name} --env {stage} --body {example}"
            )


def refuse_ringing(stage: Stage, services: tuple[str, ...], settings: Mapping[str, str]) -> None:
    """Checked before the first service: each would refuse separately, with the previous ones already deployed."""
    if settings.get("IGNORE_ALARMS") == "1":
        return
    names = [f"{stage.name(service)}-deployment" for service in services]
    found = stage.client("cloudwatch").describe_alarms(AlarmNames=names, AlarmTypes=["CompositeAlarm"])
    ringing = [alarm["AlarmName"] for alarm in found["CompositeAlarms"] if alarm["StateValue"] == "ALARM"]
    if ringing:
        raise DeploymentRefused(
            f"{', '.join(ringing)} rings: what is deployed now would be rolled back. Nothing was done. "
            "To deploy what mends it: IGNORE_ALARMS=1, or gh workflow run release.yml -f ignore_alarms=true"
        )


@dataclass(frozen=True)
class Deployment:
    stage: Stage
    workspace: Workspace
    artifacts: Artifacts
    services: tuple[str, ...] = SERVICES
    settings: Mapping[str, str] = field(default_factory=dict)
    """Variables for the framework, in addition to this process's environment."""

    def plans(self) -> Iterator[Plan]:
        for service in self.services:
            yield self.plan(service)

    def plan(self, service: str) -> Plan:
        """With the current outputs of the services before it."""
        return plans.plan(self.stage, self.package(service))

    def package(self, service: str) -> Packaged:
        """Compile the template for the existing zip."""
        self._package(service)
        folder = self.workspace.service(service) / ".serverless"
        provider = json.loads((folder / "serverless-state.json").read_text())["service"]["provider"]
        return Packaged(
            service,
            template=json.loads((folder / TEMPLATE).read_text()),
            tags=provider["stackTags"],
            code_sha256=self.artifacts.code_sha256(service),
            is_protected=bool(provider["deletionProtection"]),
        )

    def deploy(self, service: str) -> None:
        """Forced: the framework compares with the last upload, which may have been rolled back since."""
        arguments = ["deploy", "--force", *self._stage, *self._handed_on(service)]
        frameworks.run("sls", arguments, self.workspace.service(service), self._environment)

    def _package(self, service: str) -> None:
        """Silently, unless it fails."""
        log = self.workspace.root / "package.log"
        arguments = ["package", *self._stage, *self._handed_on(service)]
        with log.open("w") as output:
            try:
                frameworks.run("sls", arguments, self.workspace.service(service), self._environment, output)
            except frameworks.CommandFailed as failure:
                raise frameworks.CommandFailed(f"{log.read_text()}\n{failure}") from failure

    @property
    def _environment(self) -> dict[str, str]:
        return {**self.settings, "WATCHKEEPER_ARTIFACTS": str(self.artifacts.folder.resolve())}

    @property
    def _stage(self) -> list[str]:
        return ["--stage", self.stage.stage]

    def _handed_on(self, service: str) -> list[str]:
        """What serverless-compose.yml passes on, as far as the source services are deployed."""
        composed = yaml.safe_load((self.workspace.root / "serverless-compose.yml").read_text())["services"][service]
        found: dict[str, str] = {}
        for name, source in composed.get("params", {}).items():
            if (value := self._output(source)) is not None:
                found[name] = value
        return [f"--param={name}={value}" for name, value in found.items()]

    def _output(self, source: str) -> str | None:
        reference = re.fullmatch(r"\$\{(\w+)\.(\w+)\}", source)
        if reference is None:
            raise ValueError(f"serverless-compose.yml passes on what is no output: {source}")
        stack = plans.describe(self.stage, self.stage.name(reference[1]))
        outputs = {output["OutputKey"]: output["OutputValue"] for output in (stack or {}).get("Outputs", [])}
        return outputs.get(reference[2])


def build(workspace: Workspace, stage: str, artifacts: Artifacts, services: tuple[str, ...], tag: str | None) -> None:
    """Package the services, and collect the zips."""
    built = {}
    for service in services:
        folder = workspace.service(service)
        frameworks.run("sls", ["package", "--stage", stage], folder, runtime_environment())
        built[service] = folder / ".serverless" / f"watchkeeper-{service}.zip"
    artifacts.collect(built, Checkout(REPOSITORY), tag)
