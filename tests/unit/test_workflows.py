"""The pipelines: what GitHub would tell only once something went wrong, or never."""

import os
import re
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from local.deployment import SAID_BY_OPERATORS

Mapping = dict[Any, Any]

REPOSITORY = Path(__file__).resolve().parents[2]
WORKFLOWS: dict[str, Mapping] = {
    path.stem: yaml.safe_load(path.read_text()) for path in (REPOSITORY / ".github/workflows").glob("*.yml")
}
ACTIONS: dict[str, Mapping] = {
    path.parent.name: yaml.safe_load(path.read_text()) for path in (REPOSITORY / ".github/actions").glob("*/action.yml")
}
SERVICES = ("ingest", "api", "scheduler")
STAGES = ("dev", "staging", "prod")
SHARED = {"libs/**", "stages.yml", "alarms.yml", "serverless-compose.yml", "package.json", "package-lock.json"}
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


def repository_files() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
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
        assert [file for file in repository_files() if not is_tested(file)] == []

    def test_filters_match_something(self) -> None:
        files = repository_files() + [f".github/workflows/{name}.yml" for name in WORKFLOWS]
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
    def test_only_what_is_merged_is_deployed_and_by_one_pipeline(self) -> None:
        pushed = {name for name in WORKFLOWS if "push" in triggers(name)}
        calling = {name for name, job in jobs() if job.get("uses") == "./.github/workflows/deploy.yml"}

        assert pushed == {"release"}
        assert set(triggers("release")) == {"push", "workflow_dispatch"}
        assert triggers("release")["push"] == {"branches": ["main"]}
        assert calling == {f"release.{stage}" for stage in STAGES} | {"rollback.deploy"}
        assert deploying()["if"] == "github.ref == 'refs/heads/main'"

    def test_what_is_deployed_was_tested_and_goes_through_the_stages_in_order(self) -> None:
        release = WORKFLOWS["release"]["jobs"]

        assert release["test"]["uses"] == "./.github/workflows/checks.yml"
        assert [(name, job.get("needs")) for name, job in release.items()] == [
            ("test", None),
            ("build", "test"),
            ("attest", "build"),
            ("dev", "attest"),
            ("staging-approval", "dev"),
            ("staging", "staging-approval"),
            ("prod-approval", "staging"),
            ("prod", "prod-approval"),
            ("publish", "prod"),
        ]
        assert [release[stage]["with"]["stage"] for stage in STAGES] == list(STAGES)

    @pytest.mark.parametrize("stage", ["staging", "prod"])
    def test_who_waits_for_an_approval_holds_up_no_rollback(self, stage: str) -> None:
        gate = WORKFLOWS["release"]["jobs"][f"{stage}-approval"]

        assert gate["environment"] == f"{stage}-approval"
        assert "concurrency" not in {*gate, *WORKFLOWS["release"]}
        assert gate["permissions"] == {}
        assert [name for name, job in jobs() if "approval" in str(job.get("environment"))] == [
            "release.staging-approval",
            "release.prod-approval",
        ]

    def test_what_mends_a_ringing_alarm_can_be_deployed_and_only_by_hand(self) -> None:
        switch = triggers("release")["workflow_dispatch"]["inputs"]["ignore_alarms"]
        handed = {WORKFLOWS["release"]["jobs"][stage]["with"]["ignore_alarms"] for stage in STAGES}
        deploying_step = deploying()["steps"][-1]

        assert (switch["type"], switch["default"]) == ("boolean", False)
        assert handed == {"${{ inputs.ignore_alarms == true }}"}
        assert deploying_step["env"]["IGNORE_ALARMS"] == "${{ (inputs.tag || inputs.ignore_alarms) && '1' || '' }}"
        assert "make deploy" in deploying_step["run"]

    def test_every_setting_of_an_environment_is_handed_to_the_deployment(self) -> None:
        used = set(re.findall(r"vars\.(\w+)", str(deploying())))
        told = (REPOSITORY / ".github/workflows/deploy.yml").read_text().partition("name: deploy")[0]

        assert used == {"DEPLOYMENT_ROLE", "AWS_REGION", "CONTACT", "ALARMS_MAIL", *SAID_BY_OPERATORS}
        assert [name for name in used if name not in told] == []

    def test_packages_are_built_once_and_handed_on(self) -> None:
        release = WORKFLOWS["release"]["jobs"]
        building = [name for name, job in release.items() if "make package" in str(job)]
        kept = step_with(release["build"], "actions/upload-artifact")["with"]
        taking = (deploying(), release["attest"], release["publish"])
        taken = [step_with(job, "actions/download-artifact")["with"] for job in taking]

        assert building == ["build"]
        assert "make package" not in str(deploying())
        assert {each["name"] for each in [kept, *taken]} == {"packages"}
        assert kept["if-no-files-found"] == "error"
        assert kept["retention-days"] == 90, "as long as an approval can be waited for, and a job run again"

    def test_a_stage_is_an_environment_and_one_deployment_at_a_time_changes_it(self) -> None:
        job = deploying()

        assert job["environment"] == "${{ inputs.stage }}"
        assert job["concurrency"] == {"group": "deploy-${{ inputs.stage }}", "cancel-in-progress": False}

    def test_a_rollback_takes_packages_and_templates_of_the_release(self) -> None:
        inputs = triggers("rollback")["workflow_dispatch"]["inputs"]
        checkout = step_with(deploying(), "actions/checkout")
        release = next(step for step in deploying()["steps"] if "gh release download" in step.get("run", ""))

        assert set(inputs) == {"stage", "service", "tag"}
        assert set(inputs["stage"]["options"]) == set(STAGES)
        assert set(inputs["service"]["options"]) == {"all", *SERVICES}
        assert checkout["with"]["ref"] == "${{ inputs.tag && format('refs/tags/{0}', inputs.tag) || '' }}"
        assert release["if"] == "inputs.tag != ''"

    def test_releases_are_kept_under_the_tag_their_packages_know(self) -> None:
        tag = "release-$GITHUB_RUN_NUMBER"

        assert f'TAG="{tag}"' in str(WORKFLOWS["release"]["jobs"]["build"])
        publishing = WORKFLOWS["release"]["jobs"]["publish"]["steps"][-1]["run"]
        assert f'tag="{tag}"' in publishing
        assert 'git push origin "$GITHUB_SHA:refs/tags/$tag"' in publishing
        assert re.search(r'gh release create "\$tag" .* --verify-tag', publishing)

    def test_packages_of_release_yml_and_this_commit_are_deployed(self, tmp_path: Path) -> None:
        finished, asked = run_verification(tmp_path, "exit 0")

        assert finished.returncode == 0
        assert [call.split()[2] for call in asked] == [str(tmp_path / "artifacts" / name) for name in PACKAGED]
        [options] = {call.split(maxsplit=3)[3] for call in asked}
        assert options == (
            "--repo owner/name --source-digest the-commit --source-ref refs/heads/main "
            "--signer-workflow owner/name/.github/workflows/release.yml"
        )

    @pytest.mark.parametrize("package", ["manifest.json", "watchkeeper-api.zip"])
    def test_any_other_package_is_refused_before_a_role_is_taken(self, tmp_path: Path, package: str) -> None:
        finished, _ = run_verification(tmp_path, f'case "$3" in */{package}) exit 1 ;; esac')
        order = [step.get("name") or step.get("uses", "") for step in deploying()["steps"]]
        role = next(place for place, name in enumerate(order) if name.startswith("aws-actions/"))

        assert finished.returncode != 0
        assert order.index(VERIFICATION) < role

    def test_without_packages_nothing_is_verified_and_nothing_deployed(self, tmp_path: Path) -> None:
        finished, _ = run_verification(tmp_path, 'test -e "$3"', packaged=())

        assert finished.returncode != 0

    def test_conditions_read_no_variable_of_an_environment(self) -> None:
        """A job's condition is looked at before its environment is entered."""
        read = {name for _, job in jobs() for name in re.findall(r"vars\.(\w+)", str(job.get("if", "")))}

        assert read == {"DEPLOY_ENABLED"}

    @pytest.mark.parametrize(
        ("relation", "is_refused"), [("ahead", False), ("identical", False), ("diverged", False), ("behind", True)]
    )
    def test_an_older_commit_does_not_replace_a_newer_one(
        self, tmp_path: Path, relation: str, is_refused: bool
    ) -> None:
        finished = run_guard(tmp_path, active="f" * 40, relation=relation)

        assert (finished.returncode != 0) is is_refused
        assert ("approve in the order of the pushes" in finished.stderr) is is_refused

    def test_the_first_deployment_of_a_stage_replaces_nothing(self, tmp_path: Path) -> None:
        assert run_guard(tmp_path, active="", relation="behind").returncode == 0


