import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.web.cursors import Cursors
from watchkeeper.errors import InvalidCursor

CURSORS = Cursors(lambda: b"a secret of the stage")
QUERY = {"list": "patches", "state": ["new"]}
POSITION = "2026-07-01T13:39:18Z#0000009539"


@given(st.text(min_size=1) | st.tuples(st.text(), st.text()))
def test_a_cursor_gives_back_its_position(position: str | tuple[str, str]) -> None:
    opened = CURSORS.open(CURSORS.seal(position, QUERY), QUERY)

    assert opened == (list(position) if isinstance(position, tuple) else position)


def test_every_single_changed_character_is_refused() -> None:
    cursor = CURSORS.seal(POSITION, QUERY)

    for place, character in enumerate(cursor):
        for other in {"A", "z", "_", "=", "\n", "é"} - {character}:
            with pytest.raises(InvalidCursor):
                CURSORS.open(cursor[:place] + other + cursor[place + 1 :], QUERY)


def test_every_single_flipped_bit_is_refused() -> None:
    cursor = CURSORS.seal(POSITION, QUERY)
    octets = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))

    for bit in range(len(octets) * 8):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(InvalidCursor):
            CURSORS.open(base64.urlsafe_b64encode(flipped).rstrip(b"=").decode(), QUERY)


@given(st.text())
def test_nothing_made_up_is_taken(cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        CURSORS.open(cursor, QUERY)


@pytest.mark.parametrize("end", ["=", "==", "A", " ", "\n"])
def test_another_spelling_of_a_cursor_is_refused(end: str) -> None:
    with pytest.raises(InvalidCursor):
        CURSORS.open(CURSORS.seal(POSITION, QUERY) + end, QUERY)


def test_a_cursor_belongs_to_its_query() -> None:
    cursor = CURSORS.seal(POSITION, QUERY)

    with pytest.raises(InvalidCursor):
        CURSORS.open(cursor, QUERY | {"state": ["accepted"]})


def test_a_cursor_belongs_to_its_stage() -> None:
    cursor = Cursors(lambda: b"the secret of another stage").seal(POSITION, QUERY)

    with pytest.raises(InvalidCursor):
        CURSORS.open(cursor, QUERY)


def test_an_endless_cursor_is_refused_before_it_is_read() -> None:
    with pytest.raises(InvalidCursor):
        CURSORS.open("A" * 1_000_000, QUERY)
