import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.kernel.links import Links
from api.kernel.rendering import cut
from api.web.paging import MAX_ROWS, take

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT, st.integers(2, 100))
@example("\x1f", 6)
def test_a_cut_text_fits_and_is_a_beginning(text: str, octets: int) -> None:
    kept = cut(text, octets)

    assert text.startswith(kept)
    assert len(orjson.dumps(kept)) <= max(octets, 2)


@given(TEXT)
def test_a_text_that_fits_is_not_cut(text: str) -> None:
    assert cut(text, len(orjson.dumps(text))) == text


@pytest.mark.parametrize(
    ("message_id", "segment"),
    [("a+b@x", "a+b@x"), ("a/b@x", "a%2Fb@x"), ("a%b@x", "a%25b@x"), ('a"<>@x', "a%22%3C%3E@x"), ("é@x", "%C3%A9@x")],
)
def test_links_escape_what_the_sites_need_escaped(message_id: str, segment: str) -> None:
    links = Links("https://patchwork.example", "https://lore.example")

    assert links.mail(message_id) == f"https://lore.example/{segment}/"
    assert links.patch("p", message_id)[0] == f"https://patchwork.example/project/p/patch/{segment}/"


def test_a_page_ends_with_a_position_only_if_there_is_more() -> None:
    rows = [(str(number), number) for number in range(4)]

    assert take(rows, lambda _: True, 4).position is None
    assert take(rows, lambda _: True, 3).position == "2"


def test_rows_are_looked_at_only_so_far() -> None:
    rows = ((str(number), number) for number in range(MAX_ROWS * 2))

    found = take(rows, lambda number: number > MAX_ROWS, 1)

    assert (found.items, found.position) == ([], str(MAX_ROWS - 1))
