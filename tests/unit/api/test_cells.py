import csv
import io
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.web.cells import cell, guarded, plain
from watchkeeper.ferments.models import BatchStatus, Stage

SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫"
NASTY = st.text(st.sampled_from(SIGNS + "'\"`’“ \u00a0\u200b\ufeff\x00\t\r\n,;|a1()!")) | st.text()
CALCULATED = re.compile(rf"[\s\"\x00\u200b\ufeff]*[{re.escape(SIGNS)}]")


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("before", ["", " ", "\u00a0", '"', "''", "\ufeff", "\u200b ", "\x00", "“"])
def test_what_could_be_a_formula_is_made_a_text(sign: str, before: str) -> None:
    text = f"{before}{sign}cmd|' /C calc'!A0"

    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize("text", ["\tx", "\rx", "\nx", " \t x"])
def test_so_is_what_begins_with_a_tab_or_an_end_of_line(text: str) -> None:
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a\n=1", "a\n'=1"),
        ("a\r\n -1", "a\r\n' -1"),
        ("a;=1;b", "a;'=1;b"),
        ("a\t@x", "a\t'@x"),
        ("a, +1", "a,' +1"),
        ("- lemon\n- ginger", "'- lemon\n'- ginger"),
    ],
)
def test_so_is_what_another_separator_would_make_a_cell_of(text: str, safe: str) -> None:
    assert guarded(text) == safe


@pytest.mark.parametrize("text", ["", "plain", "1 - 1 = 0", "a@b", "it's, so", "x; y", "'t was", "Grüße\nan alle"])
def test_other_texts_stay_what_they_are(text: str) -> None:
    assert guarded(text) == text


@given(NASTY)
def test_no_text_is_lost(text: str) -> None:
    assert plain(guarded(text)) == text


@given(st.lists(NASTY, min_size=1), st.sampled_from([",", ";", "\t", "|"]))
def test_no_reader_finds_a_formula_whatever_it_splits_at(texts: list[str], separator: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerow(["first", *map(cell, texts)])
    file.seek(0)

    cells = [one for row in csv.reader(file, delimiter=separator) for one in row]

    assert [one for one in cells if CALCULATED.match(one)] == []


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_readers_get_the_very_texts_back(texts: list[str]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerow(["first", *map(cell, texts)])
    file.seek(0)

    [row] = csv.reader(file)

    assert list(map(plain, row[1:])) == texts


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, ""),
        (-5, "-5"),
        (-0.25, "-0.25"),
        (True, "true"),
        (False, "false"),
        (Stage.BOTTLED, "2"),
        (BatchStatus.IN_FRIDGE, "in_fridge"),
        (datetime(2026, 11, 20, 12, tzinfo=UTC), "2026-11-20T12:00:00Z"),
    ],
)
def test_what_is_ours_is_written_as_it_is(value: object, written: str) -> None:
    assert cell(value) == written  # type: ignore[arg-type]


def test_a_text_where_a_number_should_be_is_a_text() -> None:
    assert cell("-1+cmd") == "'-1+cmd"


def test_long_texts_take_no_long_time() -> None:
    for text in ("\n " * 100_000, "'" * 200_000, ",;" * 100_000, " " * 200_000 + "x"):
        assert plain(guarded(text)) == text
