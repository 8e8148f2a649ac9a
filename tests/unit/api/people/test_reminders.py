"""The order reminders are found in, page by page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from api.people.reminders import Wanted, find
from watchkeeper.people.reminders import Reminder, ReminderStatus

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def reminder(number: int, hours: int, status: ReminderStatus, batch: str | None) -> Reminder:
    return Reminder(f"{number:03}", "ada", "t", "b", NOW + timedelta(hours=hours), NOW, batch=batch, status=status)


REMINDERS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(ReminderStatus), st.sampled_from([None, "a", "b"])), max_size=30
).map(lambda some: [reminder(number, *one) for number, one in enumerate(some)])
WANTED = st.builds(Wanted, st.none() | st.sampled_from(ReminderStatus), st.sampled_from([None, "a"]))


@given(REMINDERS, WANTED, st.integers(1, 10))
def test_pages_together_hold_what_is_wanted_once_and_in_order(
    reminders: list[Reminder], wanted: Wanted, limit: int
) -> None:
    found: list[Reminder] = []
    after = None
    for _ in range(len(reminders) + 1):
        page = find(reminders, wanted, limit=limit, after=after)
        assert len(page.items) <= limit
        found += page.items
        if page.position is None:
            break
        after = list(map(str, page.position))  # as it comes out of a cursor

    matching = [one for one in reminders if wanted.matches(one)]
    assert found == sorted(matching, key=lambda one: (one.due_at, one.id))
