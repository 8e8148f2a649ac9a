import csv
from datetime import date
from io import StringIO

from hypothesis import given
from hypothesis import strategies as st

from api.markets.fundamentals import Wanted
from api.markets.tables import filename, table
from api.web.cells import plain
from watchkeeper.markets.models import Period, Report, Statement

WANTED = Wanted("BRK.B", Statement.CASH_FLOW, Period.ANNUAL, None, None)
DAY = date(2025, 12, 31)

FIELDS = st.dictionaries(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=10),
    st.one_of(
        st.decimals(-(10**12), 10**12, places=2).map(str),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
    ),
    max_size=5,
)


def read(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text.removeprefix("\ufeff"), newline="")))


def test_its_name_says_what_it_is() -> None:
    assert filename(WANTED) == "BRK.B-cash_flow-annual.csv"
    assert filename(Wanted("IBM", Statement.OVERVIEW, None, None, None)) == "IBM-overview.csv"


@given(st.lists(FIELDS, max_size=4))
def test_no_field_is_lost_and_no_text_is_a_formula(told: list[dict[str, str]]) -> None:
    reports = [Report("BRK.B", Statement.CASH_FLOW, Period.ANNUAL, DAY, values) for values in told]

    header, *rows = read(table(WANTED, reports))

    names = [plain(name) for name in header[4:]]
    assert set(names) == {name for values in told for name in values}
    for row, values in zip(rows, told, strict=True):
        cells = dict(zip(names, row[4:], strict=True))
        for name, text in values.items():
            assert text in (cells[name], plain(cells[name]))
            assert not cells[name].startswith(("=", "+", "@"))
