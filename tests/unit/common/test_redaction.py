"""Nothing secret and no address gets through, wherever it stands."""

from traceback import format_exception_only
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from watchkeeper import redaction
from watchkeeper.redaction import redacted, redacted_error, redacted_text

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
    "a private key with headers": (
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
        "-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: AES-128-CBC\n\n{}\n-----END RSA PRIVATE KEY-----",
    ),
    "a PGP key": ("lQOYBGTest+-=", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n{}\n-----END PGP PRIVATE KEY BLOCK-----"),
    "a private key that is cut off": ("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "-----BEGIN PRIVATE KEY-----\n{}"),
    "a quoted name with a space": ('"alice smith"@example.org', "mail of {}"),
    "a quoted name with a space, in JSON": ('alice smith\\"@example.org', '{{"to": "\\"{}"}}'),
    "a name with a quote": ('alice"@example.org', "mail of {}"),
    "an address in JSON in JSON": ("alice\\u0040example.org", '{{"to": "{}"}}'),
    "an address escaped twice": ("alice%2540example.org", "next=/all/{}/"),
    "an address in HTML": ("alice&#64;example.org", "<b>{}</b>"),
    "a quoted-printable address": ("alice=40example.org", "mail of {}"),
    "an address at an IPv6 number": ("alice@[IPv6:2001:db8::1]", "mail of {}"),
    "an encoded word": ("YWxpY2VAZXhhbXBsZS5vcmc=", "From: =?utf-8?b?{}?="),
    "an encoded word in quoted-printable": ("alice=40example", "From: =?utf-8?Q?{}=2Eorg?="),
    "an encoded word that is cut off": ("YWxpY2VAZXhhbXBsZS5v", "From: =?utf-8?b?{}"),
    "credentials of another scheme": ("ghp_16C7e42F292c6912E7", "Authorization: token {}"),
    "an API key as credentials": ("Ab3xQ9", "Authorization: ApiKey {}"),
    "credentials in JSON": ("Ab3xQ9", '{{"Authorization": "ApiKey {}"}}'),
    "a cookie": ("hunter2", "Cookie: session={}"),
    "another cookie of the line": ("hunter2", 'Cookie: theme="dark"; session={}'),
    "a cookie that is set": ("hunter2", "Set-Cookie: sid={}; Secure"),
    "a token of GitHub": ("ghp_16C7e42F292c6912E7", "cloning with {}"),
    "a fine-grained token of GitHub": ("github_pat_11ABCDEFG0abc_defGHI", "cloning with {}"),
    "a token of Slack": ("xoxb-17653672481-19874698323", "posting with {}"),
    "a key of Stripe": ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "paying with {}"),
    "a password under a longer name": ("hunter2", "dbPassword={}"),
    "a password under a longer name in one case": ("hunter2", "newpassword={}"),
    "a password under a short name": ("hunter2", "pwd={}"),
    "a key under its name": ("hunter2", "private_key: {}"),
    "a password of words": ("two words here", 'password="{}"'),
    "a password with a quote": ('two \\"words\\" here', 'password="{}"'),
    "a password in a list in JSON": ("hunter2", '{{"password":["{}"]}}'),
    "a password in an object in JSON": ("hunter2", '{{"password": {{"value": "{}"}}}}'),
    "a password with a comma": ("hunter,2", "password={}"),
    "a password with a semicolon": ("hunter;2", "password={}"),
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
    "session",
    "session_id",
    "dbPassword",
    "newpassword",
    "pwd",
    "private_key",
]

PLAIN = [
    "work done",
    "patchwork:linux-hwmon is read up to 2026-11-20T03:00:00Z",
    "arn:aws:lambda:us-east-1:123456789012:function:watchkeeper-prod-fetch-patches",
    "https://patchwork.example answered 503",
    "52fdfc07-2182-654f-163f-5f0f9a621d72",
    "[PATCH v2 3/7] hwmon: token bucket",
    "timeout=40ms limit=40 rate=4096.5s",
    'File "/var/task/ingest/upstream.py", line 40, in get',
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


def test_one_time_codes_may_be_numbers() -> None:
    assert redacted({"pin": 1234, "code": 123456, "attempts": 1234}) == {
        "pin": "[redacted]",
        "code": "[redacted]",
        "attempts": 1234,
    }


def test_an_exception_keeps_its_type_and_loses_its_secrets() -> None:
    error = ValueError("jane@kernel.example is unknown", {"password": "hunter2"}, 3)

    assert redacted_error(error) is error
    assert error.args == ("[address] is unknown", {"password": "[redacted]"}, 3)


class Numbered(BaseModel):
    number: int


class Telling(Exception):
    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address

    def __str__(self) -> str:
        return f"no mail of {self.address}"


def telling_errors() -> list[Exception]:
    noted = ValueError("harmless")
    noted.add_note("found at jane@kernel.example")
    with pytest.raises(ValidationError) as refused:
        Numbered.model_validate({"number": "jane@kernel.example"})
    return [
        FileNotFoundError(2, "No such file", "/mails/jane@kernel.example"),
        SyntaxError("invalid", ("<jane@kernel.example>", 1, 1, "to = jane@kernel.example", 1, 2)),
        ExceptionGroup("of jane@kernel.example", [ValueError("a")]),
        Telling("jane@kernel.example"),
        refused.value,
        noted,
    ]


@pytest.mark.parametrize("error", telling_errors(), ids=lambda error: type(error).__name__)
def test_an_exception_whose_text_is_made_of_something_else_becomes_a_plain_one_of_its_name(error: Exception) -> None:
    told = redacted_error(error)

    printed = "".join(format_exception_only(told))
    assert type(told).__name__ == type(error).__name__
    assert str(told)
    assert "jane@" not in printed


def test_a_harmless_exception_stays_as_it_is() -> None:
    error = FileNotFoundError(2, "No such file", "/mails")

    assert redacted_error(error) is error


def test_a_long_text_is_cut_between_words() -> None:
    word = "password=hunter2-hunter2"
    text = f"{'x' * (redaction.LONGEST_TEXT - 12)} {word} and more"

    shown = redacted_text(text)

    assert len(shown) < redaction.LONGEST_TEXT + 40
    assert "password" not in shown
    assert shown.endswith(f"x [{len(word) + 10} characters cut]")


def test_a_long_text_without_a_space_is_not_shown() -> None:
    assert redacted_text("x" * 80_000) == " [80000 characters cut]"


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


@given(st.sampled_from(list(SECRETS)), st.text())
def test_what_is_redacted_stays_so(kind: str, before: str) -> None:
    secret, text = SECRETS[kind]
    once = redacted_text(f"{before} {text.format(secret)}")

    assert redacted_text(once) == once


PIECES = [
    *("a", "@", "a@", "a.b@c.", "%40", "%25", "=40", "a=40b.", "\\u0040", "&#64;", '"a', '\\"', "a "),
    *("apikey=", 'password="', 'password=\\"', "password=[", "password={", "secret", "token_", "Cookie: ", "cookie='"),
    *("eyJ", "Bearer ", "://a:", "ghp_", "xoxb-", "=?utf-8?b?", "-----BEGIN PRIVATE KEY-----"),
]


@pytest.mark.parametrize("piece", PIECES)
def test_a_long_text_is_read_in_one_go(piece: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would not end within the test's life if a pattern went back over what it had read."""
    monkeypatch.setattr(redaction, "LONGEST_TEXT", 200_000)

    assert redacted_text(piece * (200_000 // len(piece))) is not None
