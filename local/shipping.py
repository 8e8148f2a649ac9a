"""The commands that change a stage, and ask before: deploy, plan, remove, smoke."""

from collections.abc import Iterable

import click

from local import frameworks, removal
from local.artifacts import Artifacts
from local.checkout import Checkout
from local.cloud import SERVICES
from local.deployment import PROD, Deployment, DeploymentRefused, build, identity, refuse_unfit
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
    """With the packages there are, or else with new ones."""
    workspace = workspace_of(stage.stage)
    if artifacts is None:
        artifacts = Artifacts(workspace.root / "artifacts")
        build(workspace, stage.stage, artifacts, services, None)
    artifacts.check(services, Checkout())
    return Deployment(stage, workspace, artifacts, services, settings)


def deploy(
    stage: str, services: tuple[str, ...], artifacts: Artifacts | None, settings: dict[str, str], yes: bool
) -> bool:
    """To a stage on AWS; whether it works then."""
    refuse_unfit(stage, Checkout(), artifacts)
    target = AwsStage(stage)
    with asking(target):
        click.echo(identity(target))
        deployment = prepared(target, services, artifacts, settings)
        confirm(stage, show(deployment.plans()), yes)
        deployment.run()
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


def confirm(stage: str, plans: list[Plan], yes: bool) -> None:
    """Prod is deployed to by who says its name. What loses data is never agreed to beforehand."""
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
    """Whether everything is well."""
    failed = 0
    with asking(stage):
        for check in smoke(stage, artifacts):
            click.secho(str(check), fg=None if check.is_well else "red")
            failed += not check.is_well
    click.echo(f"{stage.stage} works." if failed == 0 else f"{failed} checks failed on {stage.stage}.")
    return failed == 0


def remove(stage: str, services: tuple[str, ...], yes: bool) -> None:
    """Take the stacks of a stage on AWS away."""
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
        removal.empty_buckets(target, found)
        workspace = workspace_of(stage)
        for service in reversed(services):
            frameworks.run("sls", ["remove", "--stage", stage], workspace.service(service), {})
