"""What `make` says before anything is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from local import bootstrap


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder programs are found in; empty."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(path: Path, name: str, says: str) -> None:
    program = path / name
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)


def complaint() -> str:
    with pytest.raises(bootstrap.Missing) as missing:
        bootstrap.check_tools()
    return str(missing.value)


class TestCheckTools:
    def test_nothing_is_missing(self, path: Path) -> None:
        install(path, "node", "v22.13.1")
        install(path, "npm", "10.9.2")

        bootstrap.check_tools()

    def test_all_that_is_missing_is_told_at_once(self, path: Path) -> None:
        said = complaint()

        assert said.startswith("Missing:\n  - Node.js 20.19, 22.13 or 24 and newer")
        assert said.endswith("\n  - npm, which comes with Node.js")

    def test_an_old_node_is_told_with_its_version(self, path: Path) -> None:
        install(path, "node", "v18.20.4")
        install(path, "npm", "10.8.2")

        assert complaint().endswith("; this is v18.20.4")

    def test_a_node_that_tells_no_version_is_no_node(self, path: Path) -> None:
        install(path, "node", "broken")
        install(path, "npm", "10.8.2")

        assert complaint().endswith("; this is broken")

    def test_npm_can_be_missing_alone(self, path: Path) -> None:
        install(path, "node", "v24.1.0")

        assert complaint() == "Missing:\n  - npm, which comes with Node.js"

    def test_an_old_python_is_told_with_the_way_to_name_another(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bootstrap, "OLDEST_PYTHON", (99, 0))

        assert "make PYTHON=" in complaint()

    def test_a_python_without_venv_is_told_with_the_package_that_has_it(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "ensurepip", None)

        assert "apt install python3-venv" in complaint()

    @pytest.mark.parametrize("version", [(20, 19), (20, 20), (22, 13), (24, 0), (25, 1), (30, 0)])
    def test_supported_node(self, version: tuple[int, int]) -> None:
        assert bootstrap.is_supported_node(version)

    @pytest.mark.parametrize("version", [(), (18, 20), (20, 18), (21, 7), (22, 12), (23, 11)])
    def test_unsupported_node(self, version: tuple[int, ...]) -> None:
        assert not bootstrap.is_supported_node(version)


class TestMain:
    def test_what_is_missing_is_said_without_a_traceback(
        self, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["bootstrap.py"])

        assert bootstrap.main() == 1
        assert "Node.js" in capsys.readouterr().err


class TestOnce:
    """An installation is made once for each state of its lock files."""

    @pytest.fixture
    def lock(self, tmp_path: Path) -> Path:
        lock = tmp_path / "lock.txt"
        lock.write_text("one==1\n")
        return lock

    def test_again_only_when_a_lock_file_changed(self, tmp_path: Path, lock: Path) -> None:
        made: list[str] = []
        for text in ("one==1\n", "one==1\n", "one==2\n"):
            lock.write_text(text)
            bootstrap.once(tmp_path, [lock], lambda: made.append(lock.read_text()), "packages")

        assert made == ["one==1\n", "one==2\n"]

    def test_again_after_a_failure(self, tmp_path: Path, lock: Path) -> None:
        made: list[str] = []

        def fail() -> None:
            raise bootstrap.Missing

        with pytest.raises(bootstrap.Missing):
            bootstrap.once(tmp_path, [lock], fail, "packages")
        bootstrap.once(tmp_path, [lock], lambda: made.append("made"), "packages")

        assert made == ["made"]
