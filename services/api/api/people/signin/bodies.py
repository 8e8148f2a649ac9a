"""What the routes of signing in are sent. What has another form is refused before anybody is asked about it."""

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
        description="The `session` of the answer before: of the login, or of the last try",
    ),
]
Code = Annotated[
    str, Field(min_length=DIGITS, max_length=DIGITS, pattern=r"^[0-9]+$", description="The digits of the mail")
]
RefreshToken = Annotated[
    str,
    Field(
        min_length=20,
        max_length=8192,
        pattern=r"^[A-Za-z0-9=_.-]+$",
        description="The `refresh_token` the sign-in was answered with",
    ),
]


class Login(Body):
    email: Annotated[EmailAddress, Field(description="Where the code is mailed; lower and upper case are the same")]


class Verification(Body):
    email: Annotated[EmailAddress, Field(description="As at the login")]
    session: Session
    code: Code


class Refresh(Body):
    refresh_token: RefreshToken
