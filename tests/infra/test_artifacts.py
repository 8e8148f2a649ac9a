"""One artefact for all stages: the same sources produce the same bytes, and the build is deployed unchanged."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.frameworks import CommandFailed, run
from local.settings import cloud_runtime, runtime_environment
from local.workspace import Workspace
from tests.infra.packages import TEMPLATE, Package


@pytest.fixture(scope="module")
def sources(packages: dict[str, Package]) -> Path:
    """The very sources the packages were made from."""
    return packages["ingest"].template_file.parents[3]


@pytest.fixture(scope="module")
def elsewhere(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Another folder, by a stricter user, with files of other dates, and nothing installed before."""
    return Workspace(copied(sources, tmp_path_factory.mktemp("elsewhere") / "much" / "deeper"))


def copied(sources: Path, target: Path) -> Path:
    with umask(0o077):
        shutil.copytree(
            sources, target, symlinks=True, copy_function=shutil.copyfile, ignore=shutil.ignore_patterns(".serverless")
        )
    return target


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def package(workspace: Workspace, service: str, stage: str, **settings: str) -> Path:
    """The folder with what was made."""
    log = workspace.root / f"{service}-{stage}.log"
    environment = runtime_environment() | {"WATCHKEEPER_RUNTIME": cloud_runtime(), **settings}
    with log.open("w") as output, umask(0o077):
        try:
            run("sls", ["package", "--stage", stage], workspace.service(service), environment, output)
        except CommandFailed as failure:
            raise CommandFailed(log.read_text()) from failure
    return workspace.service(service) / ".serverless"


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize(("service", "stage"), [("scheduler", "dev"), ("api", "staging"), ("ingest", "dev")])
def test_a_zip_depends_on_no_stage_folder_cache_or_user(
    packages: dict[str, Package], elsewhere: Workspace, service: str, stage: str
) -> None:
    made = package(elsewhere, service, stage, WATCHKEEPER_CACHE=str(elsewhere.root / "cache"))

    assert sha256(made / f"watchkeeper-{service}.zip") == sha256(packages[service].artifact)


def test_a_zip_built_before_is_deployed_as_it_is(packages: dict[str, Package], sources: Path, tmp_path: Path) -> None:
    built = tmp_path / "artifacts"
    built.mkdir()
    artifact = shutil.copyfile(packages["api"].artifact, built / "watchkeeper-api.zip")
    workspace = Workspace(copied(sources, tmp_path / "workspace"))

    made = package(workspace, "api", "staging", WATCHKEEPER_ARTIFACTS=str(built))

    template = json.loads((made / TEMPLATE).read_text())
    state = json.loads((made / "serverless-state.json").read_text())
    assert sha256(artifact) == sha256(packages["api"].artifact)
    assert state["package"]["artifact"] == "watchkeeper-api.zip"
    assert template["Resources"]["KernelLambdaFunction"]["Properties"]["Code"]["S3Key"].endswith("/watchkeeper-api.zip")
    assert not list(made.rglob("*.zip"))
    assert not (made / "requirements").exists()


def test_a_zip_that_was_not_built_is_missed(sources: Path, tmp_path: Path) -> None:
    workspace = Workspace(copied(sources, tmp_path / "workspace"))

    with pytest.raises(CommandFailed, match=r"There is no .*/nowhere/watchkeeper-api\.zip to deploy: make package"):
        package(workspace, "api", "staging", WATCHKEEPER_ARTIFACTS=str(tmp_path / "nowhere"))
