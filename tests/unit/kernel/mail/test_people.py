import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.kernel.mail import flags, parse
from ingest.kernel.mail.people import parse_person
from tests.unit.kernel.mail.builders import NOW, PATCH_BODY, mail
from watchkeeper.kernel.models import Person

ADA = Person("Ada Example", "ada@example.org")


@pytest.mark.parametrize(
    "field",
    [
        "Ada Example <ada@example.org>",
        '"Ada Example" <Ada@Example.ORG>',
        "Ada Example\n <ada@example.org>",
        "=?utf-8?q?Ada_Example?= <ada@example.org>",
        '"=?utf-8?b?QWRhIEV4YW1wbGU=?=" <ada@example.org>',
        "ada@example.org (Ada Example)",
        "ada at example.org (Ada Example)",
        "Ada Example < ada@example.org >",
        "Ada Example <ada@example.org>, Bob <bob@example.com>",
    ],
)
def test_from_is_read_in_the_forms_people_send(field: str) -> None:
    assert parse_person(field) == ADA


@pytest.mark.parametrize(
    ("field", "person"),
    [
        ("ada@example.org", Person("", "ada@example.org")),
        ("<ada@example.org>", Person("", "ada@example.org")),
        ('"Example, Ada" <ada@example.org>', Person("Example, Ada", "ada@example.org")),
        ("Example, Ada <ada@example.org>", Person("Example, Ada", "ada@example.org")),
        ('"Ada \\"A\\" Example" <ada@example.org>', Person('Ada "A" Example', "ada@example.org")),
        ("Ada Example", Person("Ada Example", "")),
    ],
)
def test_unusual_from_headers(field: str, person: Person) -> None:
    assert parse_person(field) == person


def test_missing_and_unreadable_from_are_told() -> None:
    assert parse(mail(from_=None), now=NOW).flags == (flags.FROM_MISSING,)
    assert parse(mail(from_=" "), now=NOW).flags == (flags.FROM_MISSING,)
    assert parse(mail(from_="undisclosed"), now=NOW).flags == (flags.FROM_UNPARSABLE,)


@pytest.mark.parametrize(
    "headers",
    [
        {"from_": '"Ada Example via lists.example.com" <list@example.com>', "x_original_from": "ada@example.org"},
        {"from_": "'Ada Example' via List <list@example.com>", "reply_to": "Ada Example <ada@example.org>"},
        {"from_": "Ada Example via List <list@example.com>", "cc": "bob@example.com, Ada Example <ada@example.org>"},
        {"from_": "Ada Example via B4 Relay <devnull+ada.example.org@kernel.org>", "reply_to": "ada@example.org"},
        {"from_": "Ada Example via B4 Relay <devnull+ada.example.org@kernel.org>"},
    ],
)
def test_author_is_seen_through_lists_and_relays(headers: dict[str, str]) -> None:
    found = parse(mail(PATCH_BODY, **headers), now=NOW)

    assert found.author == ADA
    assert found.sender != ADA


def test_author_is_found_in_the_from_line_of_the_body() -> None:
    body = "From: Ada Example <ada@example.org>\n\nThe register is wide.\n"

    found = parse(mail(body, from_="Ada Example via List <list@example.com>"), now=NOW)

    assert found.author == ADA
    assert found.own_text == "The register is wide."


def test_reply_to_of_the_list_itself_is_not_the_author() -> None:
    found = parse(mail(from_="Ada Example via List <list@example.com>", reply_to="List <list@example.com>"), now=NOW)

    assert found.author == found.sender


def test_sender_of_an_ordinary_mail_is_its_author() -> None:
    found = parse(mail(reply_to="Someone <else@example.com>"), now=NOW)

    assert found.author == found.sender == ADA


@given(st.text(max_size=120) | st.text(alphabet='<>@"\\(),:; a', max_size=60))
def test_any_from_header_can_be_read(field: str) -> None:
    person = parse_person(field)

    assert person.address == person.address.lower()
