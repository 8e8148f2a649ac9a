"""What Cognito is asked, against AWS's own model of it, and what its refusals become."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import botocore.session
import pytest
import yaml
from botocore.stub import ANY, Stubber

from api.people.signin import mailer
from api.people.signin.cognito import BUDGET, CognitoSessions, CognitoSignIn, Pool
from api.people.signin.ports import (
    AddressRefused,
    SignInEnded,
    TokenRefused,
    Tokens,
    WrongCode,
    WrongKindOfToken,
)
from watchkeeper import correlation
from watchkeeper.budgets import PEOPLE
from watchkeeper.errors import DatabaseError, Throttled, Unavailable

POOL, CLIENT, SECRET = "us-east-1_pool", "client-1", "secret" * 8
ADDRESS, NETWORK, NAME = "ada@example.org", "192.0.2.1", "4f9c-sub"
SESSION, NEXT = "s" * 40, "t" * 40
TOKENS = {"AccessToken": "a", "IdToken": "i", "RefreshToken": "r", "ExpiresIn": 3600, "TokenType": "Bearer"}
DISCLOSED = {"UserPoolClient": {"UserPoolId": POOL, "ClientId": CLIENT, "ClientSecret": SECRET}}


def hash_of(username: str) -> str:
    digest = hmac.new(SECRET.encode(), (username + CLIENT).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


@pytest.fixture(scope="module")
def session() -> Any:
    """Reads AWS's models once."""
    return botocore.session.get_session()


@pytest.fixture
def client(session: Any) -> Any:
    return session.create_client(
        "cognito-idp", region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )


