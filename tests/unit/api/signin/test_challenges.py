from __future__ import annotations

from typing import Any

import pytest

from api.people.signin.challenges import confirm, create, define, verify
from api.people.signin.mail import Mail

ADDRESS = "ada@example.org"


def rounds(*results: bool, name: str = "CUSTOM_CHALLENGE") -> list[dict[str, Any]]:
    return [{"challengeName": name, "challengeResult": one, "challengeMetadata": "challenge-1"} for one in results]


def event(**request: Any) -> dict[str, Any]:
    known = {"userAttributes": {"email": ADDRESS, "sub": "1"}, "session": [], "userNotFound": False}
    return {"userName": "1", "request": known | request, "response": {}}


class Desk:
    """Makes codes and mails them."""

    def __init__(self) -> None:
        self.issued: list[str] = []
        self.mails: list[tuple[str, Mail]] = []

    def create(self, asked: dict[str, Any]) -> Any:
        return create(asked, new_id=lambda: "challenge-1", issue=self._issue, send=self._send)["response"]

    def _issue(self, challenge: str) -> str:
        self.issued.append(challenge)
        return "012345"

    def _send(self, address: str, mail: Mail) -> None:
        self.mails.append((address, mail))


@pytest.fixture
def desk() -> Desk:
    return Desk()


class TestWhoSignsUp:
    def test_is_a_user_at_once_and_has_proven_nothing_yet(self) -> None:
        response = confirm({"triggerSource": "PreSignUp_SignUp", "request": {}})["response"]

        assert response == {"autoConfirmUser": True, "autoVerifyEmail": False, "autoVerifyPhone": False}

    @pytest.mark.parametrize("source", ["PreSignUp_AdminCreateUser", "PreSignUp_ExternalProvider", None])
    def test_is_confirmed_in_no_other_way(self, source: str | None) -> None:
        assert confirm({"triggerSource": source, "request": {}})["response"]["autoConfirmUser"] is False


class TestWhatComesNext:
    @pytest.mark.parametrize("answered", [[], rounds(False), rounds(False, False)])
    def test_a_code_is_wanted_at_first_and_after_two_wrong_ones(self, answered: list[dict[str, Any]]) -> None:
        response = define(event(session=answered))["response"]

        assert response == {"challengeName": "CUSTOM_CHALLENGE", "issueTokens": False, "failAuthentication": False}

    @pytest.mark.parametrize("answered", [rounds(True), rounds(False, True), rounds(False, False, True)])
    def test_tokens_follow_a_right_one(self, answered: list[dict[str, Any]]) -> None:
        response = define(event(session=answered))["response"]

        assert response == {"issueTokens": True, "failAuthentication": False}

    @pytest.mark.parametrize(
        "answered",
        [
            rounds(False, False, False),
            rounds(True, False, False),
            rounds(True, name="PASSWORD_VERIFIER"),
            rounds(True, name="SRP_A") + rounds(True),
        ],
        ids=["three wrong", "wrong after right", "another challenge", "after another challenge"],
    )
    def test_otherwise_it_ends(self, answered: list[dict[str, Any]]) -> None:
        assert define(event(session=answered))["response"] == {"issueTokens": False, "failAuthentication": True}

    def test_an_unknown_user_gets_no_tokens_whatever_was_answered(self) -> None:
        assert define(event(session=rounds(True), userNotFound=True))["response"]["issueTokens"] is False


class TestTheCode:
    def test_is_mailed_once_and_named_to_nobody(self, desk: Desk) -> None:
        response = desk.create(event())

        ((address, mail),) = desk.mails
        assert address == ADDRESS
        assert "012345" in mail.subject
        assert "012345" not in str(response)
        assert response["privateChallengeParameters"] == {"challenge": "challenge-1"}
        assert desk.issued == ["challenge-1"]

    def test_stays_the_same_after_a_wrong_answer(self, desk: Desk) -> None:
        response = desk.create(event(session=rounds(False)))

        assert response["privateChallengeParameters"] == {"challenge": "challenge-1"}
        assert response["challengeMetadata"] == "challenge-1"
        assert (desk.issued, desk.mails) == ([], [])

    @pytest.mark.parametrize("unknown", [{"userNotFound": True}, {"userAttributes": {}}], ids=["unknown", "no address"])
    def test_is_not_made_for_nobody_who_is_answered_alike(self, desk: Desk, unknown: dict[str, Any]) -> None:
        response = desk.create(event(**unknown))

        assert (desk.issued, desk.mails) == ([], [])
        assert response == Desk().create(event())


class TestAnAnswer:
    @staticmethod
    def answered(redeemed: list[tuple[str, str]], right: bool = True, **request: Any) -> bool:
        def redeem(challenge: str, answer: str) -> bool:
            redeemed.append((challenge, answer))
            return right

        told = verify(event(**request), redeem=redeem)["response"]
        assert list(told) == ["answerCorrect"]
        return bool(told["answerCorrect"])

    @pytest.mark.parametrize("right", [True, False])
    def test_is_held_against_its_own_challenge(self, right: bool) -> None:
        redeemed: list[tuple[str, str]] = []

        private = {"challenge": "challenge-1"}
        assert self.answered(redeemed, right, privateChallengeParameters=private, challengeAnswer="012345") is right
        assert redeemed == [("challenge-1", "012345")]

    @pytest.mark.parametrize(
        "request_of",
        [
            {"privateChallengeParameters": {"challenge": "challenge-1"}, "userNotFound": True},
            {"privateChallengeParameters": {}},
            {"privateChallengeParameters": None},
        ],
    )
    def test_of_nobody_is_wrong(self, request_of: dict[str, Any]) -> None:
        redeemed: list[tuple[str, str]] = []

        assert self.answered(redeemed, challengeAnswer="012345", **request_of) is False
        assert redeemed == []
