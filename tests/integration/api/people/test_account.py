"""`/me`: who one is, and leaving."""

import json
from pathlib import Path

import pytest
import yaml

from api.people import account
from api.people.erasures import HEAD_START_SECONDS
from api.web.routing import ALWAYS_ASK
from tests.integration.api.asking import OTHER, Asker
from tests.integration.api.people.conftest import EMAIL, Pool, sent
from tests.integration.faults import Faults, broken, denied, first
from tests.integration.tables import table_name
from watchkeeper.clock import from_iso
from watchkeeper.people.accounts import AccountRepository

WHEN = from_iso("2026-07-01T12:00:00Z")


def test_a_person_reads_who_they_are(me: Asker, user: str) -> None:
    answer = Asker(me.handler, me.prefix, user, ("Viewer", "Admin")).get("")

    assert answer.status == 200
    assert answer.json == {
        "id": user,
        "email": EMAIL,
        "email_verified": True,
        "groups": ["Admin", "Viewer"],
        "created_at": "2026-01-01T00:00:00Z",
        "deletion": None,
    }
    assert answer.headers["Cache-Control"] == ALWAYS_ASK


def test_nobody_is_nobody(me: Asker) -> None:
    assert me.as_("").get("").status == 401
    assert me.as_("").delete("").status == 401


def test_who_leaves_is_told_that_it_is_being_done(me: Asker, user: str) -> None:
    answer = me.delete("")

    assert answer.status == 202
    assert answer.json["status"] == "deleting"
    assert answer.json["finished_at"] is None
    assert me.get("").json["deletion"] == answer.json
    [message] = sent()
    assert json.loads(message["body"]) == {"task": "person", "user": user}
    assert message["delay"] == HEAD_START_SECONDS


def test_leaving_twice_hands_the_work_out_again_and_keeps_when_it_began(
    me: Asker, user: str, accounts: AccountRepository
) -> None:
    accounts.request_deletion(user, WHEN)

    again = me.delete("")

    assert again.status == 202
    assert from_iso(again.json["requested_at"]) == WHEN
    assert len(sent()) == 1


def test_a_deletion_whose_message_was_not_sent_is_none(me: Asker, user: str, faults: Faults) -> None:
    with faults.injected(first(1, denied), "sqs"):
        assert me.delete("").status == 500
    assert me.get("").json["deletion"] is None
    assert me.delete("").status == 202

    assert [json.loads(one["body"]) for one in sent()] == [{"task": "person", "user": user}]


def test_a_message_goes_ahead_of_what_it_is_about(me: Asker, user: str, faults: Faults) -> None:
    """One that nothing follows does no harm: whoever is not marked is not erased."""
    with faults.injected(denied, "dynamodb", "PutItem"):
        assert me.delete("").status == 500

    assert me.get("").json["deletion"] is None
    assert [json.loads(one["body"]) for one in sent()] == [{"task": "person", "user": user}]


def test_no_request_takes_as_long_as_erasing_waits() -> None:
    functions = yaml.safe_load((Path(account.__file__).parents[2] / "functions.yml").read_text())
    senders = {
        name: function["timeout"]
        for name, function in functions.items()
        if "ERASURES_QUEUE_URL" in function.get("environment", {}) and name != "erase"
    }

    assert senders.keys() == {"people", "ferments"}
    assert max(senders.values()) < HEAD_START_SECONDS


def test_who_left_is_told_so_as_long_as_their_token_holds(
    me: Asker, user: str, pool: Pool, accounts: AccountRepository
) -> None:
    accounts.request_deletion(user, WHEN)
    accounts.finish_deletion(user, WHEN)
    pool.users.clear()

    read, left = me.get(""), me.delete("")

    assert (read.status, left.status) == (200, 200)
    assert (read.json["email"], read.json["email_verified"], read.json["created_at"]) == (None, None, None)
    assert (
        read.json["deletion"]
        == left.json
        == {
            "status": "deleted",
            "requested_at": "2026-07-01T12:00:00Z",
            "finished_at": "2026-07-01T12:00:00Z",
        }
    )
    assert sent() == []


ROUTES = [
    ("POST", "/devices", {"token": "ExpoPushToken[a]", "platform": "ios"}),
    ("GET", "/devices", None),
    ("DELETE", "/devices/abc", None),
    ("GET", "/reminders", None),
    ("GET", "/reminders/abc", None),
    ("POST", "/reminders/abc/cancel", None),
    ("POST", "/reminders/abc/snooze", {"minutes": 5}),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES, ids=[f"{method} {path}" for method, path, _ in ROUTES])
def test_who_leaves_is_answered_nothing_else(
    me: Asker, user: str, accounts: AccountRepository, method: str, path: str, body: object
) -> None:
    accounts.request_deletion(user, WHEN)

    assert me(method, path, body).status == 410
    assert me.as_(OTHER)(method, path, body).status != 410


@pytest.mark.parametrize(("method", "path", "body"), ROUTES, ids=[f"{method} {path}" for method, path, _ in ROUTES])
def test_nothing_is_answered_without_a_token(me: Asker, method: str, path: str, body: object) -> None:
    assert me.as_("")(method, path, body).status == 401


def test_a_user_pool_that_fails_is_no_account_that_is_gone(me: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USER_POOL_ID", "us-east-1_nobody")
    from api.people.container import container

    container.cache_clear()

    assert me.get("").status == 500


def test_a_busy_table_is_no_account_that_stays(me: Asker, faults: Faults) -> None:
    with faults.injected(broken, "dynamodb"):
        assert me.get("").status == 503


def test_an_unknown_path_is_not_found(me: Asker) -> None:
    assert me.get("/nothing").status == 404
    assert me("PUT", "").status == 405
    assert table_name("people") not in me.get("/nothing").text
