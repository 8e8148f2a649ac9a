"""Mails, logins and roles by command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
from click.testing import CliRunner, Result

from local.cli import cli
from local.cloud import LocalCloud
from local.stages import AwsStage
from tests.unit.local.ports import six_free_ports
from tests.unit.local.stand_ins import NO_STACK, Client, refusal

ADDRESS = "ada@example.org"
STACK = {"StackStatus": "CREATE_COMPLETE", "Outputs": [{"OutputKey": "UserPoolId", "OutputValue": "pool-1"}]}


def mailed(number: int, to: str = ADDRESS, subject: str = "") -> dict[str, Any]:
    """As MiniStack tells of it."""
    return {
        "MessageId": str(number),
        "Timestamp": float(number),
        "To": [to],
        "Subject": subject or f"{number:06} is your Watchkeeper code",
        "BodyText": f"Your code is\n\n    {number:06}\n",
    }


class Run:
    """Commands where a cloud runs, whose answers a test says."""

    def __init__(self, state: Path, http: responses.RequestsMock) -> None:
        self.port = six_free_ports()
        self.http = http
        self.url = f"http://127.0.0.1:{self.port}"
        self._state = state

    def __call__(self, *arguments: str) -> Result:
        result = CliRunner().invoke(cli, ["--port", str(self.port), "--state", str(self._state), *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    def has_mails(self, *mails: dict[str, Any]) -> None:
        self.http.get(f"{self.url}/_ministack/ses/messages", json={"messages": {"000000000000": list(mails)}})

    def answers(self, step: str, body: Any, status: int = 200, **more: Any) -> None:
        self.http.post(f"{self.url}/_aws/execute-api/api-1/api/v1/auth/{step}", json=body, status=status, **more)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.setattr(LocalCloud, "is_running", True)
    monkeypatch.setattr(LocalCloud, "outputs", lambda *_: {"ApiId": "api-1"})
    with responses.RequestsMock() as http:
        yield Run(tmp_path / "state", http)


class TestMail:
    def test_the_last_one_is_shown(self, run: Run) -> None:
        run.has_mails(mailed(2), mailed(1, "eve@example.org"))

        result = run("mail")

        assert result.exit_code == 0
        assert result.output.startswith(f"To: {ADDRESS}\nSubject: 000002 is your Watchkeeper code\n\nYour code is")

    def test_it_is_said_when_there_is_none(self, run: Run) -> None:
        run.http.get(f"{run.url}/_ministack/ses/messages", json={"messages": {}})

        result = run("mail")

        assert result.exit_code == 1
        assert result.output.startswith("Error: No mail was sent yet.")


class TestLogin:
    def test_the_access_token_is_printed_and_nothing_else(self, run: Run) -> None:
        run.has_mails(mailed(1))
        run.answers("login", {"session": "s-1", "expires_in": 300})
        run.has_mails(mailed(1), mailed(2), mailed(3, "eve@example.org"))
        matching = responses.matchers.json_params_matcher({"email": ADDRESS, "session": "s-1", "code": "000002"})
        run.answers("verify", {"access_token": "token-1", "id_token": "i"}, match=[matching])

        result = run("login", ADDRESS)

        assert (result.exit_code, result.output) == (0, "token-1\n")

    def test_another_stages_token_is_not_taken_for_one_of_this(self, run: Run) -> None:
        result = run("login", ADDRESS, "--stage", "dev")

        assert result.exit_code == 1
        assert "This is for the local cloud" in result.output

    def test_a_mail_that_was_there_before_is_not_taken(self, run: Run) -> None:
        run.has_mails(mailed(1))
        run.answers("login", {"session": "s-1", "expires_in": 300})

        result = run("login", ADDRESS)

        assert result.exit_code == 1
        assert f"No code was mailed to {ADDRESS}" in result.output
        assert "make logs" in result.output

    def test_a_refusal_says_why_and_when_to_come_again(self, run: Run) -> None:
        run.has_mails()
        run.answers("login", {"detail": "Too often."}, status=429, headers={"Retry-After": "60"})

        result = run("login", ADDRESS)

        assert (result.exit_code, result.output) == (1, "Error: The API answers 429: Too often. Again in 60 s.\n")

    def test_what_is_wrong_with_an_address_is_said(self, run: Run) -> None:
        run.has_mails()
        errors = [{"parameter": "email", "detail": "is no address"}]
        run.answers("login", {"detail": "A parameter was refused.", "errors": errors}, status=422)

        assert "422: A parameter was refused. email: is no address" in run("login", "ada").output

    def test_an_api_that_says_something_else_is_no_traceback(self, run: Run) -> None:
        run.has_mails()
        run.http.post(f"{run.url}/_aws/execute-api/api-1/api/v1/auth/login", body="<html>", status=502)

        assert run("login", ADDRESS).output.startswith("Error: The API does not answer")


class TestGrant:
    @pytest.fixture
    def pool(self, monkeypatch: pytest.MonkeyPatch) -> Client:
        pool = Client({"admin_add_user_to_group": {}, "admin_remove_user_from_group": {}})
        self.clients = {"cognito-idp": pool, "cloudformation": Client({"describe_stacks": {"Stacks": [STACK]}})}
        for stage in (LocalCloud, AwsStage):
            monkeypatch.setattr(stage, "client", lambda _, service: self.clients[service])
        return pool

    @pytest.mark.parametrize("stage", ["local", "prod"])
    def test_a_role_is_given(self, run: Run, pool: Client, stage: str) -> None:
        result = run("grant", "Ada@example.org ", "--group", "Admin", "--stage", stage)

        assert result.exit_code == 0
        assert pool.asked == [
            ("admin_add_user_to_group", {"UserPoolId": "pool-1", "Username": ADDRESS, "GroupName": "Admin"})
        ]

    def test_a_role_is_taken_away(self, run: Run, pool: Client) -> None:
        result = run("grant", ADDRESS, "--group", "Viewer", "--revoke")

        assert "no longer Viewer" in result.output
        assert [operation for operation, _ in pool.asked] == ["admin_remove_user_from_group"]

    def test_who_never_signed_in_is_told_of(self, run: Run, pool: Client) -> None:
        pool.answers = {"admin_add_user_to_group": refusal("UserNotFoundException")}

        result = run("grant", ADDRESS, "--group", "Admin")

        assert result.exit_code == 1
        assert f"Nobody signed in to local with {ADDRESS} yet" in result.output

    def test_an_operator_who_may_not_is_told(self, run: Run, pool: Client) -> None:
        pool.answers = {"admin_add_user_to_group": refusal("AccessDeniedException", "not allowed")}

        assert "refuses: not allowed" in run("grant", ADDRESS, "--group", "Admin", "--stage", "prod").output

    def test_a_stage_that_is_not_there_is_told(self, run: Run, pool: Client) -> None:
        self.clients["cloudformation"] = Client({"describe_stacks": NO_STACK})

        assert "make deploy STAGE=dev" in run("grant", ADDRESS, "--group", "Admin", "--stage", "dev").output

    def test_there_are_three_roles(self, run: Run, pool: Client) -> None:
        result = run("grant", ADDRESS, "--group", "Root")

        assert result.exit_code == 2
        assert "'Admin', 'Developer', 'Viewer'" in result.output
        assert pool.asked == []
