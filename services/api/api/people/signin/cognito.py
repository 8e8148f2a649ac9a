"""Signing in with Cognito: its custom authentication, whose challenges our triggers define."""

import base64
import hmac
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from api.people.signin.ports import (
    AddressRefused,
    SignInEnded,
    TokenRefused,
    Tokens,
    WrongCode,
    WrongKindOfToken,
)
from watchkeeper import correlation
from watchkeeper.budgets import Budget
from watchkeeper.errors import Unavailable
from watchkeeper.logs import logger
from watchkeeper.translation import translated, understood

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

BUDGET = Budget(connect_seconds=0.3, read_seconds=5, attempts=1, leftover_seconds=0)
"""Cognito answers after its triggers have, including a cold start of each. There are no retries: starting a sign-in
twice mails two codes, and submitting an answer twice costs two tries."""

_DECOY_BYTES = 384
_FAILED = "signing in failed"

Refusals = Mapping[str, type[Exception]]
"""What Cognito's errors mean, by code; all others are not the person's fault."""


class _AlreadyThere(Exception):
    """The address belongs to a user already."""


_SIGNING_UP: Refusals = {"InvalidParameterException": AddressRefused, "UsernameExistsException": _AlreadyThere}

_BEGINNING: Refusals = dict.fromkeys(
    (
        "NotAuthorizedException",
        "PasswordResetRequiredException",
        "UserNotConfirmedException",
        "UserNotFoundException",
    ),
    SignInEnded,
)
"""Errors for users that are disabled, or have just been removed."""

_ANSWERING: Refusals = {
    **_BEGINNING,
    **dict.fromkeys(("CodeMismatchException", "ExpiredCodeException", "InvalidParameterException"), SignInEnded),
}
"""Also errors for sessions that are invalid, another user's, used or expired."""

_REFRESHING: Refusals = dict.fromkeys(
    ("InvalidParameterException", "NotAuthorizedException", "RefreshTokenReuseException", "UserNotFoundException"),
    TokenRefused,
)
_REVOKING: Refusals = {
    "InvalidParameterException": TokenRefused,
    "NotAuthorizedException": TokenRefused,
    "UnsupportedTokenTypeException": WrongKindOfToken,
}
_TRIGGER_FAILED = frozenset(
    {"InvalidLambdaResponseException", "UnexpectedLambdaException", "UserLambdaValidationException"}
)


@dataclass(frozen=True, slots=True)
class User:
    name: str
    """Cognito's user name, which is not the address."""
    is_verified: bool


@dataclass(frozen=True)
class Pool:
    """The user pool and our client of it. Cognito's public operations need no IAM permissions, but the client's
    secret."""

    client: "CognitoIdentityProviderClient"
    """For public operations; it waits for the triggers."""
    admin: "CognitoIdentityProviderClient"
    """For operations allowed by the function's role."""
    pool_id: str
    client_id: str

    def key(self) -> bytes:
        """The secret as a key for other hashes."""
        return self.secret.encode()

    @cached_property
    def secret(self) -> str:
        with translated(_FAILED), understood(_FAILED):
            answer = self.admin.describe_user_pool_client(UserPoolId=self.pool_id, ClientId=self.client_id)
            return answer["UserPoolClient"]["ClientSecret"]

    def secret_hash(self, username: str) -> str:
        digest = hmac.digest(self.secret.encode(), (username + self.client_id).encode(), "sha256")
        return base64.b64encode(digest).decode()


