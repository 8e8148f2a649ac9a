"""Signing in to the local cloud as a person does, and managing people's groups as an operator."""

from typing import Any

import requests
from botocore.exceptions import ClientError

from local import mail, plans
from local.cloud import LocalCloud
from local.stages import Stage, StageRefused, asking

GROUPS = ("Admin", "Developer", "Viewer")
"""As in services/api/resources/auth.yml."""
SECONDS = 30
POOL = "UserPoolId"


class SignInRefused(Exception):
    """The API refused a sign-in; it says why."""


class UnknownUser(Exception):
    """Nobody has signed in with that address."""


def access_token(cloud: LocalCloud, email: str) -> str:
    """Have a code mailed, read the mail, and answer with the code. Raises `SignInRefused` and `NoMail`."""
    before = {one.id for one in mail.sent(cloud)}
    started = _ask(cloud, "login", {"email": email})
    code = _code_for(cloud, email, before)
    tokens = _ask(cloud, "verify", {"email": email, "session": started["session"], "code": code})
    return str(tokens["access_token"])


def grant(stage: Stage, email: str, group: str) -> None:
    """Add a user to a group; tokens issued from now on have it. Raises `UnknownUser` and `StageRefused`."""
    _change(stage, email, group, "admin_add_user_to_group")


def revoke(stage: Stage, email: str, group: str) -> None:
    """Remove a user from a group. Existing tokens keep it until they expire, after an hour at most."""
    _change(stage, email, group, "admin_remove_user_from_group")


def _change(stage: Stage, email: str, group: str, operation: str) -> None:
    with asking(stage):
        change = getattr(stage.client("cognito-idp"), operation)
        try:
            change(UserPoolId=pool_of(stage), Username=email.strip().lower(), GroupName=group)
        except ClientError as error:
            if error.response["Error"]["Code"] != "UserNotFoundException":
                raise
            unknown = f"Nobody signed in to {stage.stage} with {email} yet: a first login makes the user."
            raise UnknownUser(unknown) from error


def pool_of(stage: Stage) -> str:
    """The user pool's id. Raises `StageRefused`."""
    stack = plans.describe(stage, stage.name("api"))
    outputs = {output["OutputKey"]: output["OutputValue"] for output in (stack or {}).get("Outputs", [])}
    if POOL not in outputs:
        raise StageRefused(f"Stage {stage.stage} has no user pool. Is it deployed? make deploy STAGE={stage.stage}")
    return str(outputs[POOL])


def _code_for(cloud: LocalCloud, email: str, before: set[str]) -> str:
    new = [one for one in mail.sent(cloud) if one.id not in before and email.strip().lower() in one.to]
    if not new or not new[-1].code:
        raise mail.NoMail(f"No code was mailed to {email}. Why: make logs FUNCTION=create-auth-challenge")
    return new[-1].code


def _ask(cloud: LocalCloud, step: str, body: dict[str, str]) -> dict[str, Any]:
    try:
        answer = requests.post(f"{cloud.api_url}/api/v1/auth/{step}", json=body, timeout=SECONDS)
        told: dict[str, Any] = answer.json()
    except requests.RequestException as error:
        raise SignInRefused(f"The API does not answer: {error}") from error
    if answer.status_code != 200:
        again = answer.headers.get("Retry-After")
        reasons = [f"{one['parameter']}: {one['detail']}" for one in told.get("errors", [])]
        details = [str(told.get("detail", answer.reason)), *reasons, *([f"Again in {again} s."] if again else [])]
        raise SignInRefused(f"The API answers {answer.status_code}: {' '.join(details)}")
    return told
