"""One deployed system for all tests, with its own cloud and upstreams, and with everything loaded once.

The cloud records what every role was allowed and denied; the tests of that come last.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local import keys
from local.cloud import LocalCloud
from local.frameworks import CommandFailed
from local.settings import Upstreams as UpstreamSettings
from local.signin import grant
from local.upstreams import Markets, Upstreams
from tests.e2e.api import Api
from tests.e2e.kitchen import Leaver, Shelf, leave
from tests.e2e.market import Market
from tests.e2e.people import People, Person
from tests.e2e.system import System
from tests.e2e.watch import Watch
from watchkeeper.clock import utc_now

LAST = "test_permissions.py"
LATE = ("test_leaving.py", LAST)
"""The first of these waits for what others need not wait for."""
COMPANIES = 12
"""Of the sample markets: each has decades of statements to be brought in."""
SOME_LEFT_OUT = pytest.StashKey[bool]()
WHOLE = pytest.StashKey[bool]()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LATE.index(item.path.name) if item.path.name in LATE else -1)


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        item.config.stash[SOME_LEFT_OUT] = True


def pytest_collection_finish(session: pytest.Session) -> None:
    config, collected = session.config, {item.path for item in session.items}
    chosen = SOME_LEFT_OUT in config.stash or any("::" in argument for argument in config.args)
    spread = hasattr(config, "workerinput")
    config.stash[WHOLE] = not (chosen or spread) and collected.issuperset(Path(__file__).parent.glob("test_*.py"))


@pytest.fixture
def whole_suite(pytestconfig: pytest.Config) -> None:
    """Skip what can be checked only after all end-to-end tests."""
    if not pytestconfig.stash[WHOLE]:
        pytest.skip("only after all end-to-end tests, in one process: pytest tests/e2e")


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("cloud")
    # No schedule fires because of the hour at which the tests are run: they fire each when it is its turn.
    cloud = LocalCloud(folder / "state", free_port(), decisions=folder / "decisions.jsonl", fires_cron=False)
    with Upstreams(markets=Markets(COMPANIES, made=utc_now())) as upstreams:
        try:
            cloud.start()
            deploy(cloud, upstreams, folder / "deploy.log")
            deployed = System(cloud, upstreams)
            with closing(deployed.api):
                deployed.run_schedules("full")
                yield deployed
        finally:
            cloud.stop()
            # In the background: each worker of each function has a copy of its whole package.
            os.posix_spawnp("rm", ["rm", "-rf", str(cloud.state_dir)], os.environ)


def deploy(cloud: LocalCloud, upstreams: Upstreams, log: Path) -> None:
    settings = UpstreamSettings(sample_ports=upstreams.ports)
    with log.open("w") as output:
        try:
            cloud.deploy(settings, output)
        except CommandFailed:
            pytest.fail(log.read_text())
    for upstream, values in keys.of_local(settings, {}).items():
        keys.put(cloud, upstream, values)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def api(system: System) -> Api:
    return system.api


@pytest.fixture(scope="session")
def people(system: System) -> Iterator[People]:
    with closing(People(system.cloud)) as met:
        yield met


@pytest.fixture(scope="session")
def maker(people: People) -> Person:
    """Somebody who makes kefir."""
    return people.signed_in("maker")


@pytest.fixture(scope="session")
def attacker(people: People) -> Person:
    """Somebody who has signed in, too."""
    return people.signed_in("attacker")


@pytest.fixture(scope="session")
def market(people: People, system: System) -> Market:
    """The markets watch, after a day of it."""
    market = Market(system, people.signed_in("analyst"), member(people, "Developer"))
    market.live_a_day()
    return market


@pytest.fixture(scope="session")
def watch(people: People, system: System) -> Watch:
    """The observability watch, and somebody of each group."""
    return Watch(system, *(member(people, group) for group in ("Viewer", "Developer", "Admin")))


def member(people: People, group: str) -> Person:
    people.after_a_quarter_of_an_hour()
    person = people.signed_in(group.lower())
    grant(people.cloud, person.email, group)
    return person.sign_in()


@pytest.fixture(scope="session")
def leaver(people: People, system: System) -> Leaver:
    """Erasing begins some seconds after: other tests are run meanwhile."""
    return leave(people.signed_in("leo"), Shelf(system.cloud))
