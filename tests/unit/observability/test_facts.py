"""Facts in their envelopes."""

from datetime import UTC, datetime

from watchkeeper.events import event_id
from watchkeeper.observability.facts import CATALOGUE, SourceAged, fact

AT = datetime(2026, 11, 20, 21, tzinfo=UTC)


def test_a_fact_is_an_event_of_its_cause() -> None:
    told = fact(
        SourceAged("lore:x", 60, stale=False, blocked=True), cause="run/lore:x", occurred_at=AT, correlation_id="cause"
    )

    assert (told.id, told.type, told.version) == (event_id("run/lore:x", "SourceAged"), "SourceAged", 1)
    assert (told.occurred_at, told.correlation_id) == (AT, "cause")
    assert told.data == {"source": "lore:x", "seconds": 60, "stale": False, "blocked": True}


def test_every_fact_is_known_by_its_own_name() -> None:
    assert {kind.type: kind.__name__ for kind in CATALOGUE} == {kind.__name__: kind.__name__ for kind in CATALOGUE}
