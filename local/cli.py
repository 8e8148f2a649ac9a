"""The commands behind the Makefile."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import ProfileNotFound

from local import (
    bootstrap,
    frameworks,
    functions,
    keys,
    letters,
    mail,
    maintenance,
    markets,
    rebuilding,
    report,
    samples,
    seeding,
    shipping,
    signin,
)
from local.artifacts import Artifacts, ArtifactsRefused
from local.cloud import SERVICES, FunctionFailed, LocalCloud, NotRunning, PortTaken, last_port
from local.deployment import DeploymentRefused
from local.loading import follow_load, start_load
from local.processes import CouldNotStart
from local.removal import RemovalRefused
from local.settings import DEFAULT_PORT, Upstreams, WrongSetting, sample_ports
from local.stages import AwsStage, Stage, StageRefused
from local.workspace import REPOSITORY
from watchkeeper.markets.maintenance import Word

HOME = REPOSITORY / ".local"
STAGES = ("local", "dev", "staging", "prod")
"""As in stages.yml."""
EXPECTED = (
    ArtifactsRefused,
    bootstrap.Missing,
    CouldNotStart,
    DeploymentRefused,
    frameworks.CommandFailed,
    functions.UnknownFunction,
    FunctionFailed,
    keys.KeysRefused,
    letters.LettersRefused,
    mail.NoMail,
    maintenance.WrongDuration,
    NotRunning,
    PortTaken,
    ProfileNotFound,
    rebuilding.RebuildRefused,
    RemovalRefused,
    seeding.SeedRefused,
    signin.SignInRefused,
    signin.UnknownUser,
    StageRefused,
    WrongSetting,
)


class Command(click.Group):
    """Shows errors that the user can act on without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except EXPECTED as problem:
            raise click.ClickException(str(problem)) from problem


@click.group(cls=Command)
@click.option(
    "--port",
    type=click.IntRange(1, 65000),
    envvar="PORT",
    help=f"the port of the local cloud; by default the last one used, or {DEFAULT_PORT}",
)
@click.option("--state", type=click.Path(path_type=Path), default=HOME / "state", help="where the cloud keeps its data")
@click.pass_context
def cli(context: click.Context, port: int | None, state: Path) -> None:
    """Watchkeeper on this machine."""
    known = last_port(state)
    cloud = LocalCloud(state.resolve(), port or known or DEFAULT_PORT)
    if cloud.pid is not None and known not in (None, cloud.port):
        raise click.ClickException(
            f"This clone's local cloud runs on port {known}: leave PORT= away, or `make down` first. "
            "Another clone can have its own at the same time."
        )
    context.obj = cloud


pass_cloud = click.make_pass_decorator(LocalCloud)


def upstream_options(command: Any) -> Any:
    """The settings of the functions; empty ones count as not given, since make passes those on."""
    for name, meaning in (
        ("lists", "comma-separated lists of lore"),
        ("projects", "comma-separated projects of Patchwork"),
        ("alphavantage-url", "AlphaVantage instead of the sample one"),
        ("alpaca-url", "Alpaca instead of the sample one"),
        ("expo-url", "Expo's push service instead of the sample one"),
        ("lore-url", "a lore server instead of the sample one"),
        ("patchwork-url", "a Patchwork server instead of the sample one"),
    ):
        command = click.option(f"--{name}", envvar=name.replace("-", "_").upper(), help=meaning)(command)
    return command


def chosen_upstreams(cloud: LocalCloud, choice: dict[str, str | None]) -> Upstreams:
    given = {name: value for name, value in choice.items() if value}
    vendors = keys.addresses(os.environ | {name.upper(): value for name, value in given.items()})
    given |= {name.lower(): address for name, address in vendors.items()}
    upstreams = Upstreams(**given, sample_ports=sample_ports(cloud.port))
    upstreams.check()
    keys.of_local(upstreams, os.environ)  # refuses invalid keys before anything is started
    return upstreams


