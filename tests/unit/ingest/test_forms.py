"""Invalid messages are refused with the reason; valid work is accepted unchanged."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.kernel.handlers.forms import Form, Forms, WorkRefused, watched, work_of

FORMS: Forms = {
    "patches": Form({"project": str}),
    "statistics": Form({"weeks": list}),
    None: Form(optional={"message_ids": list, "if_missing": bool}),
}
GOOD: list[dict[str, Any]] = [
    {"task": "patches", "project": "linux-hwmon", "mode": "full", "attempt": 3},
    {"task": "statistics", "weeks": ["2026-W47"]},
    {"message_ids": ["1@example.org"], "if_missing": True},
    {"message_ids": ["1@example.org"], "if_missing": None},
    {},
]
BAD = {
    "rubbish": "work is JSON, and this is not",
    "": "work is JSON, and this is not",
    "null": "work is a JSON object, and this is None",
    "[]": "work is a JSON object, and this is []",
    '{"task": "mails"}': "task is 'mails'; it can be patches, statistics",
    '{"task": ["patches"]}': "task is ['patches']; it can be patches, statistics",
    '{"task": "patches"}': "project is None, which is no text",
    '{"task": "patches", "project": 7}': "project is 7, which is no text",
    '{"task": "patches", "project": "p", "mode": "all"}': "mode is 'all'; it can be recent, refresh, full",
    '{"task": "patches", "project": "p", "mode": ["full"]}': "mode is ['full'], which is no text",
    '{"task": "patches", "project": "p", "attempt": "1"}': "attempt is '1', which is no number",
    '{"task": "statistics", "weeks": "2026-W47"}': "weeks is '2026-W47', which is no list of texts",
    '{"message_ids": [null, 5]}': "message_ids is [None, 5], which is no list of texts",
    '{"if_missing": "yes"}': "if_missing is 'yes', which is no flag",
}


@pytest.mark.parametrize("work", GOOD, ids=str)
def test_work_is_taken_as_it_is(work: dict[str, Any]) -> None:
    assert work_of(json.dumps(work), FORMS) == work


@pytest.mark.parametrize("body", BAD)
def test_anything_else_is_refused_with_what_is_wrong(body: str) -> None:
    with pytest.raises(WorkRefused) as refused:
        work_of(body, FORMS)

    assert BAD[body] in str(refused.value)


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_whatever_comes_is_work_or_is_refused_in_few_words(body: str) -> None:
    assert len(refusal(body)) < 400


def refusal(body: str) -> str:
    """What was wrong; nothing, if it is work."""
    try:
        work_of(body, FORMS)
    except WorkRefused as refused:
        return str(refused)
    return ""


def test_a_source_nobody_watches_is_refused_by_name() -> None:
    assert watched("linux-hwmon", ("linux-hwmon",)) == "linux-hwmon"
    with pytest.raises(WorkRefused, match=r"'\.\./x' is not watched; linux-hwmon is"):
        watched("../x", ("linux-hwmon",))
