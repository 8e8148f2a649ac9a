"""A user pool by AWS's documentation, where the local cloud and moto are not: sessions are renewed at each try and
good for one, a client's secret is wanted, and triggers are asked about unknown users, too. The triggers are the real
ones."""

from __future__ import annotations

import base64
import hmac
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from api.people.signin import challenges
from api.people.signin.codes import Codes
from api.people.signin.mail import Mail

POOL, CLIENT, SECRET = "us-east-1_test", "client", "secret" * 8
Json = dict[str, Any]


@dataclass
class User:
    name: str
    email: str
    verified: str = "false"
    enabled: bool = True


@dataclass
class Flow:
    """A sign-in that was begun."""

    username: str
    rounds: list[Json] = field(default_factory=list)
    private: Mapping[str, str] = field(default_factory=dict)


class UserPool:
    """In place of a client of Cognito."""

    def __init__(self, codes: Codes) -> None:
        self.users: dict[str, User] = {}
        self.mails: list[tuple[str, Mail]] = []
        self.failing: str | None = None
        """The error every open operation is answered with."""
        self._codes = codes
        self._flows: dict[str, Flow] = {}
        self._refresh_tokens: set[str] = set()
        self._count = itertools.count(1)

    @property
    def code(self) -> str:
        """Of the last mail."""
        return self.mails[-1][1].subject.split()[0]

    def describe_user_pool_client(self, **_: Any) -> Json:
        return {"UserPoolClient": {"ClientSecret": SECRET}}

    def sign_up(self, *, Username: str, SecretHash: str, **_: Any) -> Json:  # noqa: N803 -- boto3's names
        self._check("SignUp", Username, SecretHash)
        if Username in self.users:
            raise _error("UsernameExistsException", "SignUp")
        event = {"triggerSource": "PreSignUp_SignUp", "request": {}}
        assert challenges.confirm(event)["response"]["autoConfirmUser"]
        self.users[Username] = User(f"sub-{next(self._count)}", Username)
        return {"UserConfirmed": True}

    def initiate_auth(self, *, AuthParameters: Json, **_: Any) -> Json:  # noqa: N803
        self._check("InitiateAuth", AuthParameters["USERNAME"], AuthParameters["SECRET_HASH"])
        user = self.users.get(AuthParameters["USERNAME"])
        if user and not user.enabled:
            raise _error("NotAuthorizedException", "InitiateAuth")
        return self._next(Flow(user.name if user else "unknown"))

    def respond_to_auth_challenge(self, *, Session: str, ChallengeResponses: Json, **_: Any) -> Json:  # noqa: N803
        username = ChallengeResponses["USERNAME"]
        self._check("RespondToAuthChallenge", username, ChallengeResponses["SECRET_HASH"])
        flow = self._flows.pop(Session, None)
        if flow is None or flow.username != username:
            raise _error("NotAuthorizedException", "RespondToAuthChallenge")
        asked = {"privateChallengeParameters": flow.private, "challengeAnswer": ChallengeResponses["ANSWER"]}
        response = challenges.verify(self._event(flow, **asked), redeem=self._codes.redeem)["response"]
        flow.rounds[-1]["challengeResult"] = response["answerCorrect"]
        return self._next(flow)

    def admin_get_user(self, *, Username: str, **_: Any) -> Json:  # noqa: N803
        if Username not in self.users:
            raise _error("UserNotFoundException", "AdminGetUser")
        user = self.users[Username]
        return {"Username": user.name, "UserAttributes": [{"Name": "email_verified", "Value": user.verified}]}

    def admin_update_user_attributes(self, *, Username: str, UserAttributes: list[Json], **_: Any) -> Json:  # noqa: N803
        (user,) = [one for one in self.users.values() if one.name == Username]
        user.verified = UserAttributes[0]["Value"]
        return {}

    def get_tokens_from_refresh_token(self, *, RefreshToken: str, ClientSecret: str, **_: Any) -> Json:  # noqa: N803
        self._fail("GetTokensFromRefreshToken")
        if RefreshToken not in self._refresh_tokens or ClientSecret != SECRET:
            raise _error("NotAuthorizedException", "GetTokensFromRefreshToken")
        return {"AuthenticationResult": {"AccessToken": "b", "IdToken": "j", "ExpiresIn": 3600, "TokenType": "Bearer"}}

    def revoke_token(self, *, Token: str, ClientSecret: str, **_: Any) -> Json:  # noqa: N803
        self._fail("RevokeToken")
        if Token.startswith("access"):
            raise _error("UnsupportedTokenTypeException", "RevokeToken")
        self._refresh_tokens.discard(Token)
        return {}

    def copy_of(self, session: str) -> Callable[[], None]:
        """Lets a session be used again afterwards, as if its renewal had been lost on the way."""
        flow = self._flows[session]
        kept = Flow(flow.username, [dict(one) for one in flow.rounds], flow.private)
        return lambda: self._flows.update({session: Flow(kept.username, [dict(r) for r in kept.rounds], kept.private)})

    def _next(self, flow: Flow) -> Json:
        decided = challenges.define(self._event(flow))["response"]
        if decided["issueTokens"]:
            refresh = f"refresh-token-{next(self._count):020}"
            self._refresh_tokens.add(refresh)
            tokens = {"AccessToken": "a", "IdToken": "i", "RefreshToken": refresh, "ExpiresIn": 3600}
            return {"AuthenticationResult": tokens | {"TokenType": "Bearer"}}
        if decided["failAuthentication"]:
            raise _error("NotAuthorizedException", "RespondToAuthChallenge")
        return self._asks(flow)

    def _asks(self, flow: Flow) -> Json:
        event = self._event(flow)
        made = challenges.create(event, new_id=self._new_id, issue=self._codes.issue, send=self._send)["response"]
        flow.private = made["privateChallengeParameters"]
        flow.rounds.append({"challengeName": "CUSTOM_CHALLENGE", "challengeMetadata": made["challengeMetadata"]})
        session = f"session-{next(self._count):020}"
        self._flows[session] = flow
        public = made["publicChallengeParameters"] | {"USERNAME": flow.username}
        return {"ChallengeName": "CUSTOM_CHALLENGE", "Session": session, "ChallengeParameters": public}

    def _event(self, flow: Flow, **more: Any) -> Json:
        user = next((one for one in self.users.values() if one.name == flow.username), None)
        attributes = {"email": user.email} if user else {}
        request = {"userAttributes": attributes, "session": flow.rounds, "userNotFound": user is None}
        return {"userName": flow.username, "request": request | more}

    def _send(self, address: str, mail: Mail) -> None:
        self.mails.append((address, mail))

    def _new_id(self) -> str:
        return f"challenge-{next(self._count)}"

    def _check(self, operation: str, username: str, given: str) -> None:
        self._fail(operation)
        wanted = hmac.digest(SECRET.encode(), (username + CLIENT).encode(), "sha256")
        if given != base64.b64encode(wanted).decode():
            raise AssertionError(f"{operation}: wrong secret hash")

    def _fail(self, operation: str) -> None:
        if self.failing:
            raise _error(self.failing, operation)


def _error(code: str, operation: str) -> ClientError:
    status = 500 if code == "InternalErrorException" else 400
    answer: Any = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)
