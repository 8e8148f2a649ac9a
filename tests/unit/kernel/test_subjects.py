import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.kernel.subjects import MAX_PREFIXES, is_reply_to_patchwork, parse_subject


@pytest.mark.parametrize(
    ("subject", "version", "number", "total"),
    [
        ("[PATCH] hwmon: x", 1, 1, 1),
        ("[PATCH v3 2/7] hwmon: x", 3, 2, 7),
        ("[PATCH V3 02/17] hwmon: x", 3, 2, 17),
        ("[PATCH v2 00/10] hwmon: x", 2, 0, 10),
        ("[RFC PATCH v2 1/3] hwmon: x", 2, 1, 3),
        ("[PATCH RFC v2 1/3] hwmon: x", 2, 1, 3),
        ("[RESEND PATCH v4 2/3] hwmon: x", 4, 2, 3),
        ("[PATCH RESEND v4 2/3] hwmon: x", 4, 2, 3),
        ("[PATCH v4 2/3 RESEND] hwmon: x", 4, 2, 3),
        ("[PATCH v4 2/3 6.6.y] hwmon: x", 4, 2, 3),
        ("[PATCH AUTOSEL 6.12 2/3] hwmon: x", 1, 2, 3),
        ("[net-next PATCH v4 2/3] hwmon: x", 4, 2, 3),
        ("[PATCH net-next,v4,2/3] hwmon: x", 4, 2, 3),
        ("[PATCH 1/2] [v3] hwmon: x", 3, 1, 2),
        ("[PATCH][next][v2] hwmon: x", 2, 1, 1),
        ("[PATCHv3 1/2] hwmon: x", 3, 1, 2),
        ("[PATCH-v3 1/2] hwmon: x", 3, 1, 2),
        ("[RFCv2 1/2] hwmon: x", 2, 1, 2),
        ("[PATCH1/8] hwmon: x", 1, 1, 8),
        ("[v2PATCH12/15] hwmon: x", 2, 12, 15),
        ("[PATCH 1 of 4] hwmon: x", 1, 1, 4),
        ("[PATCH v5.1 10/12] hwmon: x", 1, 10, 12),
        ("[PATCH [v2] 1/2] hwmon: x", 2, 1, 2),
        ("[PATCH v2 [RESEND] 1/2] hwmon: x", 2, 1, 2),
        ("[PATCH 1/2 [v2] hwmon: x", 2, 1, 2),
        ("[PATCH v2]] hwmon: x", 2, 1, 1),
        ("[PATCH 1/2] hwmon: x (v3)", 3, 1, 2),
        ("hwmon: x (v3)", 3, 1, 1),
        ("[PATCH 6/5] hwmon: x", 1, 6, 6),
        ("[PATCH 1234/2345] hwmon: x", 1, 1234, 2345),
        ("Re: [PATCH v3 2/7] hwmon: x", 3, 2, 7),
    ],
)
def test_version_and_counter_are_found_wherever_people_put_them(
    subject: str, version: int, number: int, total: int
) -> None:
    parts = parse_subject(subject)

    assert (parts.version, parts.number, parts.total) == (version, number, total)
    assert parts.name.startswith("hwmon: x")


@pytest.mark.parametrize(
    ("name", "version", "number", "total", "prefixes"),
    [
        ("[v3,2/7] hwmon: x", 3, 2, 7, ()),
        ("[RFC,net-next,v3,02/17] hwmon: x", 3, 2, 17, ("RFC", "net-next")),
        ("[RESEND,1/1] hwmon: x", 1, 1, 1, ("RESEND",)),
        ("hwmon: x", 1, 1, 1, ()),
    ],
)
def test_patchwork_names_read_like_subjects(
    name: str, version: int, number: int, total: int, prefixes: tuple[str, ...]
) -> None:
    parts = parse_subject(name)

    assert (parts.version, parts.number, parts.total, parts.prefixes) == (version, number, total, prefixes)


