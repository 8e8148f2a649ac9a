"""Every figure of AlphaVantage's statements is stored as written, and missing ones stay missing."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import UpstreamGarbled
from ingest.markets import statements
from ingest.markets.fields import NO_DAY
from ingest.markets.statements import REASONS, digest_of, parse_overview, parse_reports
from watchkeeper.markets.models import Overview, Period, Report, Statement

TODAY = date(2026, 11, 20)
BALANCE = Statement.BALANCE_SHEET


def report(ending: object, **values: object) -> dict[str, object]:
    return {"fiscalDateEnding": ending, "reportedCurrency": "USD", **values}


def balance(annual: object, quarterly: object = (), symbol: object = "BRAV-B") -> dict[str, Any]:
    listed = [list(rows) if isinstance(rows, tuple) else rows for rows in (annual, quarterly)]
    return {"symbol": symbol, "annualReports": listed[0], "quarterlyReports": listed[1]}


def test_a_year_and_its_last_quarter_are_two_reports() -> None:
    body = balance([report("2025-12-31", totalAssets="7")], [report("2025-12-31", totalAssets="8")])

    parsed = parse_reports(BALANCE, body, "BRAV.B")

    ending = date(2025, 12, 31)
    assert parsed.reports == [
        Report("BRAV.B", BALANCE, Period.ANNUAL, ending, {"reportedCurrency": "USD", "totalAssets": "7"}),
        Report("BRAV.B", BALANCE, Period.QUARTERLY, ending, {"reportedCurrency": "USD", "totalAssets": "8"}),
    ]
    assert (parsed.refused, parsed.left_out) == ([], 0)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("151880000000", "151880000000"),
        ("-0.5", "-0.5"),
        ("1.50", "1.50"),
        (" 7 ", "7"),
        ("1.5E+3", "1500"),
        ("1e-3", "0.001"),
        (12, "12"),
        (0.1, "0.1"),
        ("None", None),
        ("-", None),
        ("", None),
        (None, None),
        ("post-market", "post-market"),
        ("2026-11-20", "2026-11-20"),
        ("n.m.", "n.m."),
        (True, "true"),
    ],
)
def test_a_value_is_kept_in_one_form_or_is_not_there(raw: object, kept: str | None) -> None:
    parsed = parse_reports(BALANCE, balance([report("2025-12-31", known="1", unheardOf=raw)]), "BRAV.B")

    assert parsed.reports[0].values.get("unheardOf") == kept
    assert parsed.refused == []


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("12abc", statements.NO_FIGURE),
        ("1,234", statements.NO_FIGURE),
        ("1.2.3", statements.NO_FIGURE),
        ("+7%", statements.NO_FIGURE),
        ("2026-02-30", statements.NO_FIGURE),
        ("1e999", statements.NO_FIGURE),
        ("9" * 40, statements.NO_FIGURE),
        ("NaN", statements.NO_FIGURE),
        ("-Infinity", statements.NO_FIGURE),
        ("sNaN12", statements.NO_FIGURE),
        (float("nan"), statements.NO_FIGURE),
        (float("inf"), statements.NO_FIGURE),
        (10**50, statements.NO_FIGURE),
        ({"raw": 1}, statements.NO_SINGLE_VALUE),
        ([1], statements.NO_SINGLE_VALUE),
    ],
)
def test_what_should_be_a_figure_and_is_none_is_left_out_and_counted(raw: object, reason: str) -> None:
    parsed = parse_reports(BALANCE, balance([report("2025-12-31", known="1", totalAssets=raw)]), "BRAV.B")

    assert dict(parsed.reports[0].values) == {"reportedCurrency": "USD", "known": "1"}
    assert [(one.subject, one.reason) for one in parsed.refused] == [("totalAssets annual 2025-12-31", reason)]


@pytest.mark.parametrize("name", ["", " ", "x" * 81, "a\nb", "<b>"])
def test_a_field_whose_name_is_none_is_left_out_and_counted(name: str) -> None:
    parsed = parse_reports(BALANCE, balance([report("2025-12-31", known="1", **{name: "2"})]), "BRAV.B")

    assert name not in parsed.reports[0].values
    assert [one.reason for one in parsed.refused] == [statements.NO_FIELD]


def test_a_report_has_no_thousand_fields() -> None:
    body = balance([report("2025-12-31", **{f"field{number}": "1" for number in range(1000)})])

    parsed = parse_reports(BALANCE, body, "BRAV.B")

    assert len(parsed.reports[0].values) == 200
    assert [one.reason for one in parsed.refused] == [statements.TOO_MUCH]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2025-12-31", statements.NO_REPORT),
        (None, statements.NO_REPORT),
        (report("None", known="1"), NO_DAY),
        (report("2025-13-31", known="1"), NO_DAY),
        (report("20251231", known="1"), NO_DAY),
        (report(20251231, known="1"), NO_DAY),
        (report("0000-00-00", known="1"), NO_DAY),
        ({"known": "1"}, NO_DAY),
        (report("2024-12-31", known="2"), statements.TWICE),
    ],
)
def test_a_report_that_is_none_is_refused_and_the_others_are_not(row: object, reason: str) -> None:
    parsed = parse_reports(BALANCE, balance([report("2024-12-31", known="1"), row]), "BRAV.B")

    assert [one.values["known"] for one in parsed.reports] == ["1"]
    assert [one.reason for one in parsed.refused] == [reason]


def test_a_report_without_values_is_left_out() -> None:
    body = balance([report("2024-12-31", a="1"), report("2023-12-31", a="None", b="-")])

    parsed = parse_reports(BALANCE, body, "BRAV.B")

    assert [one.fiscal_date_ending.year for one in parsed.reports] == [2024]
    assert (parsed.left_out, parsed.refused) == (1, [])


def test_empty_lists_are_an_answer() -> None:
    parsed = parse_reports(BALANCE, balance([], []), "BRAV.B")

    assert (parsed.reports, parsed.refused, parsed.left_out) == ([], [], 0)


@pytest.mark.parametrize(
    "body", [balance([report("2025-12-31", a="1")], None), balance(None, [report("2025-12-31", a="1")])]
)
def test_who_reports_by_the_year_or_by_the_quarter_alone_may_lack_the_other_list(body: dict[str, Any]) -> None:
    lacking = {name: value for name, value in body.items() if value is not None}

    assert [len(parse_reports(BALANCE, told, "BRAV.B").reports) for told in (body, lacking)] == [1, 1]


@pytest.mark.parametrize(
    "body",
    [
        {},
        balance([], [], symbol="BRAV-A"),
        balance([], [], symbol=None),
        balance([], [], symbol=""),
        balance(None, []),
        balance([], {}),
        {"symbol": "BRAV-B", "annualReports": []},
        {"symbol": "BRAV-B", "annualEarnings": [], "quarterlyEarnings": []},
        balance(["rubbish"], [7]),
        balance([report("never", a="1")]),
        balance([report("2025-12-31", a="1x")]),
    ],
)
def test_an_answer_of_somebody_else_or_without_a_readable_report_is_garbled(body: dict[str, Any]) -> None:
    with pytest.raises(UpstreamGarbled):
        parse_reports(BALANCE, body, "BRAV.B")


def earnings(annual: list[str], quarterly: list[dict[str, object]] | None = None) -> dict[str, Any]:
    years = [{"fiscalDateEnding": ending, "reportedEPS": "1.5"} for ending in annual]
    return {"symbol": "QUIL", "annualEarnings": years, "quarterlyEarnings": quarterly or []}


@pytest.mark.parametrize(
    ("annual", "kept"),
    [
        (["2026-03-31", "2025-12-31", "2024-12-31"], ["2025-12-31", "2024-12-31"]),
        (["2025-12-31", "2024-12-31", "2026-03-31"], ["2025-12-31", "2024-12-31"]),
        (["2025-12-31", "2024-12-31"], ["2025-12-31", "2024-12-31"]),
        (["2026-02-01", "2025-01-31"], ["2026-02-01", "2025-01-31"]),
        (["2026-03-31", "2024-12-31"], ["2024-12-31"]),
        (["2025-12-31"], ["2025-12-31"]),
        ([], []),
    ],
)
def test_a_year_that_is_not_over_is_left_out(annual: list[str], kept: list[str]) -> None:
    parsed = parse_reports(Statement.EARNINGS, earnings(annual), "QUIL")

    assert [str(one.fiscal_date_ending) for one in parsed.reports] == kept
    assert parsed.left_out == len(annual) - len(kept)


def test_a_quarters_earnings_keep_when_they_were_reported() -> None:
    quarter: dict[str, object] = {
        "fiscalDateEnding": "2026-09-30",
        "reportedDate": "2026-11-19",
        "reportedEPS": "1.91",
        "estimatedEPS": "None",
        "reportTime": "post-market",
    }

    [parsed] = parse_reports(Statement.EARNINGS, earnings([], [quarter]), "QUIL").reports

    assert parsed.values == {"reportedDate": "2026-11-19", "reportedEPS": "1.91", "reportTime": "post-market"}


def test_an_overview_is_what_there_is() -> None:
    body = {
        "Symbol": "BRAV-B",
        "Name": "3B Quarries",
        "CIK": "0000051143",
        "Address": "1 QUARRY ROAD",
        "Description": "9" * 5000,
        "Sector": "None",
        "PERatio": "-",
        "EPS": "11.29",
        "52WeekHigh": 320.7,
        "DividendDate": "2026-06-10",
        "SomethingNew": "quite",
        "Odd": {"a": 1},
        "Beta": "0.5.1",
    }

    parsed = parse_overview(body, "BRAV.B", TODAY)

    assert parsed.overview == Overview(
        "BRAV.B",
        TODAY,
        {
            "Name": "3B Quarries",
            "CIK": "0000051143",
            "Address": "1 QUARRY ROAD",
            "Description": "9" * 4000,
            "EPS": "11.29",
            "52WeekHigh": "320.7",
            "DividendDate": "2026-06-10",
            "SomethingNew": "quite",
        },
    )
    assert [(one.subject, one.reason) for one in parsed.refused] == [
        ("Odd overview", statements.NO_SINGLE_VALUE),
        ("Beta overview", statements.NO_FIGURE),
    ]


@pytest.mark.parametrize("body", [{"Symbol": "QUIL"}, {"Symbol": "QUIL", "EPS": "None", "AssetType": "-"}])
def test_an_overview_without_values_is_an_answer(body: dict[str, Any]) -> None:
    parsed = parse_overview(body, "QUIL", TODAY)

    assert (dict(parsed.overview.values), parsed.refused) == ({}, [])


@pytest.mark.parametrize("body", [{}, {"Symbol": "OTHER", "EPS": "1"}, {"EPS": "1"}, {"Symbol": "QUIL", "EPS": "1x"}])
def test_an_overview_of_somebody_else_or_without_a_readable_value_is_garbled(body: dict[str, Any]) -> None:
    with pytest.raises(UpstreamGarbled):
        parse_overview(body, "QUIL", TODAY)


def test_the_digest_changes_with_what_is_stored_alone() -> None:
    first = Report("QUIL", BALANCE, Period.ANNUAL, TODAY, {"a": "1", "b": "2"})
    second = Report("QUIL", BALANCE, Period.QUARTERLY, TODAY, {"a": "1"})
    changed = Report("QUIL", BALANCE, Period.QUARTERLY, TODAY, {"a": "1.0"})
    turned = Report("QUIL", BALANCE, Period.ANNUAL, TODAY, {"b": "2", "a": "1"})

    assert digest_of([first, second]) == digest_of([second, turned])
    assert len({digest_of([first, second]), digest_of([first, changed]), digest_of([first]), digest_of([])}) == 4


def test_the_digest_of_an_overview_does_not_tell_its_day() -> None:
    digests = {digest_of(Overview("QUIL", day, {"EPS": "1"})) for day in (TODAY, date(2026, 11, 21))}

    assert len(digests) == 1
    assert digest_of(Overview("QUIL", TODAY, {"EPS": "2"})) not in digests


SINGLE = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["None", "1.5", "1e99", "nan"])
)
ANY = st.recursive(
    SINGLE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=4
)
ROWS = st.lists(
    ANY
    | st.dictionaries(st.sampled_from(["totalAssets", "reportedEPS", "Note"]) | st.text(), ANY, max_size=4)
    | st.builds(report, st.dates().map(str) | ANY, totalAssets=ANY),
    max_size=4,
)


@given(st.sampled_from(list(Statement)[1:]), ANY | ROWS, ANY | ROWS, st.just("QUIL") | ANY)
def test_whatever_is_listed_only_finite_figures_come_of_it(
    statement: Statement, annual: object, quarterly: object, symbol: object
) -> None:
    body = {
        f"{kind}{name}": rows
        for kind, rows in (("annual", annual), ("quarterly", quarterly))
        for name in ("Reports", "Earnings")
    }
    try:
        parsed = parse_reports(statement, body | {"symbol": symbol}, "QUIL")
    except UpstreamGarbled:
        return

    assert {one.reason for one in parsed.refused} <= REASONS
    assert len({(one.period, one.fiscal_date_ending) for one in parsed.reports}) == len(parsed.reports)
    assert not [value for one in parsed.reports for value in one.values.values() if not finite(value)]
    assert digest_of(parsed.reports) == digest_of(parsed.reports[::-1])


@given(st.dictionaries(st.sampled_from(["EPS", "Name", "Beta"]) | st.text(), ANY, max_size=6))
def test_whatever_an_overview_says_only_finite_figures_come_of_it(body: dict[str, Any]) -> None:
    try:
        parsed = parse_overview({**body, "Symbol": "QUIL"}, "QUIL", TODAY)
    except UpstreamGarbled:
        return

    assert {one.reason for one in parsed.refused} <= REASONS
    assert not [value for name, value in parsed.overview.values.items() if name != "Name" and not finite(value)]


def finite(text: str) -> bool:
    """Whether it is a finite number, or none."""
    try:
        return Decimal(text).is_finite()
    except ArithmeticError:
        return True
