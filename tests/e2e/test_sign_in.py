"""People sign in with a code that is mailed to them; nobody gets in without the mail."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner

from local.cli import cli
from tests.e2e.people import People, expect, problem
from tests.e2e.system import System
from tests.e2e.tokens import claims_of

MOST_CODES = 5
"""Mailed to one address in a quarter of an hour."""


@pytest.fixture(autouse=True)
def unspent(people: People) -> Iterator[None]:
    people.after_a_quarter_of_an_hour()
    yield
    people.after_a_quarter_of_an_hour()


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_a_mailed_code_opens_the_door_once(people: People) -> None:
    ada = people.stranger("ada")

    started = expect(ada.login(), 200)
    [code] = ada.codes()
    refused = ada.verify(started["session"], wrong(code))
    assert problem(refused, 401) == "wrong-code"
    again = refused.json()["session"]
    answer = ada.verify(again, code)

    ada.tokens = expect(answer, 200)
    assert ada.codes() == [code]
    assert answer.headers["Cache-Control"] == "no-store"
    assert ada.tokens["token_type"] == "Bearer"
    assert ada.tokens["expires_in"] == 3600
    assert ada.read("me") | {"id": "", "created_at": ""} == {
        "id": "",
        "email": ada.email,
        "email_verified": True,
        "groups": [],
        "created_at": "",
        "deletion": None,
    }
    for session in (started["session"], again):
        assert problem(ada.verify(session, code), 401) == "sign-in-ended"


def test_a_code_signs_in_whom_it_was_mailed_to_and_nobody_else(people: People) -> None:
    mallory, victim = people.stranger("mallory"), people.signed_in("victim")

    session = expect(mallory.login(), 200)["session"]
    [code] = mallory.codes()

    assert problem(victim.verify(session, code), 401) == "sign-in-ended"
    expect(mallory.verify(session, code), 200)


def test_known_and_unknown_addresses_are_told_the_same(people: People) -> None:
    unknown, known = people.stranger("bea"), people.signed_in("cyd")

    answers = [person.login() for person in (unknown, known)]
    tries = [
        person.verify(answer.json()["session"], wrong(person.codes()[-1]))
        for person, answer in zip((unknown, known), answers, strict=True)
    ]
    never_began = people.stranger("dee").verify("x" * len(answers[0].json()["session"]), "000000")

    for one, other in (answers, tries):
        assert one.status_code == other.status_code
        assert one.headers.keys() == other.headers.keys()
        assert one.json().keys() == other.json().keys()
        assert len(one.json()["session"]) == len(other.json()["session"])
    assert [answer.status_code for answer in answers] == [200, 200]
    assert problem(never_began, 401) == "sign-in-ended"


def test_tokens_are_renewed_until_the_logout(people: People, system: System) -> None:
    eve = people.signed_in("eve")
    assert claims_of(eve.tokens["access_token"]).get("cognito:groups") is None
    granted = CliRunner().invoke(cli, [*where(system), "grant", eve.email, "--group", "Developer"])
    assert granted.exit_code == 0, granted.output
    assert eve.read("me")["groups"] == []

    old = eve.tokens["refresh_token"]
    eve.tokens = expect(eve.refresh(), 200) | {"refresh_token": old}

    assert eve.read("me")["groups"] == ["Developer"]
    assert eve.logout().status_code == 204
    assert problem(eve.refresh(), 401) == "token-refused"
    assert eve.logout().status_code == 204, "logging out twice is no error"
    assert problem(eve.refresh(eve.tokens["access_token"]), 401) == "token-refused"
    assert problem(eve.refresh("x" * 40), 401) == "token-refused"


def test_codes_cannot_be_guessed(people: People) -> None:
    """Neither by tries at once nor by the session of the first one, which is renewed at each try."""
    fay = people.stranger("fay")
    session = expect(fay.login(), 200)["session"]
    [code] = fay.codes()
    guesses = [f"{(int(code) + step) % 1_000_000:06}" for step in range(1, 7)]

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda guess: fay.verify(session, guess), guesses))

    assert {answer.status_code for answer in answers} == {401}
    assert problem(fay.verify(session, code), 401) in ("sign-in-ended", "wrong-code")
    for answer in answers:
        if renewed := answer.json().get("session"):
            assert fay.verify(renewed, code).status_code == 401


def test_the_same_code_at_the_same_moment_opens_once(people: People) -> None:
    gus = people.stranger("gus")
    session = expect(gus.login(), 200)["session"]
    [code] = gus.codes()

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: gus.verify(session, code), range(3)))

    assert sorted(answer.status_code for answer in answers) == [200, 401, 401]


def test_an_address_gets_so_many_codes_and_no_more(people: People) -> None:
    hal = people.stranger("hal")

    mailed = 0
    while (answer := hal.login()).status_code == 200:
        mailed += 1

    assert MOST_CODES <= mailed <= 2 * MOST_CODES, "twice as many where a quarter of an hour begins meanwhile"
    assert problem(answer, 429) == "too-many-requests"
    assert 1 <= int(answer.headers["Retry-After"]) <= 15 * 60
    assert len(hal.codes()) == mailed
    elsewhere = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    assert hal.ask("POST", "auth/login", {"email": hal.email.upper()}, elsewhere).status_code == 429
    assert people.stranger("ivy").login().status_code == 200


def test_a_command_prints_a_token(system: System, people: People) -> None:
    signed_in = CliRunner().invoke(cli, [*where(system), "login", "joe@watchkeeper.test"])

    assert signed_in.exit_code == 0, signed_in.output
    joe = people.with_token(signed_in.output.strip())
    assert joe.read("me")["email"] == "joe@watchkeeper.test"
    shown = CliRunner().invoke(cli, [*where(system), "mail"])
    assert "is your Watchkeeper code" in shown.output


def where(system: System) -> list[str]:
    """The options that lead a command to this cloud."""
    return ["--port", str(system.cloud.port), "--state", str(system.cloud.state_dir)]
