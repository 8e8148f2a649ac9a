"""The pipelines: what GitHub would tell only once something went wrong, or never."""

import re
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

Mapping = dict[Any, Any]

REPOSITORY = Path(__file__).resolve().parents[2]
WORKFLOWS: dict[str, Mapping] = {
    path.stem: yaml.safe_load(path.read_text()) for path in (REPOSITORY / ".github/workflows").glob("*.yml")
}
ACTIONS: dict[str, Mapping] = {
    path.parent.name: yaml.safe_load(path.read_text()) for path in (REPOSITORY / ".github/actions").glob("*/action.yml")
}
SERVICES = ("ingest", "api", "scheduler")
SHARED = {"libs/**", "stages.yml", "serverless-compose.yml", "package.json", "package-lock.json"}
"""What the deployment of every service is made from."""


def triggers(workflow: str) -> Mapping:
    """YAML 1.1 reads the key `on` as true."""
    found: Mapping = WORKFLOWS[workflow][True]
    return found


def jobs() -> Iterator[tuple[str, Mapping]]:
    for workflow, content in WORKFLOWS.items():
        for name, job in content["jobs"].items():
            yield f"{workflow}.{name}", job


def steps() -> Iterator[Mapping]:
    for _, job in jobs():
        yield from job.get("steps", [])
    for action in ACTIONS.values():
        yield from action["runs"]["steps"]


def uses() -> list[str]:
    return [user["uses"] for user in [*steps(), *(job for _, job in jobs())] if "uses" in user]


def commands() -> list[str]:
    return [step["run"] for step in steps() if "run" in step]


def tracked_files() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("this is no working copy of git")
    return listed.stdout.splitlines()


def is_tested(file: str) -> bool:
    """Whether a pull request that changes this file alone runs a pipeline."""
    for workflow in WORKFLOWS:
        if "pull_request" not in triggers(workflow):
            continue
        filters = triggers(workflow)["pull_request"] or {}
        included = matches(file, filters.get("paths", ["**"]))
        if included and not matches(file, filters.get("paths-ignore", [])):
            return True
    return False


def matches(file: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(file, pattern) for pattern in patterns)


class TestWhatRuns:
    def test_every_file_is_tested_in_a_pull_request(self) -> None:
        assert [file for file in tracked_files() if not is_tested(file)] == []

    def test_filters_match_something(self) -> None:
        files = tracked_files() + [f".github/workflows/{name}.yml" for name in WORKFLOWS]
        patterns = {
            pattern
            for workflow in WORKFLOWS
            for event in triggers(workflow).values()
            for key in ("paths", "paths-ignore")
            for pattern in (event or {}).get(key, [])
        }

        assert {pattern for pattern in patterns if not any(matches(file, [pattern]) for file in files)} == set()

    @pytest.mark.parametrize("service", SERVICES)
    def test_a_service_is_tested_when_what_it_is_made_from_changes(self, service: str) -> None:
        assert set(triggers(service)["pull_request"]["paths"]) >= SHARED | {f"services/{service}/**", "tests/**"}

    @pytest.mark.parametrize("name", [name for name, _ in jobs()])
    def test_a_job_has_a_time_limit_or_calls_others_that_have(self, name: str) -> None:
        job = dict(jobs())[name]

        assert "timeout-minutes" in job or "uses" in job


