"""Request bodies for signing in. Malformed ones are rejected before anything else happens."""

from typing import Annotated

from pydantic import Field

from api.people.signin.addresses import EmailAddress
from api.people.signin.codes import DIGITS
from api.web.bodies import Body

Session = Annotated[
    str,
    Field(
        min_length=20,
        max_length=4096,
        pattern=r"^[A-Za-z0-9+/=_.-]+$",
        description="The `session` of the previous response: of the login, or of the last try",
    ),
]
Code = Annotated[
    str, Field(min_length=DIGITS, max_length=DIGITS, pattern=r"^[0-9]+$", description="The digits from the mail")
]
RefreshToken = Annotated[
    str,
    Field(
        min_length=20,
        max_length=8192,
        pattern=r"^[A-Za-z0-9=_.-]+$",
        description="The `refresh_token` from the sign-in",
    ),
]


class Login(Body):
    email: Annotated[EmailAddress, Field(description="Where the code is mailed; case-insensitive")]


class Verification(Body):
    email: Annotated[EmailAddress, Field(description="The same as for the login")]
    session: Session
    code: Code


class Refresh(Body):
    refresh_token: RefreshToken
