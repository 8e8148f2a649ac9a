"""Whatever is sent, the answer is one of ours; and what was taken is given back."""

from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.api.asking import Asker

ON_ONE_TABLE = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
LINE = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40)
LINES = st.text(st.characters(exclude_categories=("Cc", "Cs"), include_characters="\n\t"), max_size=200)
MOMENT = (
    st.datetimes()
    .map(lambda moment: f"{moment.replace(microsecond=0).isoformat()}Z")
    .filter(lambda text: "2000" <= text[:4] <= "2025")
)
TIMING = st.fixed_dictionaries({"started_at": st.none() | MOMENT, "target_hours": st.none() | st.floats(0.5, 2000)})
MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    "name": LINE.map(str.strip).filter(bool),
    "water_ml": st.none() | st.integers(1, 1_000_000),
    "sugar_g": st.none() | st.floats(0, 100_000),
    "fruits": st.lists(LINE.map(str.strip).filter(bool), max_size=20),
    "temperature_c": st.none() | st.floats(-5, 60),
    "stage1": TIMING,
    "stage2": TIMING,
    "bottle_count": st.none() | st.integers(0, 1000),
    "notes": LINES,
    "public": st.booleans(),
    "public_note": LINES,
}
GOOD = st.fixed_dictionaries(
    {"name": MEMBERS["name"]}, optional={name: values for name, values in MEMBERS.items() if name != "name"}
)
NEARLY_GOOD = st.dictionaries(
    st.sampled_from([*MEMBERS, "status", "stage", "id", "kind", "text", "at", "rating", "ph", "key", "reminders"]),
    ANYTHING | st.sampled_from(["active", "note", "taste", "measurement", "2026-01-01T00:00:00Z", [{"key": "taste"}]]),
    max_size=6,
)


@ON_ONE_TABLE
@given(members=GOOD)
def test_what_was_taken_is_given_back(ferments: Asker, members: dict[str, Any]) -> None:
    begun = ferments.post("/batches", members)

    assert begun.status == 201, begun.text
    assert begun.json | members == begun.json
    assert ferments.get(f"/batches/{begun.json['id']}").json == begun.json


@ON_ONE_TABLE
@given(changes=st.lists(st.fixed_dictionaries({}, optional=MEMBERS), min_size=1, max_size=3))
def test_changes_add_up(ferments: Asker, batch: str, changes: list[dict[str, Any]]) -> None:
    expected = ferments.get(batch).json
    for change in changes:
        changed = ferments.patch(batch, change)
        assert changed.status == 200, changed.text
        expected |= change | {name: changed.json[name] for name in ("version", "updated_at")}

    assert ferments.get(batch).json == expected


@settings(ON_ONE_TABLE, max_examples=25)
@given(body=NEARLY_GOOD | ANYTHING | st.text(max_size=60).map(lambda text: "{" + text))
def test_no_body_is_an_error_of_ours(ferments: Asker, batch: str, body: Any) -> None:
    for path in ("", "/stage", "/events", "/photos", "/reminders/confirm"):
        assert ferments.post(batch + path if path else "/batches", body).status < 500
    assert ferments.patch(batch, body).status < 500


@ON_ONE_TABLE
@given(
    name=st.text(st.characters(codec="utf-8", exclude_characters="/?#"), min_size=1, max_size=60),
    query=st.text(max_size=60),
)
def test_no_name_or_query_is_an_error_of_ours(ferments: Asker, batch: str, name: str, query: str) -> None:
    for path in (f"/batches/{quote(name)}", f"{batch}/events/{quote(name)}", f"{batch}/photos/{quote(name)}"):
        assert ferments.get(path).status in (404, 405)
    assert ferments.get(f"/batches?cursor={quote(query)}").status in (200, 400, 422)
    assert ferments.get(f"{batch}/events?order={quote(query)}&limit={quote(query)}").status < 500