def deploying() -> Mapping:
    return cast("Mapping", WORKFLOWS["deploy"]["jobs"]["deploy"])


def step_with(job: Mapping, action: str) -> Mapping:
    (found,) = [step for step in job["steps"] if step.get("uses", "").startswith(f"{action}@")]
    return cast("Mapping", found)


VERIFICATION = "Refuse packages that release.yml did not build from this commit"
PACKAGED = ("manifest.json", "watchkeeper-api.zip")


def run_verification(
    folder: Path, answer: str, packaged: tuple[str, ...] = PACKAGED
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """The step that verifies the packages, where GitHub's tool does so; how it was called."""
    (step,) = [step for step in deploying()["steps"] if step.get("name") == VERIFICATION]
    (folder / "artifacts").mkdir()
    for name in packaged:
        (folder / "artifacts" / name).touch()
    for tool, script in {"gh": f'echo "$*" >> {folder}/asked\n{answer}', "git": "echo the-commit"}.items():
        (folder / tool).write_text(f"#!/bin/sh\n{script}\n")
        (folder / tool).chmod(0o755)
    finished = subprocess.run(
        ["bash", "-e", "-c", step["run"]],
        env={
            "GITHUB_REPOSITORY": "owner/name",
            "RUNNER_TEMP": str(folder),
            "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return finished, (folder / "asked").read_text().splitlines()


def run_guard(folder: Path, active: str, relation: str) -> subprocess.CompletedProcess[str]:
    """The step that looks at what a stage runs, where GitHub answers so."""
    (guard,) = [step for step in deploying()["steps"] if step.get("name") == "Refuse to replace a newer commit"]
    tool = folder / "gh"
    tool.write_text(f'#!/bin/sh\ncase "$2" in graphql) echo "{active}" ;; *) echo "{relation}" ;; esac\n')
    tool.chmod(0o755)
    settings = {"GITHUB_REPOSITORY": "owner/name", "GITHUB_SHA": "0" * 40, "STAGE": "prod"}
    return subprocess.run(
        ["bash", "-e", "-c", guard["run"]],
        env={**settings, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


class TestPlan:
    def test_strangers_get_no_plan(self) -> None:
        condition = WORKFLOWS["plan"]["jobs"]["plan"]["if"]

        assert "github.event.pull_request.head.repo.full_name == github.repository" in condition
        assert "vars.DEPLOY_ENABLED == 'true' &&" in condition

    def test_what_runs_the_code_of_a_pull_request_writes_no_comment(self) -> None:
        plan, comment = (WORKFLOWS["plan"]["jobs"][name] for name in ("plan", "comment"))

        assert plan["permissions"] == {"contents": "read", "id-token": "write"}
        assert comment["permissions"] == {"pull-requests": "write"}
        assert not [step for step in comment["steps"] if "checkout" in step.get("uses", "")]


class TestReferences:
    def test_called_workflows_and_actions_exist(self) -> None:
        local = [reference for reference in uses() if reference.startswith("./")]

        assert local
        assert [reference for reference in local if not (REPOSITORY / reference).exists()] == []

    def test_called_workflows_can_be_called_with_these_inputs(self) -> None:
        for name, job in jobs():
            if "uses" in job:
                declared = (triggers(Path(job["uses"]).stem)["workflow_call"] or {}).get("inputs", {})
                required = {key for key, setting in declared.items() if setting.get("required")}
                assert required <= set(job.get("with", {})) <= set(declared), name

    def test_actions_of_others_are_of_one_commit(self) -> None:
        foreign = [reference for reference in uses() if not reference.startswith("./")]

        assert [reference for reference in foreign if not re.search(r"@[0-9a-f]{40}$", reference)] == []
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

    def test_only_jobs_that_deploy_plan_or_sign_can_say_who_they_are(self) -> None:
        asking = {name for name, job in jobs() if "id-token" in job.get("permissions", {})}

        calling = {"rollback.deploy", *(f"release.{stage}" for stage in STAGES)}
        assert asking == {"deploy.deploy", "plan.plan", "release.attest"} | calling

    def test_what_signs_the_packages_runs_nothing_of_the_repository(self) -> None:
        signing = WORKFLOWS["release"]["jobs"]["attest"]

        assert [step["uses"].partition("@")[0] for step in signing["steps"]] == [
            "actions/download-artifact",
            "actions/attest-build-provenance",
        ]
        assert signing["permissions"] == {"attestations": "write", "id-token": "write"}

    def test_nothing_else_is_written_than_attestations_a_release_and_a_comment(self) -> None:
        writing = {
            (name, right)
            for name, job in jobs()
            for right, level in job.get("permissions", {}).items()
            if level == "write" and right != "id-token"
        }

        assert writing == {
            ("release.attest", "attestations"),
            ("release.publish", "contents"),
            ("plan.comment", "pull-requests"),
        }

    def test_what_strangers_can_start_runs_without_a_role(self) -> None:
        started = [name for name in WORKFLOWS if "pull_request" in triggers(name)]

        assert set(started) == {*SERVICES, "checks", "plan"}
        assert not any("pull_request_target" in triggers(name) for name in WORKFLOWS)

    def test_only_the_checkout_that_pushes_a_tag_leaves_credentials_behind(self) -> None:
        keeping = {
            name: step["with"]["persist-credentials"]
            for name, job in jobs()
            for step in job.get("steps", [])
            if "actions/checkout@" in step.get("uses", "")
        }

        assert {name for name, keeps in keeping.items() if keeps is not False} == {"release.publish"}

    def test_what_has_credentials_runs_nothing_of_the_repository(self) -> None:
        publishing = WORKFLOWS["release"]["jobs"]["publish"]

        assert not [step for step in publishing["steps"] if step.get("uses", "").startswith("./")]
        assert "make " not in str(publishing)

    def test_no_expression_becomes_part_of_a_script(self) -> None:
        assert [command for command in commands() if "${{" in command] == []


class TestContainers:
    def test_images_are_of_one_version(self) -> None:
        composed = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
        images = [service["image"] for service in composed["services"].values()]

        assert [image for image in images if not re.search(r":\d+\.\d+\.\d+$", image)] == []

    def test_the_container_is_of_the_same_cloud_as_the_package(self) -> None:
        composed = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
        version = composed["services"]["ministack"]["image"].partition(":")[2]

        assert f"ministack=={version}" in (REPOSITORY / "requirements/ministack.txt").read_text().split()
