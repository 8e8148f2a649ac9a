"""The board of the running system: it names everything there is, counts it right, and says what needs a look."""

import json
from collections.abc import Iterator

import pytest

from local import declared
from local.board import Section, read_board
from local.cloud import FunctionFailed
from local.report import status
from local.upstreams import HWMON
from tests.e2e.breakers import Breakers
from tests.e2e.market import SYNCS
from tests.e2e.system import LORE, PATCHWORK, System
from watchkeeper.clock import utc_now


def board(system: System) -> dict[str, Section]:
    return {section.title: section for section in read_board(system.cloud, utc_now())}


def cells(section: Section) -> dict[str, dict[str, str]]:
    """By the name of the row and the column."""
    return {row.cells[0]: dict(zip(section.columns, row.cells[1:], strict=False)) for row in section.rows}


def test_everything_that_is_deployed_is_on_the_board(system: System) -> None:
    shown = board(system)

    assert not [section.unread for section in shown.values() if section.unread]
    assert cells(shown["Functions"]).keys() == declared.functions().keys()
    queues = cells(shown["Queues"]).keys() | cells(shown["Dead letters"]).keys()
    assert queues == {queue.name for queue in declared.queues()}
    assert cells(shown["Sources"]).keys() >= {*PATCHWORK, *LORE}
    assert cells(shown["Schedules"]).keys() == set(declared.schedules())
    assert {row["state"] for row in cells(shown["Schedules"]).values()} == {"enabled"}


def test_no_deployed_function_and_queue_is_missing_on_the_board(system: System) -> None:
    named = system.cloud.name("")
    pages = system.cloud.functions.get_paginator("list_functions").paginate()
    functions = {one["FunctionName"] for page in pages for one in page["Functions"]}
    queues = {url.rpartition("/")[2] for url in system.cloud.sqs.list_queues(QueueNamePrefix=named)["QueueUrls"]}

    assert {name for name in functions if name.startswith(named)} == set(map(system.cloud.name, declared.functions()))
    assert queues == {system.cloud.name(queue.name) for queue in declared.queues()}


def test_every_run_is_counted_whatever_started_it(system: System) -> None:
    before = cells(board(system)["Functions"])
    with system.awaited(f"patchwork:{HWMON}"):
        system.hand_out([f"patchwork:{HWMON}"], "recent")
    system.api.read("patches", limit=1)
    system.cloud.invoke("check-freshness", {})

    after = cells(board(system)["Functions"])

    for name in ("fetch-patches", "kernel", "check-freshness"):
        assert int(after[name]["runs"]) > int(before[name]["runs"])
        assert after[name]["last run"].endswith(" s ago")
        assert after[name]["mean"].endswith("s")


def test_a_run_that_fails_is_told(system: System) -> None:
    before = int(cells(board(system)["Functions"])["fetch-patches"]["failed"])

    with pytest.raises(FunctionFailed):
        system.cloud.invoke("fetch-patches", {"mode": "no such mode"})

    assert f"fetch-patches {before + 1} failed" in board(system)["Functions"].troubles


def test_waiting_work_and_dead_letters_are_counted(system: System) -> None:
    work = json.dumps({"message_ids": []})
    system.queues.send("threads", work, delay=600)
    for _ in range(2):
        system.queues.send("threads-dlq", work)

    shown = board(system)
    told = status(system.cloud)
    for queue in ("threads", "threads-dlq"):
        system.queues.purge(queue)

    assert int(cells(shown["Queues"])["threads"]["delayed"]) >= 1
    assert "threads-dlq holds 2 dead letters" in told.troubles
    assert "threads-dlq holds 2 dead letters" in str(told).splitlines()[-1]
    assert "threads-dlq holds" not in str(status(system.cloud))


@pytest.fixture
def open_breaker(system: System) -> Iterator[str]:
    """The name of a breaker that is open for a minute, of a server nobody asks."""
    name = "sample down.example"
    breakers = Breakers(system.cloud)
    breakers.put(name, "OPEN")
    yield name
    breakers.forget(name)


def test_an_open_breaker_is_told(system: System, open_breaker: str) -> None:
    shown = board(system)["Breakers"]

    assert cells(shown)[open_breaker]["state"] == "open"
    assert f"{open_breaker} is open" in shown.troubles


def test_a_source_that_is_read_is_well(system: System) -> None:
    shown = board(system)["Sources"]

    assert {cells(shown)[name]["phase"] for name in (*PATCHWORK, *LORE)} == {"live"}
    assert [told for told in shown.troubles if told.partition(" ")[0] not in SYNCS.values()] == []
