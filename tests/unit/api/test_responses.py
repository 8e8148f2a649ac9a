import base64
import gzip
import os
from typing import Any

import pytest

from api.web.problems import AnswerTooLarge
from api.web.responses import MAX_BODY_BYTES, MAX_PLAIN_BYTES, finished, fits

LAMBDA_LIMIT = 6 * 1024 * 1024


def finish(body: str, headers: dict[str, str] | None = None, status: int = 200, origins: str = "*") -> Any:
    event = {"headers": headers or {}, "requestContext": {"http": {"method": "GET"}}}
    answer = {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": body, "cookies": []}
    return finished(answer, event, correlation_id="id", origins=tuple(origins.split(",")))


def test_a_long_body_is_compressed_for_those_who_read_gzip() -> None:
    answer = finish("x" * 5000, {"accept-encoding": "gzip"})

    assert gzip.decompress(base64.b64decode(answer["body"])) == b"x" * 5000
    assert answer["headers"]["Content-Encoding"] == "gzip"
    assert answer["isBase64Encoded"]


def test_a_short_body_is_not() -> None:
    assert "Content-Encoding" not in finish("x" * 1024, {"accept-encoding": "gzip"})["headers"]


def test_an_entity_already_known_is_not_sent_again() -> None:
    etag = finish("x" * 5000)["headers"]["ETag"]

    answer = finish("x" * 5000, {"if-none-match": etag})

    assert (answer["statusCode"], answer["body"]) == (304, "")
    assert answer["headers"]["ETag"] == etag
    assert "Content-Type" not in answer["headers"]


def test_another_encoding_is_another_entity() -> None:
    assert finish("x" * 5000)["headers"]["ETag"] != finish("x" * 5000, {"accept-encoding": "gzip"})["headers"]["ETag"]


def test_errors_are_neither_tagged_nor_matched() -> None:
    answer = finish("{}", {"if-none-match": "*"}, status=404)

    assert answer["statusCode"] == 404
    assert "ETag" not in answer["headers"]


@pytest.mark.parametrize("size", [MAX_PLAIN_BYTES, MAX_PLAIN_BYTES + 1, MAX_BODY_BYTES])
def test_the_largest_answers_fit_what_lambda_lets_through(size: int) -> None:
    import json

    answer = finish('"' * size)

    assert len(json.dumps(answer)) < LAMBDA_LIMIT


def test_a_larger_one_is_refused_here() -> None:
    with pytest.raises(AnswerTooLarge):
        finish("x" * (MAX_BODY_BYTES + 1))


def test_and_yet_sent_when_compression_makes_it_fit() -> None:
    assert finish("x" * (MAX_BODY_BYTES + 1), {"accept-encoding": "gzip"})["statusCode"] == 200


def test_unless_it_cannot() -> None:
    with pytest.raises(AnswerTooLarge):
        finish(os.urandom(MAX_BODY_BYTES).hex(), {"accept-encoding": "gzip"})


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        ("*", "https://a.example", "*"),
        ("https://a.example,https://b.example", "https://b.example", "https://b.example"),
        ("https://a.example", "https://evil.example", None),
        ("https://a.example", "", None),
    ],
)
def test_origins_are_allowed_by_name(origins: str, origin: str, allowed: str | None) -> None:
    headers = finish("{}", {"origin": origin}, origins=origins)["headers"]

    assert headers.get("Access-Control-Allow-Origin") == allowed
    assert "Origin" in headers["Vary"]


def test_what_an_answer_varies_by_is_kept() -> None:
    event = {"headers": {}, "requestContext": {"http": {"method": "GET"}}}
    answer = {"statusCode": 200, "headers": {"Vary": "Accept"}, "body": "", "cookies": []}

    done = finished(answer, event, correlation_id="id", origins=())

    assert done["headers"]["Vary"] == "Accept, Accept-Encoding, Origin"


@pytest.mark.parametrize(
    ("body", "coding", "fitting"),
    [
        (b"x" * MAX_BODY_BYTES, "", True),
        (b"x" * (MAX_BODY_BYTES + 1), "", False),
        (b"x" * (MAX_BODY_BYTES + 1), "gzip", True),
        (os.urandom(MAX_BODY_BYTES + 1), "gzip", False),
    ],
)
def test_whether_a_body_fits_can_be_asked_before(body: bytes, coding: str, fitting: bool) -> None:
    assert fits(body, {"headers": {"accept-encoding": coding}}) is fitting
