"""Every service packaged once, as it would be deployed to production, and from the same zips for staging."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

import pytest

from local.frameworks import CommandFailed, run
from local.settings import cloud_runtime, runtime_environment
from local.workspace import REPOSITORY, Workspace
from tests.infra.packages import Package

SERVICES = ("ingest", "api", "scheduler")
OPEN_STAGES = ("local", "dev")
OPERATORS = "operators@watchkeeper.example"
"""Who is told of staging's alarms."""
CACHES = {"local": str(REPOSITORY / ".local" / "cache" / "infra")}
"""Of requirements: the end-to-end tests, which may run beside these, deploy to local and fill the usual one."""


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Package]:
    workspace = Workspace(tmp_path_factory.mktemp("production"))
    workspace.refresh()
    with ThreadPoolExecutor(max_workers=2) as pool:
        made = pool.map(lambda service: package(workspace, service, "prod"), SERVICES)
        return dict(zip(SERVICES, made, strict=True))


@pytest.fixture(scope="session")
def packages_of_staging(packages: dict[str, Package], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Package]:
    workspace = Workspace(tmp_path_factory.mktemp("staging"))
    workspace.refresh()
    built = tmp_path_factory.mktemp("artifacts")
    for found in packages.values():
        (built / found.artifact.name).symlink_to(found.artifact)
    settings = {"WATCHKEEPER_ARTIFACTS": str(built), "ALARMS_MAIL": OPERATORS}
    with ThreadPoolExecutor(max_workers=2) as pool:
        made = pool.map(lambda service: package(workspace, service, "staging", settings), SERVICES)
        return dict(zip(SERVICES, made, strict=True))


@pytest.fixture(scope="session")
def ingest_of_stage(
    packages_of_staging: dict[str, Package], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Package]:
    """Ingest as the other stages would have it."""
    workspaces = {stage: Workspace(tmp_path_factory.mktemp(stage)) for stage in OPEN_STAGES}
    for workspace in workspaces.values():
        workspace.refresh()
    with ThreadPoolExecutor(max_workers=2) as pool:
        made = pool.map(lambda stage: package(workspaces[stage], "ingest", stage), OPEN_STAGES)
        return {**dict(zip(OPEN_STAGES, made, strict=True)), "staging": packages_of_staging["ingest"]}


@pytest.fixture(scope="session")
def local_ingest(ingest_of_stage: dict[str, Package]) -> Package:
    return ingest_of_stage["local"]


def package(workspace: Workspace, service: str, stage: str, given: Mapping[str, str] = MappingProxyType({})) -> Package:
    folder = workspace.service(service)
    log = workspace.root / f"{service}.log"
    with log.open("w") as output:
        try:
            settings = runtime_environment() | {"WATCHKEEPER_RUNTIME": cloud_runtime()}
            settings |= {"WATCHKEEPER_CACHE": CACHES[stage]} if stage in CACHES else {}
            settings |= given
            run("sls", ["package", "--stage", stage], folder, settings, output)
        except CommandFailed:
            pytest.fail(log.read_text())
    return Package.read(service, folder / ".serverless")


@pytest.fixture(params=SERVICES)
def package_of_service(request: pytest.FixtureRequest, packages: dict[str, Package]) -> Package:
    return packages[request.param]


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).resolve().parents[2]