@pytest.fixture
def stub(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def pool(client: Any, stub: Stubber) -> Pool:
    """With the secret asked for, as after a first request."""
    pool = Pool(client, client, POOL, CLIENT)
    stub.add_response("describe_user_pool_client", DISCLOSED, {"UserPoolId": POOL, "ClientId": CLIENT})
    assert pool.secret == SECRET
    return pool


@pytest.fixture
def sign_in(pool: Pool) -> CognitoSignIn:
    return CognitoSignIn(pool)


@pytest.fixture
def sessions(pool: Pool) -> CognitoSessions:
    return CognitoSessions(pool)


def signs_up(stub: Stubber, error: str | None = None, *, metadata: Any = ANY) -> None:
    expected = {
        "ClientId": CLIENT,
        "SecretHash": hash_of(ADDRESS),
        "Username": ADDRESS,
        "Password": ANY,
        "UserContextData": {"IpAddress": NETWORK},
        "ClientMetadata": metadata,
    }
    if error:
        stub.add_client_error("sign_up", error, expected_params=expected)
    else:
        stub.add_response("sign_up", {"UserConfirmed": True, "UserSub": NAME}, expected)


def begins(stub: Stubber, error: str | None = None) -> None:
    expected = {
        "ClientId": CLIENT,
        "AuthFlow": "CUSTOM_AUTH",
        "AuthParameters": {"USERNAME": ADDRESS, "SECRET_HASH": hash_of(ADDRESS)},
        "UserContextData": {"IpAddress": NETWORK},
    }
    if error:
        stub.add_client_error("initiate_auth", error, expected_params=expected)
    else:
        answer = {"ChallengeName": "CUSTOM_CHALLENGE", "Session": SESSION, "ChallengeParameters": {"USERNAME": NAME}}
        stub.add_response("initiate_auth", answer, expected)


def is_found(stub: Stubber, verified: str | None = "true") -> None:
    attributes = [{"Name": "email", "Value": ADDRESS}]
    attributes += [{"Name": "email_verified", "Value": verified}] if verified else []
    answer = {"Username": NAME, "UserAttributes": attributes}
    stub.add_response("admin_get_user", answer, {"UserPoolId": POOL, "Username": ADDRESS})


def responds(stub: Stubber, answer: dict[str, Any] | str, *, username: str = NAME, metadata: Any = ANY) -> None:
    expected = {
        "ClientId": CLIENT,
        "ChallengeName": "CUSTOM_CHALLENGE",
        "Session": SESSION,
        "ChallengeResponses": {"USERNAME": username, "ANSWER": "012345", "SECRET_HASH": hash_of(username)},
        "UserContextData": {"IpAddress": NETWORK},
        "ClientMetadata": metadata,
    }
    if isinstance(answer, str):
        stub.add_client_error("respond_to_auth_challenge", answer, expected_params=expected)
    else:
        stub.add_response("respond_to_auth_challenge", answer, expected)


class TestStarting:
    def test_a_new_address_is_signed_up_and_gets_a_session(self, stub: Stubber, sign_in: CognitoSignIn) -> None:
        signs_up(stub)
        begins(stub)

        assert sign_in.start(ADDRESS, NETWORK) == SESSION

    def test_a_known_address_is_asked_the_same(self, stub: Stubber, sign_in: CognitoSignIn) -> None:
        signs_up(stub, "UsernameExistsException")
        begins(stub)

        assert sign_in.start(ADDRESS, NETWORK) == SESSION

    @pytest.mark.parametrize("error", ["NotAuthorizedException", "UserNotFoundException", "UserNotConfirmedException"])
    def test_who_may_not_sign_in_gets_a_session_that_leads_nowhere(
        self, stub: Stubber, sign_in: CognitoSignIn, error: str
    ) -> None:
        signs_up(stub, "UsernameExistsException")
        begins(stub, error)

        assert len(sign_in.start(ADDRESS, NETWORK)) > 20

    def test_an_address_cognito_takes_for_none_is_refused(self, stub: Stubber, sign_in: CognitoSignIn) -> None:
        signs_up(stub, "InvalidParameterException")

        with pytest.raises(AddressRefused):
            sign_in.start(ADDRESS, NETWORK)

    @pytest.mark.parametrize(
        ("error", "told"),
        [
            ("TooManyRequestsException", Throttled),
            ("LimitExceededException", Throttled),
            ("UserLambdaValidationException", Unavailable),
            ("UnexpectedLambdaException", Unavailable),
            ("InvalidLambdaResponseException", Unavailable),
            ("NotAuthorizedException", DatabaseError),
        ],
    )
    def test_what_is_not_the_persons_fault_is_told_as_such(
        self, stub: Stubber, sign_in: CognitoSignIn, error: str, told: type[Exception]
    ) -> None:
        signs_up(stub, error)

        with pytest.raises(told):
            sign_in.start(ADDRESS, NETWORK)

    def test_a_failing_trigger_is_no_refusal(self, stub: Stubber, sign_in: CognitoSignIn) -> None:
        signs_up(stub)
        begins(stub, "UnexpectedLambdaException")

        with pytest.raises(Unavailable):
            sign_in.start(ADDRESS, NETWORK)

    def test_passwords_fit_the_policy_and_never_come_again(
        self, client: Any, stub: Stubber, sign_in: CognitoSignIn
    ) -> None:
        passwords: list[str] = []
        client.meta.events.register_first(
            "provide-client-params.cognito-identity-provider.SignUp",
            lambda params, **_: passwords.append(params["Password"]),
        )
        for _ in range(2):
            signs_up(stub)
            begins(stub)
            sign_in.start(ADDRESS, NETWORK)

        assert len(set(passwords)) == 2
        for password in passwords:
            assert 32 <= len(password) <= 256
            assert {kind_of(sign) for sign in password} == {"upper", "lower", "digit", "sign"}


def kind_of(sign: str) -> str:
    if sign.isdigit():
        return "digit"
    if not sign.isalpha():
        return "sign"
    return "upper" if sign.isupper() else "lower"


class TestAnswering:
    def test_the_right_code_gives_tokens(self, stub: Stubber, sign_in: CognitoSignIn) -> None:
        is_found(stub)
        responds(stub, {"AuthenticationResult": TOKENS})

        assert sign_in.answer(ADDRESS, SESSION, "012345", NETWORK) == Tokens("a", "i", 3600, "Bearer", "r")

    @pytest.mark.parametrize("verified", ["false", None])
    def test_the_first_right_code_proves_the_address(
        self, stub: Stubber, sign_in: CognitoSignIn, verified: str | None
    ) -> None:
        is_found(stub, verified)
        responds(stub, {"AuthenticationResult": TOKENS})
        proven = {"Name": "email_verified", "Value": "true"}
        expected = {"UserPoolId": POOL, "Username": NAME, "UserAttributes": [proven]}
        stub.add_response("admin_update_user_attributes", {}, expected)

        assert sign_in.answer(ADDRESS, SESSION, "012345", NETWORK).access_token == "a"

    def test_a_wrong_code_proves_nothing_and_renews_the_session(self, stub: Stubber, sign_in: CognitoSignIn) -> None:
        is_found(stub, "false")
        responds(stub, {"ChallengeName": "CUSTOM_CHALLENGE", "Session": NEXT})

        with pytest.raises(WrongCode) as told:
            sign_in.answer(ADDRESS, SESSION, "012345", NETWORK)

        assert told.value.session == NEXT

    @pytest.mark.parametrize(
        "error",
        [
            "CodeMismatchException",
            "ExpiredCodeException",
            "InvalidParameterException",
            "NotAuthorizedException",
            "UserNotConfirmedException",
            "UserNotFoundException",
        ],
    )
    def test_a_session_that_cannot_go_on_ends_the_sign_in(
        self, stub: Stubber, sign_in: CognitoSignIn, error: str
    ) -> None:
        is_found(stub)
        responds(stub, error)

        with pytest.raises(SignInEnded):
            sign_in.answer(ADDRESS, SESSION, "012345", NETWORK)

    def test_an_unknown_address_costs_the_same_to_be_refused(self, stub: Stubber, sign_in: CognitoSignIn) -> None:
        stub.add_client_error("admin_get_user", "UserNotFoundException")
        responds(stub, "NotAuthorizedException", username=ADDRESS)

        with pytest.raises(SignInEnded):
            sign_in.answer(ADDRESS, SESSION, "012345", NETWORK)

    @pytest.mark.parametrize(
        ("error", "told"), [("TooManyRequestsException", Throttled), ("UnexpectedLambdaException", Unavailable)]
    )
    def test_what_is_not_the_persons_fault_is_told_as_such(
        self, stub: Stubber, sign_in: CognitoSignIn, error: str, told: type[Exception]
    ) -> None:
        is_found(stub)
        responds(stub, error)

        with pytest.raises(told):
            sign_in.answer(ADDRESS, SESSION, "012345", NETWORK)

    def test_its_triggers_are_told_what_they_follow_from(self, stub: Stubber, sign_in: CognitoSignIn) -> None:
        signs_up(stub, metadata={"correlation_id": "mine"})
        begins(stub)
        is_found(stub)
        responds(stub, {"AuthenticationResult": TOKENS}, metadata={"correlation_id": "mine"})

        with correlation.following("mine"):
            sign_in.start(ADDRESS, NETWORK)
            sign_in.answer(ADDRESS, SESSION, "012345", NETWORK)


class TestSessions:
    EXPECTED: ClassVar = {"RefreshToken": "r" * 30, "ClientId": CLIENT, "ClientSecret": SECRET}

    @pytest.mark.parametrize("rotated", [None, "new"])
    def test_a_refresh_token_gives_new_tokens(
        self, stub: Stubber, sessions: CognitoSessions, rotated: str | None
    ) -> None:
        result = {"AccessToken": "b", "IdToken": "j", "ExpiresIn": 3600, "TokenType": "Bearer"}
        result |= {"RefreshToken": rotated} if rotated else {}
        stub.add_response("get_tokens_from_refresh_token", {"AuthenticationResult": result}, self.EXPECTED)

        assert sessions.refresh("r" * 30) == Tokens("b", "j", 3600, "Bearer", rotated)

    @pytest.mark.parametrize(
        "error",
        ["NotAuthorizedException", "RefreshTokenReuseException", "UserNotFoundException", "InvalidParameterException"],
    )
    def test_one_that_ended_is_refused(self, stub: Stubber, sessions: CognitoSessions, error: str) -> None:
        stub.add_client_error("get_tokens_from_refresh_token", error)

        with pytest.raises(TokenRefused):
            sessions.refresh("r" * 30)

    def test_logging_out_revokes_it(self, stub: Stubber, sessions: CognitoSessions) -> None:
        stub.add_response("revoke_token", {}, {"Token": "r" * 30, "ClientId": CLIENT, "ClientSecret": SECRET})

        sessions.end("r" * 30)

    @pytest.mark.parametrize("error", ["InvalidParameterException", "NotAuthorizedException"])
    def test_one_that_is_none_any_more_needs_no_revoking(
        self, stub: Stubber, sessions: CognitoSessions, error: str
    ) -> None:
        stub.add_client_error("revoke_token", error)

        sessions.end("r" * 30)

    def test_a_token_of_another_kind_is_told(self, stub: Stubber, sessions: CognitoSessions) -> None:
        stub.add_client_error("revoke_token", "UnsupportedTokenTypeException")

        with pytest.raises(WrongKindOfToken):
            sessions.end("r" * 30)


def test_garbage_in_place_of_an_answer_is_told(stub: Stubber, sign_in: CognitoSignIn) -> None:
    is_found(stub)
    responds(stub, {"ChallengeName": "CUSTOM_CHALLENGE"})

    with pytest.raises(DatabaseError, match="garbage"):
        sign_in.answer(ADDRESS, SESSION, "012345", NETWORK)


def test_the_longest_request_ends_before_the_function_does() -> None:
    functions = yaml.safe_load((Path(__file__).parents[4] / "services" / "api" / "functions.yml").read_text())
    counting = PEOPLE.request_seconds + PEOPLE.call_seconds
    asking_for_the_secret = PEOPLE.call_seconds
    signing_up_and_beginning = 2 * BUDGET.call_seconds

    assert BUDGET.attempts == 1, "a second attempt would mail a second code"
    assert counting + asking_for_the_secret + signing_up_and_beginning < functions["auth"]["timeout"]


def test_the_trigger_that_mails_ends_before_cognito_stops_waiting() -> None:
    assert PEOPLE.call_seconds + mailer.BUDGET.call_seconds < 5
