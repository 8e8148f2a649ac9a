from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from api.people.signin.addresses import MAX_CHARACTERS, EmailAddress

ADDRESS: TypeAdapter[str] = TypeAdapter(EmailAddress)
HARMLESS = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[a-z0-9.-]+\.[a-z][a-z0-9-]*[a-z0-9]")


@pytest.mark.parametrize(
    ("given_text", "address"),
    [
        ("ada@example.org", "ada@example.org"),
        ("  Ada.Lovelace+kefir@Example.ORG\n", "ada.lovelace+kefir@example.org"),
        ("o'neil@a.b-c.example", "o'neil@a.b-c.example"),
        ("ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"),
        ("ada@example.xn--p1ai", "ada@example.xn--p1ai"),
        (f"{'a' * 64}@example.org", f"{'a' * 64}@example.org"),
    ],
)
def test_an_address_has_one_spelling(given_text: str, address: str) -> None:
    assert ADDRESS.validate_python(given_text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@localhost",
        "ada@example",
        "ada@@example.org",
        "a da@example.org",
        "ada@exam ple.org",
        "ada.@example.org",
        ".ada@example.org",
        "a..da@example.org",
        "ada@example..org",
        "ada@-example.org",
        "ada@example-.org",
        "ada@example.org.",
        "ada@127.0.0.1",
        "ada@[127.0.0.1]",
        '"ada"@example.org',
        "Ada <ada@example.org>",
        "ada@example.org,eve@example.org",
        "ada@example.org\r\nBcc: eve@example.org",
        "ada\n@example.org",
        "ada@example.org\x00",
        "ad\u0430@example.org",  # a Cyrillic a
        "\u212aate@example.org",  # the Kelvin sign, which is a k in lower case
        "ada@ex\u00e4mple.org",
        "ada@example.org\u202e",
        "\ud800@example.org",
        f"{'a' * 65}@example.org",
        f"ada@{'a' * 64}.org",
        f"ada@{'a.' * MAX_CHARACTERS}org",
        None,
        7,
        ["ada@example.org"],
        {"email": "ada@example.org"},
    ],
)
def test_what_is_no_address_is_refused(text: object) -> None:
    with pytest.raises(ValidationError):
        ADDRESS.validate_python(text)


@given(st.text(max_size=200) | st.from_regex(r"[^@]*@[^@]*", fullmatch=True))
def test_whatever_is_taken_is_harmless_in_a_header(text: str) -> None:
    try:
        address = ADDRESS.validate_python(text)
    except ValidationError:
        return

    assert HARMLESS.fullmatch(address)
    assert len(address) <= MAX_CHARACTERS
    assert ADDRESS.validate_python(address) == address
