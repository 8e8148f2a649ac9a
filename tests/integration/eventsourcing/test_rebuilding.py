"""Making a read model anew: it ends as if made of all events in their order, wherever it was stopped, and whatever is
appended meanwhile."""

import random
from collections.abc import Callable, Iterator
from itertools import count, cycle
from typing import Any

import pytest

from tests.integration.eventsourcing.talks import TALKS, Projection, TalksFold, project, rows_of, shown, talk, wanted
from tests.integration.faults import Faults, Send, denied
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.dynamodb import Item, Table
from watchkeeper.errors import ConditionFailed, DatabaseError
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.read_models import Generations, ReadModels, stamp_of
from watchkeeper.eventsourcing.rebuilding import REQUESTS_END_SECONDS, Progress, Rebuild
from watchkeeper.eventsourcing.store import KEYS, DynamoDBEventStore, Snapshot

NOW = "2026-11-20T21:05:12Z"
TALK_IDS = [f"talk:{number}" for number in range(4)]


@pytest.fixture
def few_a_page(table: Table) -> Iterator[None]:
    """Pages of five items."""
    client, event = aws.dynamodb_client(), "provide-client-params.dynamodb.Scan"

    def limited(params: Any, **_: object) -> Any:
        return {**params, "Limit": 5}

    client.meta.events.register(event, limited)
    yield
    client.meta.events.unregister(event, limited)


@pytest.fixture
def rebuild(table: Table, models: ReadModels, few_a_page: None) -> Rebuild:
    return Rebuild(table, models, TALKS, TalksFold, lambda _: None)


@pytest.fixture
def told(store: DynamoDBEventStore, models: ReadModels) -> list[Event]:
    """Some talks, projected as they went on."""
    events = [event for talk_id in TALK_IDS for event in talk(store, talk_id, *"abc")]
    for event in events:
        project(models, event)
    return events


def finish(rebuild: Rebuild, tell: Callable[[Progress], None] = lambda _: None, *, leave_out: bool = False) -> Progress:
    return rebuild.run(NOW, lambda: True, tell, leave_out=leave_out)


def generations_with_rows() -> set[str]:
    items = Table(aws.dynamodb_client(), table_name("read-models")).scan()
    return {str(item["pk"]).split("#")[1] for item in items if str(item["pk"]).startswith("talks#")}


def test_it_ends_as_if_made_of_all_events(
    rebuild: Rebuild, models: ReadModels, store: DynamoDBEventStore, told: list[Event]
) -> None:
    store.keep_snapshot(Snapshot("talk:1", 1, 1, {}))
    models.put(rows_of(told[0])[0], "1", stamp_of(told[-1]))  # a mistake of an older release

    progress = finish(rebuild)

    assert shown(models) == wanted(store, TALK_IDS)
    assert (progress.done, progress.events, progress.unreadable) == (True, 12, 0)
    assert models.generations() == {TALKS: Generations("2", ("2",))}
    assert generations_with_rows() == {"2"}


def test_it_can_be_done_again_and_again(
    rebuild: Rebuild, models: ReadModels, store: DynamoDBEventStore, told: list[Event]
) -> None:
    for generation in ("2", "3", "4"):
        assert finish(rebuild).generation == generation
        assert shown(models) == wanted(store, TALK_IDS)
        assert generations_with_rows() == {generation}


def test_a_store_without_events_makes_a_model_without_rows(rebuild: Rebuild, models: ReadModels) -> None:
    progress = finish(rebuild)

    assert (progress.done, progress.events, progress.rows, shown(models)) == (True, 0, 0, {})


def test_until_its_end_the_model_is_read_as_before(
    rebuild: Rebuild, models: ReadModels, store: DynamoDBEventStore, told: list[Event]
) -> None:
    seen: list[str] = []

    def look(progress: Progress) -> None:
        assert shown(models) == wanted(store, TALK_IDS)
        seen.append(models.generations()[TALKS].read)

    finish(rebuild, look)

    assert len(seen) > 2
    assert set(seen) == {"1"}


def test_it_goes_on_where_there_was_no_more_time(
    rebuild: Rebuild, models: ReadModels, store: DynamoDBEventStore, told: list[Event]
) -> None:
    events: list[int] = []
    for _ in range(20):
        progress = rebuild.run(NOW, lambda: False, lambda progress: events.append(progress.events))
        if progress.switched:
            break

    assert shown(models) == wanted(store, TALK_IDS)
    assert (events == sorted(events), events[-1], progress.done) == (True, 12, False)
    assert generations_with_rows() == {"1", "2"}, "no time was left to delete"

    assert finish(rebuild).done
    assert generations_with_rows() == {"2"}


