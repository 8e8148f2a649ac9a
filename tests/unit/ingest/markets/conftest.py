"""The clients of the markets' upstreams, without a network and without waiting."""

from collections.abc import Iterator

import pytest
import stamina
from requests.adapters import HTTPAdapter

from ingest.upstream import Pace, Patience, Upstream
from tests.unit.ingest.markets.wire import Wire


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire()
    monkeypatch.setattr(HTTPAdapter, "send", wire.standing_in())
    return wire


@pytest.fixture
def upstream() -> Upstream:
    return Upstream(
        "sample", "http://sample.example", user_agent="tests", pace=Pace(1e6), patience=Patience(attempts=4)
    )
