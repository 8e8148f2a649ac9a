"""What a gateway could hand over of hostile requests: lines within headers, tokens of other uses, bodies that lie."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pytest

from tests.integration.api.asking import Asker
from tests.integration.api.conftest import Context, Reply, reply
from tests.integration.api.events import USER, claims_of, http_request

HEADERS = (
    "x-correlation-id",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "accept",
    "accept-encoding",
    "origin",
    "user-agent",
    "content-type",
    "x-forwarded-for",
)
HOSTILE = (
    "a\r\nX-Injected: 1",
    "a\nX-Injected: 1",
    "a\rb",
    "\x00",
    "\u2028\u2029\u0085",
    "\ud800",
    "q=" * 3000,
    ";;;,,,;q=;q=x,*/*;q=-1",
    '"',
    "W/",
    "*",
)
REQUESTS: Mapping[bool, tuple[str, str, Any]] = {
    False: ("GET", "/batches", None),
    True: ("POST", "/batches", {"name": "N"}),
}
"""By whether they write."""


@pytest.fixture
def ferments(people_environment: None) -> Iterator[Asker]:
    from api.ferments import container
    from api.web.secrets import secret

    container.container.cache_clear()
    secret.cache_clear()

    from api.ferments.handler import handler

    yield Asker(handler, "/api/v1/ferments")
    container.container.cache_clear()


def asked(ferments: Asker, **changed: Any) -> Reply:
    """A request for a new batch, changed in the form the gateway gives it."""
    event = http_request("POST", "/api/v1/ferments/batches", {"Content-Type": "application/json"}, body='{"name":"N"}')
    return reply(ferments.handler({**event, **changed}, Context()))


def test_no_header_breaks_anything_or_gets_into_the_answer(ferments: Asker) -> None:
    for name, value in product(HEADERS, HOSTILE):
        writes = name in ("idempotency-key", "if-match", "content-type")
        answer = ferments(*REQUESTS[writes], {name.title(): value})

        assert answer.status < 500, (name, value)
        lines = [line for pair in answer.headers.items() for line in pair]
        assert [line for line in lines if not line.isprintable() or "Injected" in line] == []


def test_a_correlation_id_that_could_be_more_is_replaced(ferments: Asker) -> None:
    kept = ferments.get("/batches", {"X-Correlation-Id": "mine-1.2_3"})

    assert kept.headers["X-Correlation-Id"] == "mine-1.2_3"
    for value in HOSTILE:
        answer = ferments.get("/batches", {"X-Correlation-Id": value})
        assert answer.headers["X-Correlation-Id"].replace("-", "").isalnum()
        assert answer.headers["X-Correlation-Id"] != value


def test_a_key_that_is_too_long_is_refused(ferments: Asker) -> None:
    answers = [ferments.post("/batches", {"name": "N"}, {"Idempotency-Key": "k" * length}) for length in (255, 256)]

    assert [answer.status for answer in answers] == [201, 422]
    assert answers[1].json["errors"][0]["parameter"] == "Idempotency-Key"


CLAIMS: tuple[Mapping[str, Any], ...] = (
    {"token_use": "id"},
    {"token_use": "refresh"},
    {"token_use": ""},
    {"token_use": "Access"},
    {"sub": ""},
    {"sub": None},
    {"sub": ["a"]},
)
AUTHORIZERS: tuple[Mapping[str, Any], ...] = ({}, {"jwt": None}, {"jwt": {}}, {"lambda": {"sub": USER}}, {"iam": {}})


def test_who_is_not_named_by_an_access_token_is_nobody(ferments: Asker) -> None:
    context = http_request("POST", "/api/v1/ferments/batches")["requestContext"]
    of_tokens = ({"jwt": {"claims": {**claims_of(), **claims}}} for claims in CLAIMS)

    for authorizer in (*AUTHORIZERS, *of_tokens):
        answer = asked(ferments, requestContext={**context, "authorizer": authorizer})
        assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), authorizer


def test_a_header_that_claims_to_be_the_authorizers_is_none(ferments: Asker) -> None:
    nobody = ferments.as_("")
    pretended = {"X-Amzn-Oidc-Identity": USER, "X-User": USER, "Authorization": "Bearer x"}

    assert nobody.get("/batches", pretended).status == 401


BODIES: tuple[Mapping[str, Any], ...] = (
    {"body": "%%%", "isBase64Encoded": True},
    {"body": "eyJ", "isBase64Encoded": True},
    {"body": "/////w==", "isBase64Encoded": True},
    {"body": '{"name":"\ud800"}'},
    {"body": '{"name":' + "[" * 30_000 + "]" * 30_000 + "}"},
    {"body": '{"name":"N","water_ml":' + "9" * 5000 + "}"},
    {"body": "\ufeff{}"},
)


def test_bodies_that_lie_are_the_callers_fault(ferments: Asker) -> None:
    for body in BODIES:
        answer = asked(ferments, **body)
        assert answer.status in (400, 422), body["body"][:50]
        assert answer.headers["Content-Type"] == "application/problem+json"
