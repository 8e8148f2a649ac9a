"""The packages and the working copy they were built from."""

import json
import subprocess
from pathlib import Path

import pytest

from local.artifacts import MANIFEST, Artifacts, ArtifactsRefused
from local.checkout import Checkout
from local.deployment import DeploymentRefused, refuse_unfit


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def commit(folder: Path, text: str) -> None:
    (folder / "file").write_text(text)
    git(folder, "add", "file")
    git(folder, "commit", "--message", text)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A clone whose only commit is on its remote."""
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    git(origin, "init", "--quiet")
    commit(origin, "first")
    git(tmp_path, "clone", "--quiet", str(origin), str(clone))
    return Checkout(clone)


@pytest.fixture
def built(tmp_path: Path, checkout: Checkout) -> Artifacts:
    artifacts = Artifacts(tmp_path / "artifacts")
    artifacts.collect({"api": made(tmp_path, "api"), "ingest": made(tmp_path, "ingest")}, checkout, "release-1")
    return artifacts


def made(folder: Path, service: str) -> Path:
    file = folder / f"{service}.zip"
    file.write_bytes(service.encode())
    return file


class TestArtifacts:
    def test_what_was_built_is_accepted(self, built: Artifacts, checkout: Checkout) -> None:
        built.check(["api", "ingest"], checkout)

    def test_the_manifest_tells_what_they_are(self, built: Artifacts, checkout: Checkout) -> None:
        manifest = json.loads((built.folder / MANIFEST).read_text())

        assert (manifest["commit"], manifest["committed"], manifest["tag"]) == (checkout.commit, True, "release-1")
        assert set(manifest["packages"]) == {"api", "ingest"}
        assert len(manifest["packages"]["api"]["sha256"]) == 64

    def test_a_changed_zip_is_refused(self, built: Artifacts, checkout: Checkout) -> None:
        built.zip("api").write_bytes(b"something else")

        with pytest.raises(ArtifactsRefused, match="it was changed, or cut"):
            built.check(["api"], checkout)

    def test_a_missing_zip_is_refused(self, built: Artifacts, checkout: Checkout) -> None:
        built.zip("api").unlink()

        with pytest.raises(ArtifactsRefused, match=r"no package of api .*make package"):
            built.check(["api"], checkout)

    def test_a_service_that_was_not_built_is_refused(self, built: Artifacts, checkout: Checkout) -> None:
        with pytest.raises(ArtifactsRefused, match="no package of scheduler"):
            built.check(["api", "scheduler"], checkout)

    def test_a_folder_without_a_manifest_is_refused(self, tmp_path: Path, checkout: Checkout) -> None:
        with pytest.raises(ArtifactsRefused, match=r"There is no .*manifest\.json"):
            Artifacts(tmp_path / "nowhere").check(["api"], checkout)

    def test_packages_of_another_commit_are_refused(self, built: Artifacts, checkout: Checkout) -> None:
        commit(checkout.folder, "second")

        with pytest.raises(ArtifactsRefused, match="zips and templates belong together"):
            built.check(["api"], checkout)

    def test_that_sources_were_not_committed_is_kept(self, tmp_path: Path, checkout: Checkout) -> None:
        (checkout.folder / "file").write_text("changed")
        artifacts = Artifacts(tmp_path / "artifacts")
        artifacts.collect({"api": made(tmp_path, "api")}, checkout, None)

        assert artifacts.are_committed is False


class TestProd:
    def test_takes_a_published_commit(self, built: Artifacts, checkout: Checkout) -> None:
        refuse_unfit("prod", checkout, built)

    def test_refuses_what_is_not_committed_and_names_it(self, checkout: Checkout) -> None:
        (checkout.folder / "new").write_text("x")

        with pytest.raises(DeploymentRefused, match=r"\?\? new"):
            refuse_unfit("prod", checkout)

    def test_refuses_a_commit_nobody_else_has(self, checkout: Checkout) -> None:
        commit(checkout.folder, "second")

        with pytest.raises(DeploymentRefused, match="push it first"):
            refuse_unfit("prod", checkout)

    def test_takes_a_commit_with_a_tag(self, checkout: Checkout) -> None:
        commit(checkout.folder, "second")
        git(checkout.folder, "tag", "release-2")

        refuse_unfit("prod", checkout)

    def test_refuses_packages_of_sources_that_were_not_committed(self, tmp_path: Path, checkout: Checkout) -> None:
        (checkout.folder / "file").write_text("changed")
        artifacts = Artifacts(tmp_path / "artifacts")
        artifacts.collect({"api": made(tmp_path, "api")}, checkout, None)
        git(checkout.folder, "checkout", "file")

        with pytest.raises(DeploymentRefused, match="were not committed"):
            refuse_unfit("prod", checkout, artifacts)

    @pytest.mark.parametrize("stage", ["dev", "staging"])
    def test_other_stages_take_anything(self, checkout: Checkout, stage: str) -> None:
        commit(checkout.folder, "second")
        (checkout.folder / "new").write_text("x")

        refuse_unfit(stage, checkout)
