"""Every service packaged once, as it would be deployed to production."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.frameworks import CommandFailed, run
from local.settings import cloud_runtime, runtime_environment
from local.workspace import Workspace
from tests.infra.packages import Package

SERVICES = ("ingest", "api", "scheduler")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Package]:
    workspace = Workspace(tmp_path_factory.mktemp("production"))
    workspace.refresh()
    with ThreadPoolExecutor(max_workers=2) as pool:
        made = pool.map(lambda service: package(workspace, service, "prod"), SERVICES)
        return dict(zip(SERVICES, made, strict=True))


@pytest.fixture(scope="session")
def local_ingest(tmp_path_factory: pytest.TempPathFactory) -> Package:
    workspace = Workspace(tmp_path_factory.mktemp("local"))
    workspace.refresh()
    return package(workspace, "ingest", "local")


def package(workspace: Workspace, service: str, stage: str) -> Package:
    folder = workspace.service(service)
    log = workspace.root / f"{service}.log"
    with log.open("w") as output:
        try:
            settings = runtime_environment() | {"WATCHKEEPER_RUNTIME": cloud_runtime()}
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
