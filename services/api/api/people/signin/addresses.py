"""The e-mail addresses people sign in with: one spelling each, and no characters that could end a header."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

MAX_CHARACTERS = 128
"""The limit of a user name in Cognito, which the address is; SMTP would allow 254."""
_MAX_LOCAL_CHARACTERS = 64

_WORD = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TOP_LABEL = r"[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
PATTERN = rf"^{_WORD}(?:\.{_WORD})*@(?:{_LABEL}\.)+{_TOP_LABEL}$"
"""RFC 5321 without quoted parts and address literals. ASCII only, so that no two addresses look alike."""


def _with_short_local_part(address: str) -> str:
    if address.index("@") > _MAX_LOCAL_CHARACTERS:
        raise ValueError(f"has more than {_MAX_LOCAL_CHARACTERS} characters before the @")
    return address


EmailAddress = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, min_length=6, max_length=MAX_CHARACTERS, pattern=PATTERN),
    AfterValidator(_with_short_local_part),
]
"""In lower case: no mail server today distinguishes `A@` from `a@`, and people type both."""
