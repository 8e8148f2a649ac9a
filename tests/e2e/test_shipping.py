"""What is reported about a deployment before and after it, on the deployed system."""

import shutil
from dataclasses import replace
from io import BytesIO
from zipfile import ZipFile

import pytest

from local.artifacts import Artifacts
from local.checkout import Checkout
from local.cloud import SERVICES
from local.deployment import Deployment, identity
from local.plans import deployed_template
from local.settings import Upstreams as UpstreamSettings
from local.shipping import roll_out
from local.smoke import smoke
from local.workspace import Workspace
from tests.e2e.system import System

INVOCABLE = (
    "fetch-patches",
    "fetch-discussions",
    "fetch-threads",
    "publish-changes",
    "kernel",
    "people",
    "erase",
    "ferments",
    "markets",
    "pollenate-asset",
    "check-freshness",
    "process-reminders",
    "check-push-receipts",
    "trigger-earnings-pollenation",
    "trigger-regular-pollenation",
    "check-coverage",
    "check-dead-letters",
    "dead-letters",
    "evaluate-alerts",
    "healthz",
    "observability-commands",
    "observability-queries",
    "publish-events",
    "publish-facts",
    "rebuild-read-model",
    "record-facts",
    "watch-access",
)


@pytest.fixture(scope="module")
def deployment(system: System, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The same sources with the same settings, and the very zips that were deployed."""
    folder = tmp_path_factory.mktemp("deployment")
    before = system.cloud.workspace
    artifacts = Artifacts(folder / "artifacts")
    built = {name: before.service(name) / ".serverless" / f"watchkeeper-{name}.zip" for name in SERVICES}
    artifacts.collect(built, Checkout(), None)
    root = folder / "workspace"
    shutil.copytree(before.root, root, symlinks=True, ignore=shutil.ignore_patterns(".serverless"))
    upstreams = system.upstreams
    settings = system.cloud.environment() | UpstreamSettings(sample_ports=upstreams.ports).environment()
    return Deployment(system.cloud, Workspace(root), artifacts, SERVICES, settings)


def test_deploying_the_same_again_changes_nothing(system: System, deployment: Deployment) -> None:
    plans, before = list(deployment.plans()), templates(system)

    roll_out(deployment, plans)

    assert [plan.lines() for plan in plans] == [[f"{service}: unchanged"] for service in SERVICES]
    assert templates(system) == before


def test_what_was_rolled_back_is_deployed_again_though_it_was_uploaded_before(
    system: System, deployment: Deployment
) -> None:
    name = system.cloud.name("check-freshness")
    system.cloud.functions.update_function_code(FunctionName=name, ZipFile=zip_of("other = True"))
    before = templates(system)
    alone = replace(deployment, services=("scheduler",))

    plans = list(alone.plans())
    roll_out(alone, plans)

    assert "CheckDashfreshnessLambdaFunction" in {change.logical_id for change in plans[0].changes}
    running = system.cloud.functions.get_function_configuration(FunctionName=name)
    assert running["CodeSha256"] == deployment.artifacts.code_sha256("scheduler")
    assert templates(system)["scheduler"] != before["scheduler"]
    system.cloud.invoke("check-freshness", {})


def templates(system: System) -> dict[str, object]:
    """What was deployed last; each deployment has its own place for the zip."""
    return {service: deployed_template(system.cloud, system.cloud.stack_name(service)) for service in SERVICES}


def zip_of(source: str) -> bytes:
    packed = BytesIO()
    with ZipFile(packed, "w") as archive:
        archive.writestr("other.py", source)
    return packed.getvalue()


def test_what_would_change_is_told_and_is_not_done(system: System, deployment: Deployment) -> None:
    other = {**deployment.settings, "CONTACT": "https://watchkeeper.example/somebody-else"}
    changed = Deployment(system.cloud, deployment.workspace, deployment.artifacts, ("ingest",), other)

    [plan] = changed.plans()

    modified = {change.logical_id: change.what for change in plan.changes if change.action == "Modify"}
    assert modified["FetchDashpatchesLambdaFunction"] == ("Environment",)
    assert plan.losses == []
    name = system.cloud.name("fetch-patches")
    running = system.cloud.functions.get_function_configuration(FunctionName=name)
    assert running["Environment"]["Variables"]["CONTACT"] != other["CONTACT"]
    stack = system.cloud.stack_name("ingest")
    left = system.cloud.cloudformation.list_change_sets(StackName=stack)["Summaries"]
    assert [found["ChangeSetName"] for found in left if found["ChangeSetName"].startswith("plan-")] == []


def test_the_deployed_system_passes_its_smoke_test(system: System, deployment: Deployment) -> None:
    checks = list(smoke(system.cloud, deployment.artifacts))

    assert [str(check) for check in checks if not check.is_well] == []
    assert {check.thing.partition(" ")[0] for check in checks} >= {"stack", "function", "schedule", "dead", "GET"}
    invoked = {check.thing for check in checks if check.thing.startswith("invoke ")}
    assert invoked == {f"invoke {system.cloud.name(name)}" for name in INVOCABLE}


def test_a_schedule_switched_off_by_hand_is_found(system: System) -> None:
    events = system.cloud.client("events")
    events.disable_rule(Name=system.cloud.name("check-freshness"))
    try:
        found = [check.thing for check in smoke(system.cloud) if not check.is_well]
    finally:
        events.enable_rule(Name=system.cloud.name("check-freshness"))

    assert found == [f"schedule {system.cloud.name('check-freshness')}"]


def test_whose_account_it_is_is_told(system: System) -> None:
    assert identity(system.cloud).startswith("Stage local in account 000000000000, region us-east-1")
