"""Records of the event store's stream, as they come: what is an event, and what can be said of one nobody can read."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.observability.stream import Unreadable, streamed_events
from tests.fakes.event_stream import inserted, record
from tests.unit.ingest.observability.events import NOW, an_event
from watchkeeper.eventsourcing.upcasting import Upcasters
from watchkeeper.observability import events


def test_an_event_is_read_with_its_place_and_time() -> None:
    event = an_event("metric:load", 3)

    [one] = streamed_events([record(event, 17)])

    assert (one.position, one.at, one.content) == ("17", NOW, event)
    assert (one.named.id, one.named.type, one.aggregate_id, one.named.sequence) == (
        event.id,
        "MetricRecorded",
        "metric:load",
        3,
    )
    assert one.correlation_id == event.correlation_id


def test_what_one_transaction_appended_is_in_order_however_it_comes() -> None:
    load = [an_event("metric:load", sequence) for sequence in (3, 4, 5)]
    other, last = an_event("metric:other", 1), an_event("metric:other", 2)

    some = streamed_events(
        [record(load[2], 1), record(other, 2), record(load[0], 3), record(last, 4), record(load[1], 5)]
    )

    assert [one.content for one in some] == [load[0], other, load[1], last, load[2]]
    assert [one.position for one in some] == ["3", "2", "5", "4", "1"], "each is answered for by its own place"


HEAD = {"aggregateId": {"S": "metric:load"}, "eventSequence": {"N": "0"}, "version": {"N": "1"}}
PASSED_OVER: dict[str, dict[str, Any]] = {
    "a head": inserted(HEAD, 1, NOW),
    "a change": {**record(an_event()), "eventName": "MODIFY"},
    "a removal": {"eventName": "REMOVE", "eventID": "x", "dynamodb": {"Keys": HEAD, "SequenceNumber": "1"}},
}


@pytest.mark.parametrize("other", PASSED_OVER.values(), ids=PASSED_OVER)
def test_whatever_is_no_appended_event_is_passed_over(other: dict[str, Any]) -> None:
    assert streamed_events([other]) == []


def test_an_event_of_an_old_version_is_the_newest_by_the_time_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Upcasters({("MetricRecorded", 0): lambda data: {"load": data["amount"]}})
    monkeypatch.setattr(events, "UPCASTERS", steps)

    [one] = streamed_events([record(an_event(version=0, amount=1))])

    assert one.content == an_event(load=1)


UNREADABLE: dict[str, dict[str, Any]] = {
    "broken JSON": {"data": {"S": "{"}},
    "a type that is none of ours": {"data": {"M": {}}},
    "a version that is no number": {"eventVersion": {"S": "new"}},
    "a version of the future": {"eventVersion": {"N": "99"}},
    "a version no step leads from": {"eventVersion": {"N": "0"}},
    "an event of the future": {"eventType": {"S": "MetricForgotten"}},
    "no time": {"occurredAt": {"S": "yesterday"}},
    "a time before all time": {"occurredAt": {"S": "0001-01-01T00:00:00+14:00"}},
    "an attribute in no form at all": {"actor": "somebody"},
}


@pytest.mark.parametrize("image", UNREADABLE.values(), ids=UNREADABLE)
def test_an_event_nobody_can_read_is_known_by_its_key(image: dict[str, Any]) -> None:
    event = an_event("metric:load", 3)

    [one] = streamed_events([record(event, 5, **image)])

    assert isinstance(one.content, Unreadable)
    assert (one.named.id, one.aggregate_id, one.named.sequence) == (event.id, "metric:load", 3)
    assert one.named.occurred_at == NOW
    assert one.at == datetime.fromtimestamp(NOW.timestamp(), UTC)


def test_what_an_unreadable_event_does_not_even_say_is_made_up_for() -> None:
    [one] = streamed_events(
        [record(an_event(), 5, eventId={"L": []}, eventType={"N": "1"}, correlationId={"S": "a b"})]
    )

    assert (one.named.id, one.named.type, one.correlation_id) == ("record-5", "unknown", "record-5")
