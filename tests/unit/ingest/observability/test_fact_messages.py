"""Messages of the queue of facts: facts as the bus delivers them, and nothing else is accepted."""

from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.observability.fact_messages import envelope, fact_of
from watchkeeper.messages import WorkRefused
from watchkeeper.observability.facts import CATALOGUE, CircuitOpened, Fact, RunFinished, fact

NOW = datetime(2026, 11, 20, 21, 0, tzinfo=UTC)
RUN = RunFinished("lore:linux-hwmon", "recent", 12.5, 1, 2, 3, 4)


def body(given: Fact = RUN, /, **members: Any) -> str:
    told = fact(given, cause="run", occurred_at=NOW, correlation_id="cause")
    return orjson.dumps({**orjson.loads(orjson.dumps(told)), **members}).decode()


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.type)
def test_every_fact_there_is_comes_through(kind: type[Fact]) -> None:
    examples: dict[Any, Any] = {str: "name", int: 3, float: 1.5, bool: True}
    told = kind(**{one.name: examples[one.type] for one in fields(kind)})

    event = envelope(body(told))

    assert fact_of(event) == told
    assert (event.occurred_at, event.correlation_id) == (NOW, "cause")


def test_what_a_later_release_says_besides_is_passed_over() -> None:
    event = envelope(body(data={"upstream": "lore", "since": "then"}, type="CircuitOpened", more=1))

    assert fact_of(event) == CircuitOpened("lore")


def test_a_correlation_id_that_is_none_is_replaced_by_the_event() -> None:
    event = envelope(body(correlation_id="two\nlines"))

    assert event.correlation_id == event.id


REFUSED: dict[str, tuple[str, str]] = {
    "no JSON": ("{", "is JSON"),
    "a list": ("[]", "JSON object"),
    "no id": (body(id=None), "id is"),
    "no time": (body(occurred_at="soon"), "occurred_at"),
    "no data": (body(data=[]), "data is"),
    "another type": (body(type="RunBegun"), "no fact 'RunBegun'"),
    "another version": (body(version=2), "of version 2"),
    "a missing member": (body(data={}), "source, mode, seconds"),
    "a text for a number": (body(data={**asdict(RUN), "stored": "2"}), "should be: stored"),
    "a flag for a number": (body(data={**asdict(RUN), "stored": True}), "should be: stored"),
    "a number for a text": (body(data={**asdict(RUN), "mode": 1}), "should be: mode"),
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_fact_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(WorkRefused, match=reason):
        fact_of(envelope(text))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    members=st.dictionaries(st.sampled_from(["id", "type", "version", "occurred_at", "correlation_id", "data"]), JSON),
    data=st.dictionaries(st.sampled_from([one.name for one in fields(RunFinished)]), JSON),
)
def test_whatever_comes_is_a_fact_or_refused(members: dict[str, Any], data: dict[str, Any]) -> None:
    whole = orjson.loads(body())

    try:
        fact_of(envelope(orjson.dumps({**whole, "data": {**whole["data"], **data}, **members}).decode()))
    except WorkRefused:
        return
