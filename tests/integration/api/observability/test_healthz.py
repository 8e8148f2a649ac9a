"""What machines are told, who have not signed in."""

from collections.abc import Iterator

import pytest

from tests.integration.api.asking import Asker
from tests.integration.faults import Faults, Plan, denied, garbage, throttled, timed_out, unreachable
from tests.integration.tables import table_name


@pytest.fixture
def machine(tables: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asker]:
    settings = {"READ_MODELS_TABLE": table_name("read-models"), "CORS_ORIGINS": "*", "AWS_BUDGET": "people"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    from api.observability.healthz.container import container

    container.cache_clear()
    from api.observability.healthz.handler import handler

    yield Asker(handler, "", user="")
    container.cache_clear()


def test_it_works(machine: Asker) -> None:
    reply = machine.get("/healthz")

    assert (reply.status, reply.json) == (200, {"status": "ok"})
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("plan", [throttled, timed_out, unreachable, garbage, denied])
def test_it_does_not_while_the_read_models_cannot_be_read(faults: Faults, machine: Asker, plan: Plan) -> None:
    with faults.injected(plan):
        reply = machine.get("/healthz")

    assert (reply.status, reply.json) == (503, {"status": "unavailable"})
    assert reply.headers["Cache-Control"] == "no-store"
    assert all(seconds <= 5 for seconds in faults.calls)


def test_head_is_answered_alike(machine: Asker) -> None:
    assert (machine("HEAD", "/healthz").status, machine("HEAD", "/healthz").octets) == (200, b"")


def test_nothing_else_is_there(machine: Asker) -> None:
    assert machine.get("/healthz/").status == 404
    assert machine.post("/healthz").status == 405
