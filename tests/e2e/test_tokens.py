"""Forged tokens, and tokens issued for something else, are refused."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.e2e import tokens, wire
from tests.e2e.people import People, Person, problem
from tests.e2e.system import System

PROTECTED = {
    "kernel": "kernel/freshness",
    "people": "me",
    "ferments": "ferments/batches",
    "export": "ferments/export.csv",
    "documentation": "nothing-of-that-name",
}
"""A route of each function that only people who signed in may ask."""

PUBLIC = {"docs": 200, "openapi.json": 200, "public/b/01ARZ3NDEKTSV4RRFFQ69G5FAV": 404}


class Victim(NamedTuple):
    person: Person
    people: People
    system: System

    @property
    def token(self) -> str:
        return str(self.person.tokens["access_token"])

    def signing(self) -> tokens.Sign:
        return tokens.by_the_pool(self.system.cloud, self.people.pool)


Forge = Callable[[Victim], str]


def with_others_claims(victim: Victim) -> str:
    header, _, signature = victim.token.split(".")
    claims = tokens.claims_of(victim.token) | {"sub": "somebody-else", "cognito:groups": ["Admin"]}
    return f"{header}.{tokens.part_of(claims)}.{signature}"


def with_algorithm(name: str) -> Forge:
    return lambda victim: tokens.resigned(victim.token, tokens.unsigned, {"alg": name})


def signed_with_the_public_key(victim: Victim) -> str:
    sign = tokens.with_the_public_key(victim.system.cloud, victim.people.pool)
    return tokens.resigned(victim.token, sign, {"alg": "HS256"})


FORGED: dict[str, Forge] = {
    "garbage": lambda _: "garbage",
    "three parts of nothing": lambda _: "..",
    "of 100 KB": lambda _: "x" * 100_000,
    "with another signature": lambda victim: f"{victim.token.rpartition('.')[0]}.{'A' * 342}",
    "without a signature": lambda victim: f"{victim.token.rpartition('.')[0]}.",
    "with others' claims": with_others_claims,
    "of no algorithm": with_algorithm("none"),
    "of no algorithm, in capitals": with_algorithm("None"),
    "of no algorithm, in both": with_algorithm("nOnE"),
    "signed with the public key": signed_with_the_public_key,
    "signed with another key": lambda victim: tokens.resigned(victim.token, tokens.by_nobody_we_know()),
    "of an unknown key": lambda victim: tokens.resigned(victim.token, victim.signing(), {"kid": "../../dev/null"}),
    "that ran out": lambda victim: tokens.resigned(victim.token, victim.signing(), exp=tokens.an_hour_ago()),
    "of another client": lambda victim: tokens.of_another_client(
        victim.system.cloud, victim.people.pool, victim.person.email
    ),
    "of another pool": lambda victim: tokens.of_another_pool(victim.system.cloud, victim.person.email),
}
OF_ANOTHER_USE = ("id_token", "refresh_token")
"""Of our client in our pool, so that the gateway takes them; the functions do not."""


@pytest.fixture(scope="module")
def victim(people: People, system: System) -> Victim:
    return Victim(people.signed_in("victim"), people, system)


@pytest.mark.parametrize("kind", FORGED)
def test_no_function_takes_a_token(victim: Victim, kind: str) -> None:
    holder = victim.people.with_token(FORGED[kind](victim))

    answers = {name: holder.get(path) for name, path in PROTECTED.items()}

    refused = {401} if kind != "of 100 KB" else {400, 401, 431}
    assert {name for name, answer in answers.items() if answer.status_code not in refused} == set()


def test_a_token_of_the_pool_is_taken_by_every_function(victim: Victim) -> None:
    """By the same key as the forged ones above: those are refused for what they say."""
    known = tokens.resigned(victim.token, victim.signing(), jti="another")

    for holder in (victim.person, victim.people.with_token(known)):
        answers = {name: holder.get(path).status_code for name, path in PROTECTED.items()}
        assert answers == dict.fromkeys(PROTECTED, 200) | {"documentation": 404}


def test_without_a_token_only_what_is_public_is_told(victim: Victim) -> None:
    nobody = victim.people.stranger("nobody")

    assert {name: nobody.get(path).status_code for name, path in PROTECTED.items()} == dict.fromkeys(PROTECTED, 401)
    assert {path: nobody.get(path).status_code for path in PUBLIC} == PUBLIC
    assert nobody.post("auth/login", {"email": "no address"}).status_code == 422
    for path in ("me", "ferments/batches", "kernel/patches", "docs", "openapi.json"):
        assert nobody.post(path).status_code == 401


@pytest.mark.parametrize(
    "values",
    [
        ["Basic dXNlcjpwYXNz"],
        ["Bearer"],
        ["Bearer "],
        [""],
        ["Bearer garbage", "Bearer {token}"],
        ["Bearer {token}", "Bearer garbage"],
        ["Bearer {token} {token}"],
        ["Bearer {token}, Bearer {token}"],
    ],
)
def test_what_is_no_one_token_is_none(victim: Victim, values: list[str]) -> None:
    sent = [("Authorization", value.format(token=victim.token)) for value in values]
    answers = [wire.send(victim.person, "GET", path, sent) for path in PROTECTED.values()]

    assert {answer.status for answer in answers} <= {400, 401}


def test_the_scheme_may_be_spelled_in_any_case(victim: Victim) -> None:
    for scheme in ("bearer", "BEARER"):
        assert wire.send(victim.person, "GET", "me", [("Authorization", f"{scheme} {victim.token}")]).status == 200


@pytest.mark.parametrize("use", OF_ANOTHER_USE)
def test_tokens_of_another_use_are_refused_by_all_functions_that_know_anything(victim: Victim, use: str) -> None:
    holder = victim.people.with_token(str(victim.person.tokens[use]))

    for name in PROTECTED.keys() - {"documentation"}:
        answer = holder.get(PROTECTED[name])
        assert problem(answer, 401) == "unauthenticated"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