def test_first_version_and_first_counter_win_as_in_patchwork() -> None:
    parts = parse_subject("[PATCH v2 1/5] [v3 2/7] x (v4)")

    assert (parts.version, parts.number, parts.total) == (2, 1, 5)


def test_what_is_inferred_is_told_from_what_is_given() -> None:
    inferred = parse_subject("[PATCH] x")
    given_ = parse_subject("[PATCH v1 1/1] x")

    assert (inferred.version_given, inferred.numbers_given) == (False, False)
    assert (given_.version_given, given_.numbers_given) == (True, True)


def test_free_words_keep_order_and_spelling() -> None:
    parts = parse_subject("[PATCH RFC net-next v2 1/2] [6.6.y] x")

    assert parts.prefixes == ("RFC", "net-next", "6.6.y")


def test_version_with_a_point_stays_visible() -> None:
    assert parse_subject("[PATCH v5.1] x").prefixes == ("v5.1",)


def test_dropped_prefixes_are_compared_without_case() -> None:
    assert parse_subject("[PATCH Linux-HWMON v2] x", frozenset({"linux-hwmon"})).prefixes == ()


@pytest.mark.parametrize("subject", ["[PATCH] x", "[RFC] x", "[1/2] x", "[RFC PATCH] x", "[patchv2] x"])
def test_brackets_that_make_a_patch(subject: str) -> None:
    assert parse_subject(subject).is_patch


@pytest.mark.parametrize("subject", ["x", "[GIT PULL] x", "[ANNOUNCE] x", "[v2] x", "PATCH: x", "[PATCH", "[]"])
def test_brackets_that_make_none(subject: str) -> None:
    assert not parse_subject(subject).is_patch


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("Re: [PATCH] x", "x"),
        ("RE: x", "x"),
        ("Re: Re: Re: x", "x"),
        ("Re[2]: x", "x"),
        ("AW: [PATCH] x", "x"),
        ("Fwd: x", "x"),
        ("SV: [PATCH] x", "x"),
        ("回复: [PATCH] x", "x"),
        ("Re : x", "x"),
    ],
)
def test_reply_marks_are_seen_and_removed(subject: str, name: str) -> None:
    parts = parse_subject(subject)

    assert parts.is_reply
    assert parts.name == name


@pytest.mark.parametrize("subject", ["Revert: x", "hwmon: [x] y", "Re-add x", "report: x", "mm: x"])
def test_ordinary_first_words_are_no_reply_marks(subject: str) -> None:
    parts = parse_subject(subject)

    assert not parts.is_reply
    assert parts.name == subject


@pytest.mark.parametrize(
    ("subject", "comment"),
    [("Re: x", True), ("re x", True), ("RE:x", True), ("Fwd: x", False), ("AW: [PATCH] x", False), ("Rest x", False)],
)
def test_patchwork_takes_only_re_for_a_reply(subject: str, comment: bool) -> None:
    assert is_reply_to_patchwork(subject) is comment


def test_many_prefixes_are_bounded() -> None:
    parts = parse_subject("[" + " ".join("abcdefgh"[n % 8] for n in range(400)) + "] x")

    assert len(parts.prefixes) == MAX_PREFIXES


@given(st.text(alphabet=string.printable + "：é", max_size=200) | st.text(max_size=300))
def test_any_subject_can_be_read(subject: str) -> None:
    parts = parse_subject(subject)

    assert 0 <= parts.number <= parts.total
    assert parts.total >= 1


@given(st.integers(0, 9999), st.integers(1, 9999), st.integers(1, 9999))
def test_mail_and_patchwork_name_agree(number: int, total: int, version: int) -> None:
    as_mailed = parse_subject(f"[PATCH net-next v{version} {number}/{total}] x")
    as_named = parse_subject(f"[net-next,v{version},{number}/{total}] x")

    assert as_mailed == as_named
