"""Names of new things."""

from datetime import UTC, datetime

import pytest
from ulid import ULID

from api.ferments.identifiers import id_within, is_id, new_id

ID = "01M7WX6ZW0GMGV6JQ18NRS57BX"


def test_ids_sort_by_their_moments() -> None:
    moments = [datetime(2000, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, 12, 0, 0, 1000, tzinfo=UTC)]

    assert new_id(moments[0]) < new_id(moments[1]) < new_id() < new_id()
    assert ULID.from_str(new_id(moments[1])).datetime == moments[1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        ID.lower(),
        ID + "0",
        ID[1:],
        "8" + "0" * 25,
        "I" * 26,
        ID[:-1] + "\n",
        "../" * 8,
    ],
)
def test_what_is_no_ulid_is_no_id(text: str) -> None:
    assert is_id(new_id())
    assert not is_id(text)


def test_a_name_within_an_owner_has_one_id() -> None:
    owner, other = new_id(), new_id()

    assert id_within(owner, "taste") == id_within(owner, "taste")
    assert is_id(id_within(owner, "taste"))
    assert is_id(id_within(owner, "\ud800"))
    assert len({id_within(owner, "taste"), id_within(owner, "bottle"), id_within(other, "taste")}) == 3
