"""The function `auth` as its callers see it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.people.signin import telling
from api.people.signin.limits import CODES_FOR_A_CLIENT, CODES_FOR_AN_ADDRESS, TRIES_OF_A_CLIENT
from tests.integration.api.asking import Asker
from tests.integration.api.conftest import Reply
from tests.integration.api.signin.conftest import Clock
from tests.integration.api.signin.pool import UserPool
from tests.integration.common.test_events import Bus
from tests.integration.faults import (
    Faults,
    Plan,
    all_refused,
    broken,
    denied,
    garbage,
    throttled,
    timed_out,
    unreachable,
)

ADDRESS = "ada@example.org"
JUNK = "x" * 40


def login(ask: Asker, email: str = ADDRESS) -> str:
    reply = ask.post("/login", {"email": email})
    assert reply.status == 200
    return str(reply.json["session"])


def verify(ask: Asker, session: str, code: str, email: str = ADDRESS) -> Reply:
    return ask.post("/verify", {"email": email, "session": session, "code": code})


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


class TestSigningIn:
    def test_a_new_person_gets_a_mail_and_with_its_code_tokens(self, ask: Asker, user_pool: UserPool) -> None:
        started = ask.post("/login", {"email": " Ada@Example.org "})
        session = started.json["session"]
        reply = verify(ask, session, user_pool.code)

        assert started.json == {"session": session, "expires_in": 300}
        assert [address for address, _ in user_pool.mails] == [ADDRESS]
        assert reply.status == 200
        assert reply.json == {
            "access_token": "a",
            "id_token": "i",
            "refresh_token": reply.json["refresh_token"],
            "expires_in": 3600,
            "token_type": "Bearer",
        }
        assert user_pool.users[ADDRESS].verified == "true"

    def test_asking_for_a_code_proves_nothing(self, ask: Asker, user_pool: UserPool) -> None:
        verify(ask, login(ask), wrong(user_pool.code))

        assert user_pool.users[ADDRESS].verified == "false"

    def test_known_and_unknown_addresses_are_answered_alike(self, ask: Asker, user_pool: UserPool) -> None:
        new, known = ask.post("/login", {"email": ADDRESS}), ask.post("/login", {"email": ADDRESS})
        user_pool.users[ADDRESS].enabled = False
        switched_off = ask.post("/login", {"email": ADDRESS})

        assert {reply.status for reply in (new, known, switched_off)} == {200}
        assert new.json.keys() == known.json.keys() == switched_off.json.keys()
        ignored = {"ETag", "X-Correlation-Id"}
        assert new.headers.keys() - ignored == switched_off.headers.keys() - ignored

    def test_nothing_is_kept_by_anybody_on_the_way(self, ask: Asker, user_pool: UserPool) -> None:
        started = ask.post("/login", {"email": ADDRESS})
        refused = verify(ask, started.json["session"], wrong(user_pool.code))
        done = verify(ask, refused.json["session"], user_pool.code)
        renewed = ask.post("/refresh", {"refresh_token": done.json["refresh_token"]})
        ended = ask.post("/logout", {"refresh_token": done.json["refresh_token"]})

        replies = (started, refused, done, renewed, ended)
        assert [reply.status for reply in replies] == [200, 401, 200, 200, 204]
        assert {reply.headers["Cache-Control"] for reply in replies} == {"no-store"}


class TestGuessing:
    def test_a_wrong_code_gets_a_new_session_and_no_new_mail(self, ask: Asker, user_pool: UserPool) -> None:
        session = login(ask)
        refused = verify(ask, session, wrong(user_pool.code))

        assert refused.status == 401
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.json["type"] == "urn:watchkeeper:problem:wrong-code"
        assert refused.json["session"] != session
        assert len(user_pool.mails) == 1
        assert verify(ask, refused.json["session"], user_pool.code).status == 200

    def test_the_session_before_is_of_no_use(self, ask: Asker, user_pool: UserPool) -> None:
        session = login(ask)
        verify(ask, session, wrong(user_pool.code))

        reply = verify(ask, session, user_pool.code)

        assert (reply.status, reply.json["type"]) == (401, "urn:watchkeeper:problem:sign-in-ended")
        assert "session" not in reply.json

    def test_the_third_wrong_code_ends_it(self, ask: Asker, user_pool: UserPool) -> None:
        session = login(ask)
        told = []
        for _ in range(3):
            reply = verify(ask, session, wrong(user_pool.code))
            told.append(reply.json["type"].rpartition(":")[2])
            session = reply.json.get("session", session)

        assert told == ["wrong-code", "wrong-code", "sign-in-ended"]
        assert verify(ask, session, user_pool.code).status == 401

    def test_a_session_played_back_gets_no_more_tries(self, ask: Asker, user_pool: UserPool) -> None:
        session = login(ask)
        again = user_pool.copy_of(session)
        for _ in range(3):
            verify(ask, session, wrong(user_pool.code))
            again()

        assert verify(ask, session, user_pool.code).status == 401

    def test_a_code_is_used_once(self, ask: Asker, user_pool: UserPool) -> None:
        session = login(ask)
        again = user_pool.copy_of(session)
        assert verify(ask, session, user_pool.code).status == 200
        again()

        assert verify(ask, session, user_pool.code).status == 401

    def test_a_code_is_too_late_after_five_minutes(self, ask: Asker, user_pool: UserPool, time: Clock) -> None:
        session = login(ask)
        time.passes(minutes=5)

        assert verify(ask, session, user_pool.code).status == 401

    def test_another_persons_session_is_of_no_use(self, ask: Asker, user_pool: UserPool) -> None:
        session = login(ask)
        login(ask, "eve@example.org")

        reply = verify(ask, session, user_pool.code, "eve@example.org")

        assert (reply.status, reply.json["type"]) == (401, "urn:watchkeeper:problem:sign-in-ended")

    def test_sessions_of_nobody_and_unknown_people_are_told_the_same(self, ask: Asker) -> None:
        login(ask)

        known, unknown = verify(ask, JUNK, "012345"), verify(ask, JUNK, "012345", "nobody@example.org")

        assert (known.status, known.json) == (unknown.status, unknown.json)


class TestLimits:
    def test_an_address_gets_so_many_codes(self, ask: Asker, user_pool: UserPool, time: Clock) -> None:
        for _ in range(CODES_FOR_AN_ADDRESS.most):
            login(ask)

        reply = ask.post("/login", {"email": "ADA@example.org"})

        assert (reply.status, reply.headers["Retry-After"]) == (429, "900")
        assert len(user_pool.mails) == CODES_FOR_AN_ADDRESS.most
        time.passes(minutes=15)
        login(ask)

    def test_a_client_gets_so_many_whatever_the_addresses(self, ask: Asker, user_pool: UserPool) -> None:
        for number in range(CODES_FOR_A_CLIENT.most):
            login(ask, f"ada{number}@example.org")

        spoofed = {"X-Forwarded-For": "198.51.100.7", "Forwarded": "for=198.51.100.7"}
        reply = ask.post("/login", {"email": "another@example.org"}, spoofed)

        assert reply.status == 429
        assert "another@example.org" not in user_pool.users

    def test_a_client_tries_so_often(self, ask: Asker) -> None:
        replies = [verify(ask, JUNK, "012345").status for _ in range(TRIES_OF_A_CLIENT.most + 1)]

        assert (replies[-2], replies[-1]) == (401, 429)


class TestSessions:
    def test_a_refresh_token_gives_tokens_until_logging_out(self, ask: Asker, user_pool: UserPool) -> None:
        token = {"refresh_token": verify(ask, login(ask), user_pool.code).json["refresh_token"]}

        renewed = ask.post("/refresh", token)
        ended = ask.post("/logout", token)
        refused = ask.post("/refresh", token)

        tokens = {"access_token": "b", "id_token": "j", "expires_in": 3600, "token_type": "Bearer"}
        assert (renewed.status, renewed.json) == (200, tokens)
        assert (ended.status, ended.text) == (204, "")
        assert (refused.status, refused.json["type"]) == (401, "urn:watchkeeper:problem:token-refused")

    def test_logging_out_twice_is_no_error(self, ask: Asker) -> None:
        assert ask.post("/logout", {"refresh_token": JUNK}).status == 204

    def test_an_access_token_is_no_refresh_token(self, ask: Asker) -> None:
        reply = ask.post("/logout", {"refresh_token": "access-token-of-twenty"})

        assert (reply.status, reply.json["errors"][0]["parameter"]) == (422, "refresh_token")


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("/login", {}),
            ("/login", {"email": None}),
            ("/login", {"email": "ada"}),
            ("/login", {"email": "ada@example.org\r\nBcc: eve@example.org"}),
            ("/login", {"email": f"{'a' * 500}@example.org"}),
            ("/login", {"email": ADDRESS, "group": "Admin"}),
            ("/login", {"email": {"$ne": ""}}),
            ("/verify", {"email": ADDRESS, "session": JUNK}),
            ("/verify", {"email": ADDRESS, "session": JUNK, "code": 123456}),
            ("/verify", {"email": ADDRESS, "session": JUNK, "code": "12345"}),
            ("/verify", {"email": ADDRESS, "session": JUNK, "code": "1234567"}),
            ("/verify", {"email": ADDRESS, "session": JUNK, "code": "12345\n"}),
            ("/verify", {"email": ADDRESS, "session": JUNK, "code": "１２３４５６"}),
            ("/verify", {"email": ADDRESS, "session": "short", "code": "123456"}),
            ("/verify", {"email": ADDRESS, "session": "x" * 5000, "code": "123456"}),
            ("/verify", {"email": ADDRESS, "session": "\u0000" * 30, "code": "123456"}),
            ("/refresh", {"refresh_token": ""}),
            ("/refresh", {"refresh_token": "a b" * 20}),
            ("/logout", {"refresh_token": ["x" * 40]}),
            ("/logout", []),
            ("/logout", None),
        ],
    )
    def test_what_has_no_meaning_is_refused(self, ask: Asker, user_pool: UserPool, path: str, body: Any) -> None:
        reply = ask.post(path, json.dumps(body))

        assert reply.status == 422
        assert reply.json["type"] == "urn:watchkeeper:problem:invalid-parameter"
        assert "eve@" not in reply.text
        assert user_pool.mails == []

    @pytest.mark.parametrize("path", ["/login", "/verify", "/refresh", "/logout"])
    def test_these_routes_are_for_post(self, ask: Asker, path: str) -> None:
        reply = ask.get(path)

        assert (reply.status, reply.headers["Allow"]) == (405, "POST")

    @pytest.mark.parametrize(
        ("error", "status"),
        [("TooManyRequestsException", 503), ("InternalErrorException", 503), ("UnexpectedLambdaException", 503)],
    )
    def test_a_cognito_that_is_busy_or_away_is_worth_another_try(
        self, ask: Asker, user_pool: UserPool, error: str, status: int
    ) -> None:
        session = login(ask)
        user_pool.failing = error

        bodies = {
            "/login": {"email": ADDRESS},
            "/verify": {"email": ADDRESS, "session": session, "code": "012345"},
            "/refresh": {"refresh_token": JUNK},
            "/logout": {"refresh_token": JUNK},
        }
        for path, body in bodies.items():
            reply = ask.post(path, body)
            assert (reply.status, reply.headers["Retry-After"]) == (status, "2"), path

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        path=st.sampled_from(["/login", "/verify", "/refresh", "/logout"]),
        body=st.dictionaries(
            st.sampled_from(["email", "session", "code", "refresh_token", "x"]),
            st.text(max_size=60)
            | st.from_regex(r"[a-z]{1,9}@[a-z]{1,9}\.org", fullmatch=True)
            | st.none()
            | st.integers(),
            max_size=4,
        )
        | st.text(max_size=40)
        | st.lists(st.integers(), max_size=3),
    )
    def test_nothing_anybody_sends_is_a_failure_of_ours(self, ask: Asker, path: str, body: Any) -> None:
        text = json.dumps(body) if not isinstance(body, str) else body

        assert ask.post(path, text).status in (200, 204, 400, 401, 415, 422, 429)


def test_no_log_line_knows_who_signs_in_or_how(
    ask: Asker, user_pool: UserPool, capsys: pytest.CaptureFixture[str]
) -> None:
    session = login(ask)
    refused = verify(ask, session, wrong(user_pool.code))
    done = verify(ask, refused.json["session"], user_pool.code)
    ask.post("/login", {"email": "ada@"})
    user_pool.users[ADDRESS].enabled = False
    login(ask)

    written = "".join(capsys.readouterr())

    secret = [ADDRESS, "ada@", user_pool.code, session, refused.json["session"], done.json["refresh_token"]]
    assert written
    assert [word for word in secret if word in written] == []


class TestTellingOfRefusals:
    def test_each_refusal_is_told_by_its_reason_alone(self, ask: Asker, user_pool: UserPool, bus: Bus) -> None:
        session = login(ask)
        for _ in range(3):
            session = verify(ask, session, wrong(user_pool.code)).json.get("session", session)
        ask.post("/refresh", {"refresh_token": JUNK})

        told = bus.told()

        assert {one["type"] for one in told} == {"SignInFailed"}
        reasons = sorted(one["data"]["reason"] for one in told)
        assert reasons == ["sign-in-ended", "token-refused", "wrong-code", "wrong-code"]
        assert {tuple(one["data"]) for one in told} == {("reason",)}
        assert not [one for one in told if ADDRESS in json.dumps(one)]

    def test_every_refusal_is_told_whatever_the_caller_calls_it(self, ask: Asker, bus: Bus) -> None:
        for _ in range(2):
            ask.post("/refresh", {"refresh_token": JUNK}, {"X-Correlation-Id": "the-same"})

        assert len({one["id"] for one in bus.told()}) == 2

    def test_who_asks_too_often_does_not_make_the_system_talk(self, ask: Asker, bus: Bus) -> None:
        for _ in range(CODES_FOR_AN_ADDRESS.most + 2):
            ask.post("/login", {"email": ADDRESS})

        assert bus.told() == []

    def test_who_signs_in_is_not_told_of(self, ask: Asker, user_pool: UserPool, bus: Bus) -> None:
        verify(ask, login(ask), user_pool.code)
        ask.post("/login", {"email": "ada@"})

        assert bus.told() == []


@pytest.mark.parametrize("plan", [throttled, broken, denied, all_refused, garbage, timed_out, unreachable])
def test_a_bus_that_fails_neither_fails_a_refusal_nor_holds_it_up(
    faults: Faults, ask: Asker, user_pool: UserPool, plan: Plan
) -> None:
    """Asked for before what makes clients, the clock stands still but for who waits."""
    faults.budgets = (telling.BUDGET,)
    session, started = login(ask), faults.clock.now

    with faults.injected(plan, "events"):
        reply = verify(ask, session, wrong(user_pool.code))

    assert (reply.status, reply.json["type"]) == (401, "urn:watchkeeper:problem:wrong-code")
    assert faults.sends
    assert faults.clock.now - started <= telling.BUDGET.request_seconds + telling.BUDGET.call_seconds
