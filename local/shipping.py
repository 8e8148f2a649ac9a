"""The commands that change or check a stage: deploy, plan, remove, smoke. Changes are confirmed first."""

import os
from collections.abc import Iterable

import click

from local import frameworks, plans, removal
from local.artifacts import Artifacts
from local.checkout import Checkout
from local.cloud import SERVICES
from local.deployment import (
    PROD,
    Deployment,
    DeploymentRefused,
    build,
    identity,
    refuse_ringing,
    refuse_unfit,
    refuse_unset,
)
from local.plans import Plan
from local.smoke import smoke
from local.stages import AwsStage, Stage, asking
from local.workspace import REPOSITORY, Workspace

HOME = REPOSITORY / ".local"


def chosen_services(service: str | None) -> tuple[str, ...]:
    return (service,) if service else SERVICES


def workspace_of(stage: str) -> Workspace:
    workspace = Workspace(HOME / "deployments" / stage)
    workspace.refresh()
    return workspace


def package(stage: str, artifacts: Artifacts, services: tuple[str, ...], tag: str | None) -> None:
    """Build the packages to deploy."""
    build(workspace_of(stage), stage, artifacts, services, tag)
    for service in services:
        click.echo(artifacts.zip(service))


def prepared(
    stage: Stage, services: tuple[str, ...], artifacts: Artifacts | None, settings: dict[str, str]
) -> Deployment:
    """With the existing packages, or else with new ones."""
    workspace = workspace_of(stage.stage)
    if artifacts is None:
        artifacts = Artifacts(workspace.root / "artifacts")
        build(workspace, stage.stage, artifacts, services, None)
    artifacts.check(services, Checkout())
    return Deployment(stage, workspace, artifacts, services, settings)


def deploy(
    stage: str, services: tuple[str, ...], artifacts: Artifacts | None, settings: dict[str, str], yes: bool
) -> bool:
    """Deploy to a stage on AWS; whether it works afterwards."""
    refuse_unfit(stage, Checkout(), artifacts)
    refuse_unset(stage, services, os.environ)
    target = AwsStage(stage)
    with asking(target):
        click.echo(identity(target))
        deployment = prepared(target, services, artifacts, settings)
        planned = show(deployment.plans())
        refuse_busy(planned)
        if any(not each.is_empty for each in planned):
            refuse_ringing(target, services, os.environ)
            confirm(stage, planned, yes)
            roll_out(deployment, planned)
        return tell_smoke(target, deployment.artifacts if services == SERVICES else None)


def plan(stage: Stage, services: tuple[str, ...], artifacts: Artifacts | None, settings: dict[str, str]) -> None:
    with asking(stage):
        click.echo(identity(stage), err=True)
        show(prepared(stage, services, artifacts, settings).plans())


def show(plans: Iterable[Plan]) -> list[Plan]:
    shown = []
    for each in plans:
        for line in each.lines():
            click.secho(line, fg="red" if "<- loses" in line else None)
        shown.append(each)
    return shown


def refuse_busy(planned: Iterable[Plan]) -> None:
    busy = [each.service for each in planned if each.is_busy]
    if busy:
        raise DeploymentRefused(f"{', '.join(busy)} is being deployed by somebody else: wait for that to end.")


def roll_out(deployment: Deployment, planned: Iterable[Plan]) -> None:
    """One after the other. Services after one that was deployed are planned again: its outputs may have changed."""
    is_outdated = False
    for before in planned:
        now = deployment.plan(before.service) if is_outdated else before
        if is_outdated:
            show([now])
            refuse_unforeseen(deployment.stage.stage, before, now)
        if now.is_empty:
            continue
        deployment.deploy(now.service)
        is_outdated = True


def refuse_unforeseen(stage: str, before: Plan, now: Plan) -> None:
    """Refuse losses that could not be known, and so were not confirmed."""
    refuse_busy([now])
    agreed = {loss.logical_id for loss in before.losses}
    found = [loss.logical_id for loss in now.losses if loss.logical_id not in agreed]
    if stage == PROD and found:
        raise DeploymentRefused(
            f"{', '.join(found)} of {now.service} would be replaced or removed, which was not known before. The "
            "services before it are deployed; deploy again to be asked about this."
        )


def confirm(stage: str, plans: list[Plan], yes: bool) -> None:
    """For prod, its name has to be typed. Losses of data are never confirmed in advance."""
    if stage != PROD:
        return
    losses = [str(loss.logical_id) for each in plans for loss in each.losses]
    if losses and yes:
        raise DeploymentRefused(f"{', '.join(losses)} would be replaced or removed on {stage}: deploy this by hand.")
    if losses:
        click.secho(f"What {', '.join(losses)} hold is replaced or removed.", fg="red", bold=True)
    if not yes:
        type_name(stage)


def type_name(stage: str) -> None:
    if click.prompt(f"Type the stage's name to go on ({stage})", default="", show_default=False) != stage:
        raise DeploymentRefused("Nothing was done.")


def tell_smoke(stage: Stage, artifacts: Artifacts | None = None) -> bool:
    """Whether everything works."""
    failed = 0
    with asking(stage):
        for check in smoke(stage, artifacts):
            click.secho(str(check), fg="red" if not check.is_well else "yellow" if check.warns else None)
            failed += not check.is_well
    click.echo(f"{stage.stage} works." if failed == 0 else f"{failed} checks failed on {stage.stage}.")
    return failed == 0


def remove(stage: str, services: tuple[str, ...], yes: bool) -> None:
    """Remove the stacks of a stage on AWS."""
    target = AwsStage(stage)
    with asking(target):
        click.echo(identity(target))
        removal.refuse_protected(target, services)
        removal.refuse_needed(target, services)
        found = list(removal.holdings(target, services))
        for holding in found:
            click.secho(str(holding), fg=None if holding.is_retained else "red")
        if stage == PROD or not yes:
            type_name(stage)
        take_away(target, workspace_of(stage), services)


def take_away(stage: Stage, workspace: Workspace, services: tuple[str, ...]) -> None:
    """Last deployed, first removed. A service's buckets are emptied right before: those of others may still be written
    to."""
    for service in reversed(services):
        if plans.describe(stage, stage.name(service)) is None:
            continue
        removal.empty_buckets(stage, list(removal.holdings(stage, (service,))))
        try:
            frameworks.run("sls", ["remove", "--stage", stage.stage], workspace.service(service), {})
        except frameworks.CommandFailed as failure:
            raise frameworks.CommandFailed(f"{failure}. Running it again goes on with {service}.") from failure