class CognitoSignIn:
    """A ``SignIn``."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def start(self, email: str, client_address: str) -> str:
        """Always signs up, and always begins a sign-in, so that known and unknown addresses take the same time. The
        time of the additional trigger can be observed at most once, as the address is known afterwards."""
        self._sign_up(email, client_address)
        return self._begin(email, client_address)

    def answer(self, email: str, session: str, code: str, client_address: str) -> Tokens:
        user = self._user(email)
        with _telling(_ANSWERING):
            answer = self._pool.client.respond_to_auth_challenge(
                ClientId=self._pool.client_id,
                ChallengeName="CUSTOM_CHALLENGE",
                Session=session,
                ChallengeResponses={
                    "USERNAME": user.name,
                    "ANSWER": code,
                    "SECRET_HASH": self._pool.secret_hash(user.name),
                },
                UserContextData={"IpAddress": client_address},
                ClientMetadata=correlation.noted(),
            )
        if "AuthenticationResult" not in answer:
            raise WrongCode(_session(answer))
        if not user.is_verified:
            self._verify(user)
        return _tokens(answer)

    def _sign_up(self, email: str, client_address: str) -> None:
        try:
            with _telling(_SIGNING_UP):
                self._pool.client.sign_up(
                    ClientId=self._pool.client_id,
                    SecretHash=self._pool.secret_hash(email),
                    Username=email,
                    Password=_password(),
                    UserContextData={"IpAddress": client_address},
                    ClientMetadata=correlation.noted(),
                )
        except _AlreadyThere:
            return

    def _begin(self, email: str, client_address: str) -> str:
        try:
            with _telling(_BEGINNING):
                answer = self._pool.client.initiate_auth(
                    ClientId=self._pool.client_id,
                    AuthFlow="CUSTOM_AUTH",
                    AuthParameters={"USERNAME": email, "SECRET_HASH": self._pool.secret_hash(email)},
                    UserContextData={"IpAddress": client_address},
                )
        except SignInEnded:
            logger.warning("somebody who may not sign in asked for a code")
            return secrets.token_urlsafe(_DECOY_BYTES)
        return _session(answer)

    def _user(self, email: str) -> User:
        """Cognito requires its own user name with an answer, and the hash of it. For an unknown user the address is
        used, so that a refusal takes the same time."""
        try:
            with _telling({"UserNotFoundException": SignInEnded}):
                found = self._pool.admin.admin_get_user(UserPoolId=self._pool.pool_id, Username=email)
        except SignInEnded:
            return User(email, is_verified=True)
        with understood(_FAILED):
            attributes = {one["Name"]: one.get("Value", "") for one in found["UserAttributes"]}
            return User(found["Username"], attributes.get("email_verified") == "true")

    def _verify(self, user: User) -> None:
        """Whoever submitted the code has received the mail."""
        with translated("the address was not marked as verified"):
            self._pool.admin.admin_update_user_attributes(
                UserPoolId=self._pool.pool_id,
                Username=user.name,
                UserAttributes=[{"Name": "email_verified", "Value": "true"}],
            )


class CognitoSessions:
    """``Sessions``."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def refresh(self, refresh_token: str) -> Tokens:
        with _telling(_REFRESHING):
            answer = self._pool.client.get_tokens_from_refresh_token(
                RefreshToken=refresh_token, ClientId=self._pool.client_id, ClientSecret=self._pool.secret
            )
        return _tokens(answer)

    def end(self, refresh_token: str) -> None:
        try:
            with _telling(_REVOKING):
                self._pool.client.revoke_token(
                    Token=refresh_token, ClientId=self._pool.client_id, ClientSecret=self._pool.secret
                )
        except TokenRefused:
            return


@contextmanager
def _telling(refusals: Refusals) -> Iterator[None]:
    """Translates errors of a call by ``refusals``, to ``Unavailable`` if a trigger failed, and otherwise like
    ``translated``."""
    with translated(_FAILED):
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if refusal := refusals.get(code):
                raise refusal(code) from error
            if code in _TRIGGER_FAILED:
                raise Unavailable(f"{_FAILED}: {code}") from error
            raise


def _session(answer: Mapping[str, Any]) -> str:
    with understood(_FAILED):
        return str(answer["Session"])


def _tokens(answer: Mapping[str, Any]) -> Tokens:
    with understood(_FAILED):
        result = answer["AuthenticationResult"]
        return Tokens(
            access_token=result["AccessToken"],
            id_token=result["IdToken"],
            expires_in=int(result["ExpiresIn"]),
            token_type=str(result.get("TokenType", "Bearer")),
            refresh_token=result.get("RefreshToken"),
        )


def _password() -> str:
    """One that nobody knows and the pool's policy accepts: it requires upper and lower case, a digit and a symbol."""
    return f"{secrets.token_urlsafe(48)}aA1!"
