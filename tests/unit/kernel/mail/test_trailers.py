import pytest

from ingest.kernel.mail import parse
from ingest.kernel.mail.trailers import find_trailers, same_person
from tests.unit.kernel.mail.builders import NOW, mail, patch, reply
from watchkeeper.kernel.models import Person, Trailer

BOB = Person("Bob Builder", "bob@example.com")


def found(text: str, *, is_patch: bool = False) -> list[Trailer]:
    return list(find_trailers(text, (BOB,), is_patch=is_patch))


def test_tag_of_the_sender_counts() -> None:
    assert parse(reply("Reviewed-by: Bob Builder <bob@example.com>"), now=NOW).trailers == (
        Trailer("Reviewed-by", "Bob Builder <bob@example.com>", "bob@example.com", by_sender=True),
    )


def test_quoted_tag_is_none() -> None:
    assert found("> Reviewed-by: Bob Builder <bob@example.com>\n") == []


def test_tag_below_the_signature_is_none() -> None:
    assert found("Hi.\n-- \nReviewed-by: Bob Builder <bob@example.com>\n") == []


def test_tag_without_address_is_none() -> None:
    assert found("Reviewed-by: Bob Builder\n") == []


def test_tag_for_someone_else_is_told_from_ones_own() -> None:
    (trailer,) = found("Reviewed-by: Carol <carol@example.com>\n")

    assert not trailer.by_sender


def test_trailers_of_a_patch_stand_above_its_notes() -> None:
    names = [trailer.name for trailer in parse(patch(), now=NOW).trailers]

    assert names == ["Fixes", "Signed-off-by"]


def test_tag_in_the_notes_of_a_patch_is_none() -> None:
    assert found("Text.\n---\nAcked-by: Carol <carol@example.com>\n", is_patch=True) == []


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("  Acked-By: Carol <carol@example.com>", "Acked-by", "Carol <carol@example.com>"),
        ("tested-by:\tcarol@example.com", "Tested-by", "carol@example.com"),
        ("Reviewed-by: Carol <carol@example.com> # for the binding", "Reviewed-by", "Carol <carol@example.com>"),
        ("Reviewed-by: Carol <carol@example.com> (company)", "Reviewed-by", "Carol <carol@example.com> (company)"),
        (
            "Acked-by: Carol <carol@example.com<mailto:carol@example.com>>",
            "Acked-by",
            "Carol <carol@example.com>",
        ),
        ("Reviewed-by: Carol Long Name\n <carol@example.com>", "Reviewed-by", "Carol Long Name <carol@example.com>"),
        ("Cc: stable@vger.kernel.org # v6.6+", "Cc", "stable@vger.kernel.org"),
        ("Assisted-by: Tool <tool@example.com>", "Assisted-by", "Tool <tool@example.com>"),
        ("Reveiwed-bx: Carol <carol@example.com>", "Reveiwed-bx", "Carol <carol@example.com>"),
        ('Fixes: 012345 ("hwmon: x")', "Fixes", '012345 ("hwmon: x")'),
        (
            'Fixes: 0123456789ab ("hwmon: a very\n  long subject")',
            "Fixes",
            '0123456789ab ("hwmon: a very   long subject")',
        ),
        ("Link: https://lore.kernel.org/r/a@b", "Link", "https://lore.kernel.org/r/a@b"),
        ("closes: https://example.org/1", "Closes", "https://example.org/1"),
        ("BugLink: https://example.org/1", "BugLink", "https://example.org/1"),
    ],
)
def test_trailers_are_read_as_people_write_them(line: str, name: str, value: str) -> None:
    assert [(trailer.name, trailer.value) for trailer in found(f"Text.\n\n{line}\n\nBob\n")] == [(name, value)]


@pytest.mark.parametrize(
    "line",
    [
        "Fixes: 01234",
        "Fixes: the bug",
        "Note: mail bob@example.com if it breaks",
        "From: Carol <carol@example.com>",
        "To: Carol <carol@example.com>",
        "Email: bob@example.com",
        "Reviewed-by: https://example.org/carol@example.com",
        "Overall: fine",
        "base-commit: 0123456789abcdef0123456789abcdef01234567",
    ],
)
def test_lines_that_only_look_like_trailers(line: str) -> None:
    assert found(f"Text.\n{line}\n") == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Person("", "bob@example.com"), BOB, True),
        (Person("", "bob+kernel@example.com"), BOB, True),
        (Person("", "bob@mail.example.com"), BOB, True),
        (Person("", "bob@a.mail.example.com"), BOB, False),
        (Person("", "bob@badexample.com"), BOB, False),
        (Person("", "bobby@example.com"), BOB, False),
        (Person("bob builder", "b@example.net"), BOB, True),
        (Person("Builder, Bob", "b@example.net"), BOB, True),
        (Person("Bob", "b@example.net"), BOB, False),
        (Person("", ""), Person("", ""), False),
    ],
)
def test_people_are_the_same_by_address_or_name(one: Person, other: Person, same: bool) -> None:
    assert same_person(one, other) is same
    assert same_person(other, one) is same


def test_tag_counts_for_the_author_behind_a_relay() -> None:
    raw = mail(
        "Tested-by: Ada Example <ada@example.org>\n",
        from_="Ada Example via B4 Relay <devnull+ada.example.org@kernel.org>",
        reply_to="ada@example.org",
    )

    assert parse(raw, now=NOW).trailers[0].by_sender


def test_ids_of_the_series_and_its_base_are_found() -> None:
    body = (
        "Cover.\n\n---\nbase-commit: 0123456789abcdef0123456789abcdef01234567\nchange-id: 20260714-tmp999-abcdef\n\n"
        "Best regards,\n-- \nAda\n"
    )

    found_ = parse(mail(body, subject="[PATCH 0/3] x"), now=NOW)

    assert found_.base_commit == "0123456789abcdef0123456789abcdef01234567"
    assert found_.change_id == "20260714-tmp999-abcdef"


def test_change_id_of_gerrit_is_no_change_id() -> None:
    body = "Text.\n\nchange-id: I0123456789abcdef0123456789abcdef01234567\nChange-Id: abc\n> change-id: quoted-1\n"

    assert parse(mail(body), now=NOW).change_id is None