@cli.command()
@upstream_options
@click.option("--wait", type=float, envvar="WAIT", help="seconds to follow the load, at most")
@pass_cloud
def up(cloud: LocalCloud, /, wait: float | None, **choice: str | None) -> None:
    """Start everything, deploy, and load the facts."""
    upstreams = chosen_upstreams(cloud, choice)
    with alone(cloud):
        start(cloud, upstreams)
        deploy_to(cloud, upstreams)
    complete = [load(cloud, "recent", wait), collect(cloud, wait)]
    for line in markets.summary(cloud, datetime.now(UTC)):
        click.echo(line)
    click.echo(report.welcome(cloud))
    sys.exit(0 if all(complete) else 1)


def start(cloud: LocalCloud, upstreams: Upstreams) -> None:
    samples.check_ports(cloud, upstreams)
    if not cloud.is_running:
        click.echo(f"Starting the local cloud on port {cloud.port} ...")
        cloud.start()
    if upstreams.need_samples:
        if samples.start(cloud, upstreams):
            click.echo("Started the sample upstreams.")
    else:
        samples.stop(cloud)


def deploy_to(cloud: LocalCloud, upstreams: Upstreams) -> None:
    log = cloud.state_dir / "deploy.log"
    click.echo("Deploying ingest, api and scheduler if they changed ...")
    try:
        with log.open("w") as output:
            deployed = cloud.deploy(upstreams, output)
    except frameworks.CommandFailed as failure:
        raise frameworks.CommandFailed(f"{log.read_text()}\n{failure}; the complete log is in {log}") from failure
    click.echo("Deployed." if deployed else "Nothing had changed.")
    for upstream, values in keys.of_local(upstreams, os.environ).items():
        if keys.put(cloud, upstream, values):
            click.echo(f"The keys of {upstream} are in its secret.")


def load(cloud: LocalCloud, mode: str, seconds: float | None) -> bool:
    """Whether everything is loaded."""
    click.echo("Reading everything again ..." if mode == "full" else "Loading what is missing ...")
    outcome = follow_load(cloud, start_load(cloud, mode), seconds, lambda line: click.echo(f"  {line}"))
    if outcome.finished:
        click.echo(f"All sources are loaded, after {outcome.seconds:.0f} s.")
    elif failing := [source for source in outcome.sources if source.error]:
        click.echo("Not everything could be loaded:")
        for source in failing:
            click.echo(f"  {source.name}: {source.error}")
        click.echo("The next schedule retries it, or `make ingest` once that is fixed.")
    else:
        click.echo("The load continues in the background; `make status` shows its progress.")
    return outcome.finished


def collect(cloud: LocalCloud, seconds: float | None) -> bool:
    """Whether the markets could be read."""
    click.echo("Reading the markets ...")
    collected = markets.collect(cloud, seconds, lambda line: click.echo(f"  {line}"))
    for failure in collected.failures:
        click.echo(f"  FAILS: {failure}")
    if collected.waiting:
        click.echo(f"{collected.waiting} assets are left in the queue; they are processed in the background.")
    return collected.finished


