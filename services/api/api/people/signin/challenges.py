"""Cognito's triggers: each function takes the event and returns it with its response filled in.

A sign-in is a list of at most three rounds. Each round's ``challengeMetadata`` names the challenge, so that a wrong
answer leads to the same code again, without another mail. AWS calls the triggers for unknown users, too, with
``userNotFound``: they go through the same rounds, but no answer is right.
"""

from collections.abc import Callable
from typing import Any

from api.people.signin.mail import Mail, mail_with
from api.people.signin.ports import SESSION_SECONDS, TRIES
from watchkeeper.logs import logger

Event = dict[str, Any]

_CUSTOM = "CUSTOM_CHALLENGE"
_SIGN_UP = "PreSignUp_SignUp"


def confirm(event: Event) -> Event:
    """PreSignUp: whoever requests a code becomes a user at once, with an address that is not verified yet."""
    event["response"] = {
        "autoConfirmUser": event.get("triggerSource") == _SIGN_UP,
        "autoVerifyEmail": False,
        "autoVerifyPhone": False,
    }
    return event


def define(event: Event) -> Event:
    """DefineAuthChallenge: tokens for a right answer, another round for a wrong one, no more after three."""
    request = event["request"]
    rounds = request.get("session") or []
    foreign = any(one.get("challengeName") != _CUSTOM for one in rounds)
    right = bool(rounds) and rounds[-1].get("challengeResult") is True and not request.get("userNotFound")
    tokens = right and not foreign
    failed = foreign or (not tokens and len(rounds) >= TRIES)
    event["response"] = {"issueTokens": tokens, "failAuthentication": failed}
    if not tokens and not failed:
        event["response"]["challengeName"] = _CUSTOM
    return event


def create(
    event: Event, *, new_id: Callable[[], str], issue: Callable[[str], str], send: Callable[[str, Mail], None]
) -> Event:
    """CreateAuthChallenge: the first round creates a code and mails it, the others ask for it again."""
    request = event["request"]
    challenge = _challenge_of(request) or new_id()
    address = request.get("userAttributes", {}).get("email")
    if not request.get("session") and address and not request.get("userNotFound"):
        send(address, mail_with(issue(challenge), SESSION_SECONDS // 60))
        logger.info("a code was mailed")
    event["response"] = {
        "publicChallengeParameters": {"medium": "email"},
        "privateChallengeParameters": {"challenge": challenge},
        "challengeMetadata": challenge,
    }
    return event


def verify(event: Event, *, redeem: Callable[[str, str], bool]) -> Event:
    """VerifyAuthChallengeResponse."""
    request = event["request"]
    challenge = (request.get("privateChallengeParameters") or {}).get("challenge")
    answer = str(request.get("challengeAnswer") or "")
    known = challenge is not None and not request.get("userNotFound")
    right = known and redeem(str(challenge), answer)
    logger.info("a code was tried", extra={"right": right})
    event["response"] = {"answerCorrect": right}
    return event


def _challenge_of(request: Event) -> str | None:
    """The challenge of the previous rounds; ``None`` in the first one."""
    rounds = request.get("session") or []
    return str(rounds[-1].get("challengeMetadata") or "") if rounds else None