def test_what_it_leaves_is_deleted_page_by_page_as_far_as_there_is_time(
    rebuild: Rebuild, models: ReadModels, store: DynamoDBEventStore, told: list[Event]
) -> None:
    while not rebuild.run(NOW, lambda: False, lambda _: None).switched:
        pass

    done, calls = False, 0
    while not done:
        done = rebuild.run(NOW, cycle([True, False]).__next__, lambda _: None).done
        calls += 1
        assert shown(models) == wanted(store, TALK_IDS)

    assert calls > 2
    assert generations_with_rows() == {"2"}
    assert models.generations()[TALKS].rebuild is None


def spoilt(table: Table) -> Item:
    """Two events cannot be read by now; the one as it was."""
    [item] = table.query_page({"aggregateId": "talk:3"}, descending=True, limit=1).items
    table.put({**item, "data": "{}"}, keys=KEYS)
    table.put({**item, "aggregateId": "talk:9", "data": "none"}, keys=KEYS)
    return item


def test_events_that_cannot_be_read_stop_it_and_the_model_is_read_as_before(
    rebuild: Rebuild, models: ReadModels, store: DynamoDBEventStore, table: Table, told: list[Event]
) -> None:
    before = shown(models)
    spoilt(table)

    progress = finish(rebuild)

    assert (progress.stopped, progress.done, progress.switched, progress.unreadable) == (True, False, False, 2)
    assert shown(models) == before
    assert models.generations()[TALKS].written == ("1", "2"), "what is appended meanwhile is in both"


def test_events_that_cannot_be_read_are_left_out_if_somebody_says_so(
    rebuild: Rebuild, models: ReadModels, store: DynamoDBEventStore, table: Table, told: list[Event]
) -> None:
    spoilt(table)
    finish(rebuild)

    progress = finish(rebuild, leave_out=True)

    assert (progress.done, progress.stopped, progress.unreadable, progress.events) == (True, False, 2, 13)
    assert progress.generation == "2", "it was not read again"
    assert shown(models)["talk:3"] == {"text": "b", "count": 2}
    assert generations_with_rows() == {"2"}


def test_what_can_be_read_by_another_release_is_read_from_the_beginning(
    rebuild: Rebuild, models: ReadModels, store: DynamoDBEventStore, table: Table, told: list[Event]
) -> None:
    whole = spoilt(table)
    finish(rebuild)
    finish(rebuild)
    table.put(whole, keys=KEYS)
    table.delete({"aggregateId": "talk:9", "eventSequence": whole["eventSequence"]})

    progress = finish(rebuild)

    assert (progress.done, progress.unreadable, progress.generation) == (True, 0, "4")
    assert shown(models) == wanted(store, TALK_IDS)
    assert generations_with_rows() == {"4"}


def test_who_asked_before_the_switch_has_the_rows_there_were(
    table: Table, models: ReadModels, few_a_page: None, told: list[Event]
) -> None:
    waited: list[float] = []

    def wait(seconds: float) -> None:
        assert models.generations()[TALKS].read == "2"
        assert generations_with_rows() == {"1", "2"}
        waited.append(seconds)

    assert finish(Rebuild(table, models, TALKS, TalksFold, wait)).done

    assert waited == [REQUESTS_END_SECONDS]


def test_without_time_nobody_is_waited_for(
    table: Table, models: ReadModels, few_a_page: None, told: list[Event]
) -> None:
    waited: list[float] = []
    rebuild = Rebuild(table, models, TALKS, TalksFold, waited.append)
    while not rebuild.run(NOW, lambda: False, lambda _: None).switched:
        pass

    assert (waited, generations_with_rows()) == ([], {"1", "2"})


def test_somebody_else_who_makes_the_model_anew_stops_it_and_it_goes_on(
    rebuild: Rebuild, models: ReadModels, store: DynamoDBEventStore, told: list[Event]
) -> None:
    def interfere(progress: Progress) -> None:
        rebuild.run(NOW, lambda: False, lambda _: None)

    with pytest.raises(ConditionFailed):
        finish(rebuild, interfere)

    assert finish(rebuild).done
    assert shown(models) == wanted(store, TALK_IDS)


