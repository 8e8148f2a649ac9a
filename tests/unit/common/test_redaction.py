"""Nothing secret and no address gets through, wherever it stands."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.redaction import redact_error, redacted, redacted_text

SECRETS = {
    "an address": ("jane.doe+patches@kernel.example", "mail of {} came in"),
    "an address in a name": ("jane@kernel.example", "Jane Doe <{}>"),
    "a Message-ID": ("20261117.1234-1-jane@kernel.example", "thread <{}> asked for"),
    "an escaped address": ("20261117.1234-1-jane%40kernel.example", "https://lore.example/all/{}/t.mbox.gz"),
    "an address at a number": ("root@[192.0.2.1]", "from {}"),
    "an API key of a URL": ("Ab3xQ9", "GET https://data.example/query?function=NEWS&apikey={}&limit=5 failed"),
    "an escaped API key": ("Ab3xQ9", "next=/query%3Fapikey%3D{}"),
    "a bearer token": ("s3cr3t-t0ken_value", "Authorization: Bearer {}"),
    "basic credentials": ("dXNlcjpwYXNzd29yZA==", "sent Basic {}"),
    "a JSON Web Token": ("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "token was {}"),
    "a key id of AWS": ("AKIAIOSFODNN7EXAMPLE", "signed by {}"),
    "a temporary key id of AWS": ("ASIAIOSFODNN7EXAMPLE", "signed by {}"),
    "a presigned URL's signature": ("0123456789abcdef", "https://b.s3.example/k?X-Amz-Signature={}"),
    "a push token": ("ExponentPushToken[aaaaBBBBcccc]", "sending to {}"),
    "a password in JSON": ("hunter2", '{{"user": 1, "password": "{}"}}'),
    "a password in JSON in JSON": ("hunter2", '{{\\"password\\":\\"{}\\"}}'),
    "a password in a URL": ("hunter2", "https://user:{}@db.example/"),
    "a private key": ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----"),
}

NAMES = [
    "authorization",
    "Authorization",
    "x-api-key",
    "apiKey",
    "password",
    "secret",
    "SecretString",
    "refresh_token",
    "accessToken",
    "push_tokens",
    "Set-Cookie",
    "aws_secret_access_key",
    "session_id",
]

PLAIN = [
    "work done",
    "patchwork:linux-hwmon is read up to 2026-11-20T03:00:00Z",
    "arn:aws:lambda:us-east-1:123456789012:function:watchkeeper-prod-fetch-patches",
    "https://patchwork.example answered 503",
    "52fdfc07-2182-654f-163f-5f0f9a621d72",
    "[PATCH v2 3/7] hwmon: token bucket",
]


@pytest.mark.parametrize("kind", SECRETS)
def test_a_text_keeps_no_secret(kind: str) -> None:
    secret, text = SECRETS[kind]

    assert secret not in redacted_text(text.format(secret))


@pytest.mark.parametrize("text", PLAIN)
def test_a_harmless_text_stays_as_it_is(text: str) -> None:
    assert redacted_text(text) == text


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_under_a_secrets_name_is_hidden(name: str) -> None:
    assert redacted({name: "opensesame"}) == {name: "[redacted]"}
    assert redacted({name: 12345}) == {name: "[redacted]"}


@pytest.mark.parametrize("name", ["message_id", "function_request_id", "author", "mode", "statusCode", "tokenizer"])
def test_what_stands_under_another_name_is_shown(name: str) -> None:
    assert redacted({name: "value"}) == {name: "value"}


def test_one_time_codes_are_hidden_and_error_codes_are_not() -> None:
    assert redacted({"code": "123456", "error_code": "ThrottlingException", "status": 503}) == {
        "code": "[redacted]",
        "error_code": "ThrottlingException",
        "status": 503,
    }


def test_an_exception_keeps_its_type_and_loses_its_secrets() -> None:
    error = ValueError("jane@kernel.example is unknown", {"password": "hunter2"}, 3)

    redact_error(error)

    assert error.args == ("[address] is unknown", {"password": "[redacted]"}, 3)


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("jane@kernel.example"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("jane@kernel.example"), inner),
)


@given(nested)
def test_whatever_the_shape_no_address_is_left(value: Any) -> None:
    assert "jane@kernel.example" not in repr(redacted(value))


@given(st.sampled_from(list(SECRETS)), st.text(), st.text())
def test_a_secret_is_found_among_any_other_text(kind: str, before: str, after: str) -> None:
    secret, text = SECRETS[kind]

    assert secret not in redacted_text(f"{before} {text.format(secret)} {after}")


@pytest.mark.parametrize(
    "piece", ["a", "@", "a@", "a.b@c.", "%40", "apikey=", "eyJ", "Bearer ", "://a:", "-----BEGIN PRIVATE KEY-----"]
)
def test_a_long_text_is_read_in_one_go(piece: str) -> None:
    """It would not end within the test's life if a pattern went back over what it had read."""
    assert redacted_text(piece * (400_000 // len(piece))) is not None
