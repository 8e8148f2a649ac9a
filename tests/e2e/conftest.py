"""One deployed system for all tests, on a cloud and with upstreams of its own, with everything read in once."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local.cloud import LocalCloud
from local.frameworks import CommandFailed
from local.settings import Upstreams as UpstreamSettings
from local.upstreams import Upstreams
from tests.e2e.api import Api
from tests.e2e.system import System


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("cloud")
    cloud = LocalCloud(folder / "state", free_port())
    with Upstreams() as upstreams:
        try:
            cloud.start()
            deploy(cloud, upstreams, folder / "deploy.log")
            deployed = System(cloud, upstreams)
            with closing(deployed.api):
                deployed.run_schedules("full")
                yield deployed
        finally:
            cloud.forget()


def deploy(cloud: LocalCloud, upstreams: Upstreams, log: Path) -> None:
    ports = (upstreams.patchwork.server_port, upstreams.lore.server_port)
    with log.open("w") as output:
        try:
            cloud.deploy(UpstreamSettings(sample_ports=ports), output)
        except CommandFailed:
            pytest.fail(log.read_text())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def api(system: System) -> Api:
    return system.api