class TestDeployment:
    @pytest.mark.parametrize("service", SERVICES)
    def test_a_service_alone_is_deployed_for_its_own_files_only(self, service: str) -> None:
        assert triggers(service)["push"] == {"branches": ["main"], "paths": [f"services/{service}/**"]}
        assert WORKFLOWS[service]["jobs"]["deploy"]["with"] == {"target": service}

    def test_all_are_deployed_together_for_what_they_share(self) -> None:
        assert set(triggers("library")["push"]["paths"]) == SHARED
        assert WORKFLOWS["library"]["jobs"]["deploy"]["with"] == {"target": "all"}

    def test_what_is_deployed_was_tested(self) -> None:
        deploying = [job for name, job in jobs() if name.endswith(".deploy")]

        assert len(deploying) == len(SERVICES) + 1
        assert all(job["needs"] in ("test", "checks") for job in deploying)

    def test_prod_comes_after_staging_and_both_in_their_turn(self) -> None:
        deploy = WORKFLOWS["deploy"]["jobs"]

        assert (deploy["staging"]["needs"], deploy["prod"]["needs"]) == ("turn", "staging")
        assert [deploy[stage]["env"]["STAGE"] for stage in ("staging", "prod")] == ["staging", "prod"]
        assert [deploy[stage]["environment"] for stage in ("staging", "prod")] == ["staging", "prod"]

    def test_a_turn_is_waited_for_among_all_that_deploy(self) -> None:
        (waiting,) = [step["run"] for step in WORKFLOWS["deploy"]["jobs"]["turn"]["steps"]]
        waited_for = re.search(r"select\(\.name \| IN\((.+)\)\)", waiting)

        assert waited_for
        assert set(re.findall(r"\w+", waited_for[1])) == {"library", *SERVICES}
        assert all(content["name"] == name for name, content in WORKFLOWS.items())

    def test_one_deployment_of_a_target_at_a_time_on_a_stage(self) -> None:
        groups = [WORKFLOWS["deploy"]["jobs"][stage]["concurrency"] for stage in ("staging", "prod")]

        assert groups == ["deploy-${{ inputs.target }}-staging", "deploy-${{ inputs.target }}-prod"]

    def test_conditions_read_no_variable_of_an_environment(self) -> None:
        """A job's condition is looked at before its environment is entered."""
        read = {name for _, job in jobs() for name in re.findall(r"vars\.(\w+)", str(job.get("if", "")))}

        assert read == {"DEPLOY_ENABLED"}


class TestReferences:
    def test_called_workflows_and_actions_exist(self) -> None:
        local = [reference for reference in uses() if reference.startswith("./")]

        assert local
        assert [reference for reference in local if not (REPOSITORY / reference).exists()] == []

    def test_called_workflows_can_be_called_with_these_inputs(self) -> None:
        for name, job in jobs():
            if "uses" in job:
                declared = (triggers(Path(job["uses"]).stem)["workflow_call"] or {}).get("inputs", {})
                assert set(job.get("with", {})) == set(declared), name

    def test_actions_of_others_are_of_one_whole_version(self) -> None:
        foreign = [reference for reference in uses() if not reference.startswith("./")]

        assert [
            reference for reference in foreign if not re.search(r"@(v\d+\.\d+\.\d+|[0-9a-f]{40})$", reference)
        ] == []
        assert len({reference.partition("@")[0] for reference in foreign}) == len(set(foreign))

    def test_make_targets_exist(self) -> None:
        made = set(re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
        called = {target for command in commands() for target in re.findall(r"\bmake ([\w-]+)", command)}

        assert called
        assert called <= made

    def test_scripts_exist(self) -> None:
        scripts = [command for command in commands() if command.startswith(".ci/")]

        assert scripts == [".ci/run"]
        assert (REPOSITORY / ".ci/run").is_file()

    def test_tests_named_exist(self) -> None:
        named = {path for command in commands() for path in re.findall(r"\btests/[\w/.-]+", command)}

        assert [path for path in named if not (REPOSITORY / path).exists()] == []


class TestRights:
    def test_no_secrets_are_used(self) -> None:
        texts = [path.read_text() for path in (REPOSITORY / ".github").rglob("*.yml")]

        assert not any(
            re.search(r"secrets\.|secrets: inherit|aws-secret-access-key|AKIA[A-Z0-9]{16}", t) for t in texts
        )

    def test_by_default_a_pipeline_only_reads_the_repository(self) -> None:
        assert [name for name, content in WORKFLOWS.items() if content["permissions"] != {"contents": "read"}] == []

    def test_only_jobs_that_deploy_can_ask_for_a_role(self) -> None:
        asking = {name for name, job in jobs() if "id-token" in job.get("permissions", {})}

        assert asking == {f"{name}.deploy" for name in ("library", *SERVICES)} | {"deploy.staging", "deploy.prod"}

    def test_what_strangers_can_start_runs_without_a_role(self) -> None:
        for name in SERVICES:
            assert WORKFLOWS[name]["jobs"]["deploy"]["if"] == "github.event_name == 'push'"
        assert "pull_request" not in triggers("library")
        assert not any("pull_request_target" in triggers(name) for name in WORKFLOWS)


class TestContainers:
    def test_images_are_of_one_version(self) -> None:
        composed = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
        images = [service["image"] for service in composed["services"].values()]

        assert [image for image in images if not re.search(r":\d+\.\d+\.\d+$", image)] == []

    def test_the_container_is_of_the_same_cloud_as_the_package(self) -> None:
        composed = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
        version = composed["services"]["ministack"]["image"].partition(":")[2]

        assert f"ministack=={version}" in (REPOSITORY / "requirements/ministack.txt").read_text().split()
