"""Programs in the background, and the ports they need."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import samples
from local.cloud import LocalCloud, PortTaken
from local.processes import CouldNotStart, Program, started_at
from local.settings import Upstreams, sample_ports
from tests.unit.local.ports import six_free_ports, taken

SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]
FAILS = [sys.executable, "-c", "raise SystemExit('no luck today')"]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = Program("sleeper", tmp_path)
    yield program
    program.stop(5)


@pytest.fixture
def cloud(tmp_path: Path) -> LocalCloud:
    return LocalCloud(tmp_path / "state", six_free_ports())


@pytest.fixture
def upstreams(cloud: LocalCloud) -> Upstreams:
    return Upstreams(sample_ports=sample_ports(cloud.port))


def note(program: Program, text: str) -> None:
    (program.folder / f"{program.name}.pid").write_text(text)


class TestProgram:
    def test_it_runs_until_it_is_stopped(self, program: Program) -> None:
        program.start(SLEEPS, os.environ, lambda: True, 5)

        assert program.stop(5)
        assert not program.stop(5)

    def test_it_runs_once(self, program: Program) -> None:
        program.start(SLEEPS, os.environ, lambda: True, 5)
        pid = program.pid
        program.start(SLEEPS, os.environ, lambda: True, 5)

        assert program.pid == pid

    def test_one_that_ends_is_told_with_the_end_of_its_log(self, program: Program) -> None:
        with pytest.raises(CouldNotStart, match="no luck today"):
            program.start(FAILS, os.environ, lambda: False, 20)

        assert program.pid is None

    def test_one_that_does_not_get_ready_is_stopped(self, program: Program) -> None:
        with pytest.raises(CouldNotStart, match="sleeper did not get ready"):
            program.start(SLEEPS, os.environ, lambda: False, 0.2)

        assert program.pid is None
        assert not (program.folder / "sleeper.pid").exists()


class TestStalePidFiles:
    def test_of_a_process_that_ended(self, program: Program) -> None:
        program.start(SLEEPS, os.environ, lambda: True, 5)
        noted = (program.folder / "sleeper.pid").read_text()
        program.stop(5)
        note(program, noted)

        assert program.pid is None

    def test_of_a_number_that_belongs_to_something_else_now(self, program: Program) -> None:
        """It is not ours, and is left alone."""
        note(program, json.dumps({"pid": os.getpid(), "started": "long ago"}))

        assert program.pid is None
        assert not program.stop(0)
        assert started_at(os.getpid()) is not None

    @pytest.mark.parametrize(
        "text", ["", "1234", "{}", "[]", '{"pid": "x", "started": "1"}', '{"pid": null, "started": 1}']
    )
    def test_that_cannot_be_read(self, program: Program, text: str) -> None:
        note(program, text)

        assert program.pid is None

    def test_it_is_started_over_them(self, program: Program) -> None:
        note(program, json.dumps({"pid": os.getpid(), "started": "long ago"}))
        program.start(SLEEPS, os.environ, lambda: True, 5)

        assert program.pid not in (None, os.getpid())


class TestPorts:
    def test_free_ones(self, cloud: LocalCloud, upstreams: Upstreams) -> None:
        samples.check_ports(cloud, upstreams)

    def test_the_clouds_is_taken(self, cloud: LocalCloud, upstreams: Upstreams) -> None:
        told = f"Port {cloud.port} is taken by another program; choose one with PORT="

        with taken(cloud.port):
            with pytest.raises(PortTaken, match=told):
                samples.check_ports(cloud, upstreams)
            with pytest.raises(PortTaken, match=told):
                cloud.start()
        assert cloud.pid is None

    @pytest.mark.parametrize("above", [1, 2, 3, 4, 5])
    def test_one_of_the_samples_is_taken(self, cloud: LocalCloud, upstreams: Upstreams, above: int) -> None:
        port = cloud.port + above
        told = f"Port {port}, for the sample upstreams, is taken; PORT= moves all six ports"

        with taken(port):
            with pytest.raises(PortTaken, match=told):
                samples.check_ports(cloud, upstreams)
            with pytest.raises(PortTaken, match=told):
                samples.start(cloud, upstreams)
        assert samples.pid(cloud) is None

    def test_the_samples_ports_do_not_matter_without_samples(self, cloud: LocalCloud) -> None:
        ports = sample_ports(cloud.port)

        with taken(ports[0]):
            real = Upstreams(
                "https://tracker.example",
                "https://lists.example",
                expo_url="https://push.example",
                alpaca_url="https://broker.example",
                alphavantage_url="https://vendor.example",
                sample_ports=ports,
            )
            samples.check_ports(cloud, real)

    def test_samples_that_run_hold_their_own_ports(self, cloud: LocalCloud, upstreams: Upstreams) -> None:
        program = Program("upstreams", cloud.state_dir)
        program.start(SLEEPS, os.environ, lambda: True, 5)
        try:
            with taken(cloud.port + 1):
                samples.check_ports(cloud, upstreams)
                assert not samples.start(cloud, upstreams)
        finally:
            assert samples.stop(cloud)
