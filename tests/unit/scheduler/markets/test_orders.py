import pytest

from scheduler.markets.orders import only_counts


@pytest.mark.parametrize(("event", "counts"), [({}, False), ({"action": None}, False), ({"action": "count"}, True)])
def test_it_works_unless_it_is_asked_to_count(event: dict[str, object], counts: bool) -> None:
    assert only_counts(event) is counts


@pytest.mark.parametrize("action", ["cuont", "", 1, ["count"]])
def test_an_order_nobody_knows_is_refused_and_not_taken_for_none(action: object) -> None:
    with pytest.raises(ValueError, match="it can be count, or left out"):
        only_counts({"action": action})
