"""Rules, alerts and security events: what people decide about them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from api.observability import rendering
from api.observability.commands import deciding
from tests.integration.api.asking import Asker
from tests.integration.api.observability.conftest import NOON, Store
from tests.integration.faults import Faults, throttled
from watchkeeper.eventsourcing.repository import EventSourcedRepository
from watchkeeper.eventsourcing.store import KEYS, ConcurrencyConflict

RULE = {"name": "slow", "metric": "latency", "comparison": "gt", "threshold": 2.5}
INCIDENT = {"kind": "leak", "severity": "high", "summary": "A key was found in a log", "source": "a colleague"}
KEY = {"Idempotency-Key": "one"}


def types(store: Store) -> list[str]:
    return [event.type for event in store.events()]


@pytest.fixture
def rule(admin: Asker) -> str:
    """The id of a rule."""
    return str(admin.post("/alert-rules", RULE).json["id"])


@pytest.fixture
def alert(admin: Asker, rule: str, store: Store) -> str:
    """The id of an open alert."""
    admin.post("/metrics", {"name": "latency", "value": 3})
    store.evaluate()
    store.project()
    (found,) = admin.get("/alerts").json["items"]
    return str(found["id"])


@pytest.fixture
def incident(admin: Asker) -> str:
    """The id of a security event."""
    return str(admin.post("/security-events", INCIDENT).json["id"])


class TestRules:
    def test_a_rule_is_defined_and_can_be_read_where_it_says(self, admin: Asker, store: Store) -> None:
        body = {**RULE, "dimensions": {"app": "a"}, "clear_threshold": "2.0", "breaches": 3, "cooldown_seconds": 60}

        reply = admin.post("/alert-rules", {**body, "severity": "critical"})

        made = reply.json
        assert (reply.status, reply.headers["ETag"]) == (201, '"1"')
        assert reply.headers["Location"] == f"alert-rules/{made['id']}"
        assert (made["threshold"], made["clear_threshold"], made["severity"]) == ("2.5", "2", "critical")
        assert made["defined_at"] == "2026-11-20T12:00:00Z"
        store.project()
        assert admin.get(f"/alert-rules/{made['id']}").json == made

    def test_what_is_not_said_is_the_usual(self, admin: Asker) -> None:
        made = admin.post("/alert-rules", RULE).json

        assert (made["clear_threshold"], made["breaches"], made["cooldown_seconds"]) == ("2.5", 1, 0)
        assert (made["severity"], made["dimensions"], made["retired_at"]) == ("warning", {}, None)

    def test_there_are_only_so_many_at_a_time(
        self, admin: Asker, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(deciding, "MAX_ACTIVE_RULES", 2)
        first, _ = (admin.post("/alert-rules", RULE, KEY | {"Idempotency-Key": key}) for key in "ab")
        store.project()

        refused = admin.post("/alert-rules", RULE)
        assert (refused.status, types(store).count("AlertRuleDefined")) == (409, 2)
        assert refused.json["detail"] == "There are already 2 active rules: retire one that is not needed."

        admin.post(f"/alert-rules/{first.json['id']}/retire")
        store.project()
        assert admin.post("/alert-rules", RULE).status == 201

    def test_one_that_was_defined_is_no_more_refused_when_its_request_comes_again(
        self, admin: Asker, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(deciding, "MAX_ACTIVE_RULES", 1)
        with monkeypatch.context() as patched:
            patched.setattr(rendering, "alert_rule", lambda *_: 1 / 0)
            assert admin.post("/alert-rules", RULE, KEY).status == 500
        store.project()

        assert admin.post("/alert-rules", RULE, KEY).status == 201
        assert types(store).count("AlertRuleDefined") == 1

    @pytest.mark.parametrize(
        ("change", "member"),
        [
            ({"name": " "}, "name"),
            ({"name": "x" * 101}, "name"),
            ({"metric": "9"}, "metric"),
            ({"comparison": "eq"}, "comparison"),
            ({"threshold": "x"}, "threshold"),
            ({"breaches": 21}, "breaches"),
            ({"breaches": "1"}, "breaches"),
            ({"cooldown_seconds": -1}, "cooldown_seconds"),
            ({"severity": "high"}, "severity"),
            ({"id": "mine"}, "id"),
            ({"clear_threshold": 3}, ""),
            ({"comparison": "lt", "clear_threshold": 1}, ""),
        ],
    )
    def test_what_makes_no_rule_is_refused(
        self, admin: Asker, store: Store, change: dict[str, Any], member: str
    ) -> None:
        reply = admin.post("/alert-rules", RULE | change)

        assert reply.status == 422
        assert [error["parameter"] for error in reply.json["errors"]] == [member]
        assert store.events() == []

    def test_a_killed_request_that_is_repeated_defines_one(
        self, admin: Asker, store: Store, time: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        killed(monkeypatch, lambda: admin.post("/alert-rules", RULE, KEY))
        time.shift(timedelta(seconds=9))

        reply = admin.post("/alert-rules", RULE, KEY)

        assert (reply.status, reply.json["defined_at"]) == (201, "2026-11-20T12:00:00Z")
        assert types(store) == ["AlertRuleDefined"]

    def test_a_rule_is_retired_once(self, admin: Asker, rule: str, store: Store) -> None:
        replies = [admin.post(f"/alert-rules/{rule}/retire") for _ in range(2)]

        for reply in replies:
            assert (reply.status, reply.json["retired_at"], reply.json["version"]) == (200, "2026-11-20T12:00:00Z", 2)
        assert types(store).count("AlertRuleRetired") == 1

    def test_a_version_that_is_not_current_is_not_retired(self, admin: Asker, rule: str) -> None:
        path = f"/alert-rules/{rule}/retire"

        assert admin.post(path, headers={"If-Match": '"7"'}).status == 412
        assert admin.post(path, headers={"If-Match": '"1"'}).status == 200


class TestAlerts:
    def test_somebody_takes_it_on_and_somebody_resolves_it(
        self, admin: Asker, developer: Asker, alert: str, store: Store
    ) -> None:
        taken = developer.post(f"/alerts/{alert}/acknowledge", {"note": " I look "})
        resolved = admin.post(f"/alerts/{alert}/resolve", {"reason": "restarted"})

        assert (taken.status, taken.json["state"], taken.json["note"]) == (200, "acknowledged", "I look")
        assert (taken.json["acknowledged_by"], taken.json["acknowledged_at"]) == ("dev", "2026-11-20T12:00:00Z")
        assert taken.headers["ETag"] == f'"{taken.json["version"]}"'
        assert (resolved.json["state"], resolved.json["reason"]) == ("resolved", "restarted")
        assert resolved.json["version"] == taken.json["version"] + 1
        store.project()
        assert admin.get(f"/alerts/{alert}").json == resolved.json

    def test_a_note_is_not_needed(self, developer: Asker, alert: str) -> None:
        reply = developer.post(f"/alerts/{alert}/acknowledge")

        assert (reply.status, reply.json["note"]) == (200, None)

    def test_who_comes_second_is_told(self, admin: Asker, developer: Asker, alert: str) -> None:
        developer.post(f"/alerts/{alert}/acknowledge")

        reply = admin.post(f"/alerts/{alert}/acknowledge")

        assert reply.status == 409
        assert reply.json["detail"] == "Somebody else has acknowledged the alert."

    def test_what_is_resolved_cannot_be_resolved_again(self, admin: Asker, alert: str) -> None:
        path, body = f"/alerts/{alert}/resolve", {"reason": "done"}
        assert admin.post(path, body).status == 200

        reply = admin.post(path, body)

        assert (reply.status, reply.json["type"]) == (409, "urn:watchkeeper:problem:conflict")
        assert "resolved" in reply.json["detail"]

    def test_but_the_same_request_is_answered_alike(self, admin: Asker, alert: str, store: Store) -> None:
        path, body = f"/alerts/{alert}/resolve", {"reason": "done"}

        first, second = (admin.post(path, body, KEY) for _ in range(2))

        assert (second.status, second.json, second.headers["ETag"]) == (200, first.json, first.headers["ETag"])
        assert types(store).count("AlertResolved") == 1

    def test_a_killed_request_that_is_repeated_resolves_it_once(
        self, admin: Asker, alert: str, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path, body = f"/alerts/{alert}/resolve", {"reason": "done"}
        killed(monkeypatch, lambda: admin.post(path, body, KEY))

        assert admin.post(path, body, KEY).json["state"] == "resolved"
        assert types(store).count("AlertResolved") == 1

    def test_a_key_is_not_another_request_s_although_there_is_no_answer_yet(
        self, admin: Asker, alert: str, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        killed(monkeypatch, lambda: admin.post(f"/alerts/{alert}/acknowledge", headers=KEY))

        reply = admin.post(f"/alerts/{alert}/resolve", {"reason": "done"}, KEY)

        assert (reply.status, reply.json["type"].rpartition(":")[2]) == (422, "idempotency-key-reused")
        assert "AlertResolved" not in types(store)

    def test_one_whose_history_cannot_be_read_is_our_own_fault(
        self, admin: Asker, alert: str, store: Store, caplog: pytest.LogCaptureFixture
    ) -> None:
        (raised,) = [item for item in store.table.scan() if item.get("eventType") == "AlertRaised"]
        store.table.put({**raised, "eventType": "AlertForgotten"}, keys=KEYS)

        reply = admin.post(f"/alerts/{alert}/acknowledge")

        assert (reply.status, reply.json["type"]) == (500, "urn:watchkeeper:problem:internal-error")
        assert "cannot be read" not in reply.text
        assert "cannot be read: Alert knows no AlertForgotten" in caplog.text

    @pytest.mark.parametrize("body", [None, {}, {"reason": " "}, {"reason": "x" * 501}, {"reason": "x", "by": "me"}])
    def test_a_resolution_has_a_reason(self, admin: Asker, alert: str, body: Any) -> None:
        assert admin.post(f"/alerts/{alert}/resolve", body).status == 422

    @pytest.mark.parametrize("action", ["acknowledge", "resolve"])
    def test_what_is_not_there_is_not_found(self, admin: Asker, store: Store, action: str) -> None:
        reply = admin.post(
            f"/alerts/0123456789ab.0123456789ab/{action}", {"reason": "x"} if action == "resolve" else None
        )

        assert (reply.status, store.events()) == (404, [])

    def test_who_is_outrun_all_the_time_is_told_to_try_again(
        self, admin: Asker, alert: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def outrun(*_: object, **__: object) -> None:
            raise ConcurrencyConflict("alert", expected=1, current=2)

        monkeypatch.setattr(EventSourcedRepository, "execute", outrun)
        monkeypatch.setattr("api.web.routing._PATIENCE_SECONDS", 0)
        reply = admin.post(f"/alerts/{alert}/acknowledge")

        assert (reply.status, reply.headers["Retry-After"]) == (409, "2")

    def test_a_busy_store_is_a_reason_to_come_back(self, admin: Asker, faults: Faults, store: Store) -> None:
        with faults.injected(throttled):
            reply = admin.post("/alert-rules", RULE)

        assert (reply.status, reply.headers["Retry-After"], store.events()) == (503, "2", [])


class TestSecurityEvents:
    def test_one_is_told_of_looked_at_and_closed(self, admin: Asker, store: Store) -> None:
        made = admin.post("/security-events", INCIDENT)
        path = f"/security-events/{made.json['id']}"
        triaged = admin.post(f"{path}/triage", {"note": "It is old"})
        closed = admin.post(f"{path}/close", {"resolution": "The key is another now"})

        assert (made.status, made.headers["Location"]) == (201, path[1:])
        assert made.json["id"].startswith("20261120T120000Z-")
        assert (made.json["state"], made.json["count"], made.json["version"]) == ("detected", 1, 1)
        assert (triaged.json["state"], triaged.json["note"], triaged.json["triaged_by"]) == (
            "triaged",
            "It is old",
            admin.user,
        )
        assert (closed.json["state"], closed.json["resolution"]) == ("closed", "The key is another now")
        store.project()
        assert admin.get(path).json == closed.json

    def test_a_killed_request_that_is_repeated_later_tells_of_one(
        self, admin: Asker, store: Store, time: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        killed(monkeypatch, lambda: admin.post("/security-events", INCIDENT, KEY))
        time.shift(timedelta(seconds=9))

        reply = admin.post("/security-events", INCIDENT, KEY)

        assert (reply.status, reply.json["detected_at"]) == (201, "2026-11-20T12:00:00Z")
        assert types(store) == ["SecurityEventDetected"]

    def test_a_key_is_good_for_another_one_after_a_day(
        self, admin: Asker, store: Store, time: time_machine.Traveller
    ) -> None:
        admin.post("/security-events", INCIDENT, KEY)
        time.shift(timedelta(hours=25))

        assert admin.post("/security-events", INCIDENT, KEY).json["detected_at"] == "2026-11-21T13:00:00Z"
        assert len(store.events()) == 2

    def test_two_alike_without_a_key_are_two(self, admin: Asker, store: Store) -> None:
        for _ in range(2):
            admin.post("/security-events", INCIDENT)

        assert len({event.aggregate_id for event in store.events()}) == 2

    def test_what_was_looked_at_is_not_looked_at_again(self, admin: Asker, incident: str) -> None:
        path = f"/security-events/{incident}"
        assert [admin.post(f"{path}/triage").status for _ in range(2)] == [200, 409]
        assert [admin.post(f"{path}/close", {"resolution": "x"}).status for _ in range(2)] == [200, 409]
        assert admin.post(f"{path}/triage").status == 409

    @pytest.mark.parametrize(
        "change", [{"kind": "a b"}, {"severity": "info"}, {"summary": ""}, {"source": "a\nb"}, {"count": 5}]
    )
    def test_what_is_none_is_refused(self, admin: Asker, store: Store, change: dict[str, Any]) -> None:
        assert admin.post("/security-events", INCIDENT | change).status == 422
        assert store.events() == []

    @pytest.mark.parametrize("action", ["triage", "close"])
    def test_what_is_not_there_is_not_found(self, admin: Asker, action: str) -> None:
        body = {"resolution": "x"} if action == "close" else None

        assert admin.post(f"/security-events/20261120T12-none/{action}", body).status == 404


def test_events_say_who_made_them_happen_and_what_they_follow_from(admin: Asker, store: Store) -> None:
    replace(admin, user="somebody").post("/security-events", INCIDENT, {"X-Correlation-Id": "mine"} | KEY)

    (event,) = store.events()
    assert (event.actor, event.correlation_id, event.occurred_at) == ("somebody", "mine", NOON)
    assert event.causation_id not in ("", "mine", "one")


def killed(monkeypatch: pytest.MonkeyPatch, ask: Any) -> None:
    """It does what it is to do, and dies before its answer is kept."""

    def die(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as killing:
        killing.setattr("api.web.work.Work.commit", die)
        assert ask().status == 500