@cli.command()
@pass_cloud
def down(cloud: LocalCloud) -> None:
    """Stop what `up` started; the data stays."""
    with alone(cloud):
        stopped = [name for name, ran in (("sample upstreams", samples.stop(cloud)), ("cloud", cloud.stop())) if ran]
    click.echo(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


@cli.command()
@pass_cloud
def reset(cloud: LocalCloud) -> None:
    """Stop, and delete all data of the local cloud."""
    with alone(cloud):
        samples.stop(cloud)
        cloud.forget()
    click.echo("All local data is deleted.")


@cli.command()
@click.option("--stage", type=click.Choice(STAGES), default="local", show_default=True)
@click.option("--check", is_flag=True, help="exit with 1 if something needs attention")
@pass_cloud
def status(cloud: LocalCloud, stage: str, check: bool) -> None:
    """The board: functions, queues, dead letters, sources, health, breakers, alarms and schedules."""
    found = report.status(cloud if stage == cloud.stage else AwsStage(stage))
    click.echo(found)
    sys.exit(1 if check and found.troubles else 0)


STAGE = click.option("--stage", type=click.Choice(STAGES), default="local", show_default=True)
SERVICE = click.option("--service", type=click.Choice(SERVICES), help="only this one")
ARTIFACTS = click.option(
    "--artifacts", type=click.Path(file_okay=False, path_type=Path), help="packages built earlier by `package`"
)


@cli.command()
@upstream_options
@STAGE
@SERVICE
@ARTIFACTS
@click.option("--yes", is_flag=True, help="for pipelines: do not ask for confirmation")
@pass_cloud
def deploy(
    cloud: LocalCloud, /, stage: str, service: str | None, artifacts: Path | None, yes: bool, **choice: str | None
) -> None:
    """Deploy to a stage: the local cloud, or the AWS account of the current credentials."""
    if stage == cloud.stage:
        if service or artifacts:
            raise click.UsageError("The local cloud is deployed as a whole, from the sources.")
        with alone(require(cloud)):
            deploy_to(cloud, chosen_upstreams(cloud, choice))
        return
    packages = Artifacts(artifacts) if artifacts else None
    works = shipping.deploy(stage, shipping.chosen_services(service), packages, given(choice), yes)
    sys.exit(0 if works else 1)


def given(choice: dict[str, str | None]) -> dict[str, str]:
    return {name.upper(): value for name, value in choice.items() if value}


@cli.command()
@upstream_options
@STAGE
@SERVICE
@ARTIFACTS
@pass_cloud
def plan(cloud: LocalCloud, /, stage: str, service: str | None, artifacts: Path | None, **choice: str | None) -> None:
    """What a deployment to the stage would change."""
    is_local = stage == cloud.stage
    settings = cloud.environment() | chosen_upstreams(cloud, choice).environment() if is_local else given(choice)
    packages = Artifacts(artifacts) if artifacts else None
    shipping.plan(chosen_stage(cloud, stage), shipping.chosen_services(service), packages, settings)


@cli.command()
@STAGE
@pass_cloud
def smoke(cloud: LocalCloud, stage: str) -> None:
    """Whether what is deployed to the stage works."""
    sys.exit(0 if shipping.tell_smoke(chosen_stage(cloud, stage)) else 1)


@cli.command()
@STAGE
@SERVICE
@click.option("--yes", is_flag=True, help="do not ask for confirmation, except on prod")
@pass_cloud
def remove(cloud: LocalCloud, stage: str, service: str | None, yes: bool) -> None:
    """Remove a stage from AWS, with the data that is not retained."""
    if stage == cloud.stage:
        raise click.ClickException("The local cloud is deleted by `make reset`.")
    shipping.remove(stage, shipping.chosen_services(service), yes)


@cli.command()
@click.option("--stage", type=click.Choice(STAGES), default="prod", show_default=True)
@SERVICE
@click.option("--artifacts", type=click.Path(file_okay=False, path_type=Path), default=HOME / "artifacts")
@click.option("--tag", help="a tag that names the packages")
def package(stage: str, service: str | None, artifacts: Path, tag: str | None) -> None:
    """Build the packages, the same for every stage on AWS, into a folder from which `deploy` can use them."""
    shipping.package(stage, Artifacts(artifacts), shipping.chosen_services(service), tag)


@cli.command()
@click.option("--mode", type=click.Choice(["recent", "full"]), default="full", show_default=True)
@click.option("--wait", type=float, envvar="WAIT", help="seconds to wait, at most")
@pass_cloud
def ingest(cloud: LocalCloud, mode: str, wait: float | None) -> None:
    """Load facts now instead of at the next schedule."""
    complete = [load(require(cloud), mode, wait), collect(cloud, wait)]
    sys.exit(0 if all(complete) else 1)


@cli.command()
@click.argument("function")
@click.option("--stage", type=click.Choice(STAGES), default="local", show_default=True)
@click.option("--lines", default=200, show_default=True)
@click.option("--follow", is_flag=True)
@pass_cloud
def logs(cloud: LocalCloud, function: str, stage: str, lines: int, follow: bool) -> None:
    """Show a function's log."""
    only_local(stage, f"aws logs tail /aws/lambda/watchkeeper-{stage}-{functions.known(function)} --since 1h")
    for line in functions.log_lines(require(cloud), functions.known(function), lines, follow):
        click.echo(line)


@cli.command()
@click.argument("function")
@click.option("--stage", type=click.Choice(STAGES), default="local", show_default=True)
@click.option("--event", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="a JSON file")
@click.option("--here", is_flag=True, help="run the sources on this machine instead of the deployed function")
@pass_cloud
def invoke(cloud: LocalCloud, function: str, stage: str, event: Path | None, here: bool) -> None:
    """Invoke a function with `sls invoke`, or run it with `sls invoke local`."""
    service = functions.service_of(functions.known(function))
    only_local(stage, f"cd services/{service} && ../../node_modules/.bin/sls invoke --stage {stage} -f {function}")
    refuse_rubbish(event)
    arguments = ["invoke", *(["local"] if here else []), "--function", function, "--stage", cloud.stage]
    arguments += ["--path", str(event.resolve())] if event else ["--data", "{}"]
    settings = require(cloud).environment() | samples.environment(cloud)
    if here:
        cloud.workspace.refresh()
        settings["PYTHONPATH"] = os.pathsep.join([str(REPOSITORY / "libs" / "common" / "src")])
    else:
        arguments.append("--log")
    frameworks.run("sls", arguments, cloud.workspace.service(service), settings)


@cli.command()
@click.option("--stage", type=click.Choice(STAGES), default="local", show_default=True)
@click.option("--queue", help="threads, facts, failures and so on; default: counts of all")
@click.option("--id", "letter_id", help="one dead letter; default: all of the queue")
@click.option("--redrive", is_flag=True, help="send the work again")
@click.option("--drop", "reason", help="delete, for this reason, which is logged")
@pass_cloud
def dlq(
    cloud: LocalCloud, stage: str, queue: str | None, letter_id: str | None, redrive: bool, reason: str | None
) -> None:
    """Dead letters: count, list, show, redrive, or drop them with a reason."""
    if redrive and reason:
        raise click.UsageError("Either redrive or drop.")
    if queue is None and (letter_id or redrive or reason):
        raise click.UsageError("Say which queue: QUEUE=threads")
    lines, complete = tend_letters(chosen_stage(cloud, stage), queue, letter_id, redrive, reason)
    for line in lines:
        click.echo(line)
    sys.exit(0 if complete else 1)


def tend_letters(
    stage: Stage, queue: str | None, letter_id: str | None, redrive: bool, reason: str | None
) -> tuple[Iterable[str], bool]:
    """The lines to print, and whether everything was done."""
    if queue is None:
        return letters.counted(stage), True
    if redrive:
        return letters.redriven(stage, queue, letter_id)
    if reason:
        return letters.dropped(stage, queue, letter_id, reason)
    return (letters.shown(stage, queue, letter_id) if letter_id else letters.listed(stage, queue)), True


def chosen_stage(cloud: LocalCloud, stage: str) -> Stage:
    return require(cloud) if stage == cloud.stage else AwsStage(stage)


@cli.command("mail")
@pass_cloud
def show_mail(cloud: LocalCloud) -> None:
    """The last mail the local cloud sent."""
    click.echo(mail.last(require(cloud)))


@cli.command()
@click.argument("email")
@STAGE
@pass_cloud
def login(cloud: LocalCloud, email: str, stage: str) -> None:
    """Sign in to the local cloud, and print the access token and nothing else."""
    only_local(stage, "POST /api/v1/auth/login, then verify with the code that was mailed, as docs/api.md shows")
    click.echo(signin.access_token(require(cloud), email))


@cli.command()
@click.argument("email")
@click.option("--group", type=click.Choice(signin.GROUPS), required=True)
@click.option("--stage", type=click.Choice(STAGES), default="local", show_default=True)
@click.option("--revoke", is_flag=True, help="remove them from the group")
@pass_cloud
def grant(cloud: LocalCloud, email: str, group: str, stage: str, revoke: bool) -> None:
    """Add a person to a group, or remove them; it takes effect with their next tokens."""
    chosen = chosen_stage(cloud, stage)
    if revoke:
        signin.revoke(chosen, email, group)
    else:
        signin.grant(chosen, email, group)
    click.echo(f"{email} is {'no longer' if revoke else 'now'} {group} on {stage}, from the next login or refresh on.")


@cli.command()
@click.option("--email", default=seeding.EMAIL, show_default=True, help="the account that gets the data")
@click.option("--stage", type=click.Choice(STAGES), default="local", show_default=True)
@pass_cloud
def seed(cloud: LocalCloud, email: str, stage: str) -> None:
    """Create a person with sample data on a stage; anything that exists is left unchanged."""
    seeding.refuse_stages_of_people(stage)
    for line in seeding.told(stage, seeding.seed(chosen_stage(cloud, stage), email, datetime.now(UTC))):
        click.echo(line)


@cli.command("maintenance")
@STAGE
@click.option("--open", "opened", metavar="DURATION", help="work continues for this long, on any day: 30m, 6h, 2d")
@click.option("--close", "closed", metavar="DURATION", help="work pauses for this long")
@click.option("--clear", is_flag=True, help="back to the days of stages.yml")
@pass_cloud
def tend_maintenance(cloud: LocalCloud, stage: str, opened: str | None, closed: str | None, clear: bool) -> None:
    """Show or override the maintenance window of the markets watch."""
    if sum(map(bool, (opened, closed, clear))) > 1:
        raise click.UsageError("One of OPEN=, CLOSE= and CLEAR=1.")
    chosen, now = chosen_stage(cloud, stage), datetime.now(UTC)
    if word := opened or closed:
        maintenance.say(chosen, Word.OPEN if opened else Word.CLOSED, maintenance.duration(word), now)
    if clear:
        maintenance.unsay(chosen)
    for line in maintenance.told(chosen, now):
        click.echo(line)


@cli.command()
@click.argument("model")
@click.option("--leave-out", is_flag=True, help="Continue without events that cannot be read.")
@STAGE
@pass_cloud
def rebuild(cloud: LocalCloud, model: str, leave_out: bool, stage: str) -> None:
    """Rebuild a read model, or all of them, from all events; until then, the current rows are read and written."""
    models = rebuilding.chosen(model)
    chosen = chosen_stage(cloud, stage)
    for one in models:
        for line in rebuilding.rebuilt(chosen, one, leave_out=leave_out):
            click.echo(line)


@cli.command("keys")
@click.option("--upstream", type=click.Choice(tuple(keys.KEYS)), required=True)
@STAGE
@pass_cloud
def put_keys(cloud: LocalCloud, upstream: str, stage: str) -> None:
    """Put our keys to a markets upstream into its secret: from the environment, or from a hidden prompt."""
    chosen = chosen_stage(cloud, stage)
    is_new = keys.put(chosen, upstream, keys.said(upstream, os.environ, ask_unseen))
    keys.resume(chosen, upstream)
    done = "are in" if is_new else "were already in"
    click.echo(f"The keys of {upstream} for {keys.hosts(chosen, upstream)} {done} the secret {chosen.name(upstream)}.")
    click.echo("The functions read them within five minutes, and at once when the old ones are refused.")


def ask_unseen(variable: str) -> str:
    if not is_terminal():
        raise keys.KeysRefused(f"{variable} is not set, and there is no terminal to ask for it")
    return str(click.prompt(variable, hide_input=True, default="", show_default=False))


def is_terminal() -> bool:
    return sys.stdin.isatty()


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> None:
    """Run the benchmarks."""
    command = [sys.executable, "-m", "benchmarks", *arguments]
    sys.exit(subprocess.run(command, cwd=REPOSITORY, check=False).returncode)


def only_local(stage: str, instead: str) -> None:
    if stage != "local":
        raise click.ClickException(f"This is for the local cloud. For {stage}, with its credentials: {instead}")


def refuse_rubbish(event: Path | None) -> None:
    try:
        json.loads(event.read_text() if event else "{}")
    except ValueError as error:
        raise click.ClickException(f"{event} is not JSON: {error}") from error


def require(cloud: LocalCloud) -> LocalCloud:
    if not cloud.is_running:
        raise NotRunning(f"The local cloud does not run on port {cloud.port}: make up")
    return cloud


@contextmanager
def alone(cloud: LocalCloud) -> Iterator[None]:
    """Only one command at a time may change the cloud."""
    cloud.state_dir.parent.mkdir(parents=True, exist_ok=True)
    with cloud.state_dir.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            raise click.ClickException("Another command is starting or stopping this local cloud.") from busy
        yield