def test_models_are_made_anew_beside_each_other(
    rebuild: Rebuild, table: Table, models: ReadModels, store: DynamoDBEventStore, told: list[Event]
) -> None:
    other = Rebuild(table, models, "other", TalksFold, lambda _: None)

    def go_on_with_the_other(_: Progress) -> None:
        other.run(NOW, lambda: False, lambda _: None)

    assert finish(rebuild, go_on_with_the_other).done

    assert finish(other).done
    assert shown(models) == wanted(store, TALK_IDS)
    assert models.generations() == dict.fromkeys((TALKS, "other"), Generations("2", ("2",)))


def test_it_may_be_killed_before_any_write(
    rebuild: Rebuild, models: ReadModels, store: DynamoDBEventStore, faults: Faults
) -> None:
    for event in [*talk(store, "talk:0", "a", "b"), *talk(store, "talk:1", "a"), *talk(store, "talk:2", "a")]:
        project(models, event)
    for writes in count():
        if not killed_after(writes, rebuild, faults):
            break
        if writes in (3, 9):
            [event] = talk(store, "talk:1", f"after {writes}")
            project(models, event)
        assert shown(models) == wanted(store, TALK_IDS)
        assert finish(rebuild).done
        assert shown(models) == wanted(store, TALK_IDS)
        assert generations_with_rows() == {models.generations()[TALKS].read}

    assert writes > 10


def killed_after(writes: int, rebuild: Rebuild, faults: Faults) -> bool:
    left = writes

    def stop(send: Send) -> object:
        nonlocal left
        if send.operation in ("PutItem", "UpdateItem", "BatchWriteItem"):
            left -= 1
        return denied(send) if left < 0 else None

    with faults.injected(stop):  # type: ignore[arg-type]
        try:
            return not finish(rebuild).done
        except DatabaseError:
            return True


@pytest.mark.parametrize("seed", range(6))
def test_what_is_appended_meanwhile_is_in_it(
    rebuild: Rebuild, models: ReadModels, store: DynamoDBEventStore, told: list[Event], seed: int
) -> None:
    """Projected at once, late, or twice; of talks that are known or new; before or after the page with their key."""
    chance, late = random.Random(seed), [*talk(store, "talk:0", "late"), *talk(store, "talk:2", "late")]
    talk_ids = [*TALK_IDS, *(f"talk:new-{number}" for number in range(3))]

    def go_on(_: Progress) -> None:
        for talk_id in chance.sample(talk_ids, 2):
            for event in talk(store, talk_id, *chance.choice(["x", "yz"])):
                if chance.random() < 0.5:
                    late.append(event)
                else:
                    project(models, event)

    rounds = iter(range(8))
    assert finish(rebuild, lambda progress: go_on(progress) if next(rounds, None) is not None else None).done
    chance.shuffle(late)
    for event in late + told:
        project(models, event)

    assert shown(models) == wanted(store, talk_ids)


@pytest.mark.parametrize("seed", range(4))
def test_a_projection_may_write_long_after_it_read_where(
    rebuild: Rebuild, models: ReadModels, store: DynamoDBEventStore, faults: Faults, seed: int
) -> None:
    """Before each write of a rebuild some events are appended, and their projections begin; they end before others.
    Then no generation a rebuild left is shown, and the next takes what is left in them with it."""
    chance = random.Random(seed)
    begun = [Projection(models, event) for talk_id in TALK_IDS for event in talk(store, talk_id, "a", "b")]
    steps = iter(range(12))

    def go_on(send: Send) -> None:
        if send.operation not in ("UpdateItem", "BatchWriteItem") or next(steps, None) is None:
            return
        begun.extend(Projection(models, event) for event in talk(store, chance.choice(TALK_IDS), "x"))
        chance.shuffle(begun)
        for _ in range(chance.randrange(len(begun) // 2)):
            begun.pop().write()

    with faults.injected(go_on):
        assert finish(rebuild).done
    for projection in begun:
        projection.write()
    assert shown(models) == wanted(store, TALK_IDS)
    assert "1" in generations_with_rows(), "some had read that it is written"

    assert finish(rebuild).done
    assert shown(models) == wanted(store, TALK_IDS)
    assert generations_with_rows() == {models.generations()[TALKS].read}
