"""The observability watch: from a value over HTTP to an alert that somebody acknowledges, the facts about the system
itself, and one correlation id through all of it."""

import json
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
import requests

from tests.e2e.breakers import Breakers
from tests.e2e.bus import Event as Heard
from tests.e2e.people import Json, People, expect, problem
from tests.e2e.waiting import wait_for
from tests.e2e.watch import PAUSE, Watch, sequences
from tests.lambdas import sqs_record
from watchkeeper.clock import to_iso, utc_now

METRIC = "story.temperature"
RULE = {"name": "Twice", "metric": "story.twice", "comparison": "lt", "threshold": 1}
LOST = {"kind": "lost-laptop", "severity": "high", "summary": "A laptop was lost", "source": "a person"}
KEY = {"Idempotency-Key": "one-rule-and-no-more"}
CAUSE = "a-value-that-is-too-high"
LAST = 5
"""So often a message comes."""
UPSTREAM = "expo"
"""Nothing is read from it."""


@dataclass(frozen=True)
class Story:
    rule: Json
    batch: Json
    """The answer to metrics of which some are none."""
    repeated: list[requests.Response]
    """The answers to the values that raised the alert, which were sent twice."""
    raised: Json
    acknowledged: Json
    resolved: Json

    @property
    def alert(self) -> str:
        return f"alert:{self.raised['id']}"


@pytest.fixture(scope="module")
def story(watch: Watch) -> Story:
    """Values become too high, and good again; nobody asks for anything to be evaluated."""
    rule = watch.define(METRIC, breaches=2, clear_threshold=60, severity="critical")
    bad = ({"name": "0"}, {"name": METRIC, "value": "hot"}, {"name": METRIC, "value": 1, "unit": "Bytes"})
    sent = {"metrics": [{"name": METRIC, "value": 70.5}, *bad]}
    batch = expect(watch.developer.post("observability/metrics", sent), 200)
    headers = {"X_Correlation_Id": CAUSE, "Idempotency_Key": "the-same-values"}
    repeated = [watch.record(METRIC, 90, 95, **headers) for _ in range(2)]
    raised = watch.alert(rule, "open")
    note = {"note": "Somebody left the window shut."}
    acknowledged = expect(watch.developer.post(f"observability/alerts/{raised['id']}/acknowledge", note), 200)
    watch.alert(rule, "acknowledged")
    expect(watch.developer.post("observability/metrics", {"name": METRIC, "value": 50}), 200)
    return Story(rule, batch, repeated, raised, acknowledged, watch.alert(rule, "resolved"))


def test_what_cannot_be_taken_of_a_batch_is_told_one_by_one(story: Story) -> None:
    assert (story.batch["taken"], story.batch["refused"]) == (1, 3)
    assert [result["taken"] for result in story.batch["results"]] == [True, False, False, False]
    assert all(result["reason"] for result in story.batch["results"][1:])


def test_values_that_breach_a_rule_raise_an_alert_that_a_good_value_resolves(watch: Watch, story: Story) -> None:
    assert (story.raised["severity"], story.raised["value"], story.raised["episode"]) == ("critical", "95", 1)
    assert story.acknowledged["acknowledged_by"] == watch.developer.id
    assert story.acknowledged["version"] == story.raised["version"] + 1
    assert (story.resolved["resolved_by"], story.resolved["value"]) == ("system", "50")
    assert watch.read("alerts", rule=story.rule["id"])["items"] == []


def test_what_happened_to_an_alert_is_told(watch: Watch, story: Story) -> None:
    changes = watch.read(f"alerts/{story.raised['id']}/history")["items"]
    first = watch.read("alert-history", rule=story.rule["id"], limit=2)
    rest = watch.read("alert-history", rule=story.rule["id"], limit=2, cursor=first["cursor"])

    assert [change["type"] for change in changes] == ["AlertResolved", "AlertAcknowledged", "AlertRaised"]
    assert [change["actor"] for change in changes] == ["evaluate-alerts", watch.developer.id, "evaluate-alerts"]
    assert changes[1]["alert"]["note"] == "Somebody left the window shut."
    assert sorted(change["type"] for change in [*first["items"], *rest["items"]]) == sorted(
        change["type"] for change in changes
    )


@pytest.mark.parametrize("period", ["minute", "hour", "day"])
@pytest.mark.usefixtures("story")
def test_what_a_metric_was_is_told_by_minute_hour_and_day(watch: Watch, period: str) -> None:
    told = {
        stat: watch.read(f"metrics/{METRIC}/series", period=period, stat=stat)["items"][0]["buckets"]
        for stat in ("count", "sum", "max")
    }

    assert sum(Decimal(bucket["value"]) for bucket in told["count"]) == 4
    assert sum(Decimal(bucket["value"]) for bucket in told["sum"]) == Decimal("305.5")
    assert max(Decimal(bucket["value"]) for bucket in told["max"]) == 95
    assert watch.read("metrics", name=METRIC)["items"][0]["value"] == "50"


def test_the_same_request_again_does_nothing_and_is_answered_alike(watch: Watch, story: Story) -> None:
    first, second = (expect(watch.admin.post("observability/alert-rules", RULE, KEY), 201) for _ in range(2))
    other = watch.admin.post("observability/alert-rules", {**RULE, "name": "Another"}, KEY)

    assert first == second
    assert other.status_code == 422
    assert [answer.json() for answer in story.repeated] == [story.repeated[0].json()] * 2
    assert sequences(watch.events(f"alert-rule:{first['id']}")) == [1]
    assert sum(len(event.data["values"]) for event in watch.events(f"metric:{METRIC}")) == 4


def test_a_rule_that_is_retired_watches_nothing_and_resolves_its_alerts(watch: Watch) -> None:
    rule = watch.define("story.retired")
    watch.record("story.retired", 99)
    alert = watch.alert(rule, "open")
    stale = watch.admin.post(f"observability/alert-rules/{rule['id']}/retire", headers={"If-Match": '"7"'})
    retired = expect(watch.admin.post(f"observability/alert-rules/{rule['id']}/retire"), 200)

    assert stale.status_code == 412
    assert retired["retired_at"]
    assert watch.alert(rule, "resolved")["resolved_by"] == watch.admin.id
    again = watch.admin.post(f"observability/alerts/{alert['id']}/resolve", {"reason": "It is over"})
    assert problem(again, 409) == "conflict"


def test_a_security_event_is_told_triaged_and_closed(watch: Watch) -> None:
    detected = expect(watch.admin.post("observability/security-events", LOST), 201)
    path = f"observability/security-events/{detected['id']}"
    triaged = expect(watch.admin.post(f"{path}/triage", {"note": "It was encrypted"}), 200)
    closed = expect(watch.admin.post(f"{path}/close", {"resolution": "Its keys were revoked"}), 200)

    assert [one["state"] for one in (detected, triaged, closed)] == ["detected", "triaged", "closed"]
    assert problem(watch.admin.post(f"{path}/close", {"resolution": "Again"}), 409) == "conflict"
    wanted = {"state": "closed", "severity": "high"}
    watch.finds(
        "it closed", lambda: detected["id"] in {one["id"] for one in watch.read("security-events", **wanted)["items"]}
    )
    assert watch.read(f"security-events/{detected['id']}")["closed_by"] == watch.admin.id


def test_everybody_may_do_what_their_group_may(watch: Watch, people: People, story: Story) -> None:
    people.after_a_quarter_of_an_hour()
    nobody, alert = people.signed_in("nobody-in-particular"), f"observability/alerts/{story.raised['id']}"
    metric = {"name": METRIC, "value": 1}
    refused = [
        nobody.get("observability/alerts"),
        nobody.post("observability/metrics", metric),
        watch.viewer.post("observability/metrics", metric),
        watch.viewer.post(f"{alert}/acknowledge"),
        watch.developer.post("observability/alert-rules", RULE),
        watch.developer.post(f"observability/alert-rules/{story.rule['id']}/retire"),
        watch.developer.post(f"{alert}/resolve", {"reason": "I want it to be"}),
        watch.developer.post("observability/security-events", LOST),
    ]

    assert [problem(answer, 403) for answer in refused] == ["forbidden"] * len(refused)
    assert people.stranger("stranger").get("observability/health").status_code == 401


def test_machines_ask_without_a_token_whether_it_works(watch: Watch) -> None:
    answer = requests.get(f"{watch.system.cloud.api_url}/healthz", timeout=10)

    assert expect(answer, 200) == {"status": "ok"}


def test_one_id_leads_from_the_request_to_the_alert_and_all_that_was_said_of_it(watch: Watch, story: Story) -> None:
    [recorded] = [one for one in watch.events(f"metric:{METRIC}") if one.correlation_id == CAUSE]
    raised = [one for one in watch.events(story.alert) if one.type in ("AlertPending", "AlertRaised")]
    heard: dict[str, Heard] = {one.envelope["id"]: one for one in watch.system.bus.heard()}

    assert {answer.headers["X-Correlation-Id"] for answer in story.repeated} == {CAUSE}
    assert [one.type for one in raised] == ["AlertPending", "AlertRaised"]
    for event in (recorded, *raised):
        assert event.correlation_id == heard[event.id].envelope["correlation_id"] == CAUSE
    assert {one.causation_id for one in raised} == {recorded.id}
    rows = [*watch.rows("alert-history").values(), *watch.rows("latest-metrics").values()]
    assert {row["correlation_id"] for row in rows if row["event_id"] == raised[-1].id} == {CAUSE}
    said = {"observability-commands": "answered", "publish-events": "event told", "evaluate-alerts": "metric evaluated"}
    for function, message in said.items():
        wait_for(f"the line of {function}", partial(is_logged, watch, function, message), 10)


def is_logged(watch: Watch, function: str, message: str) -> bool:
    return message in watch.logged(function, CAUSE)


# Facts about the system itself


def test_upstreams_that_are_read_are_well(watch: Watch) -> None:
    for upstream in ("patchwork", "lore"):
        name = f"upstream/{upstream}"
        watch.finds(f"{name} to be well", lambda: watch.component(name)["status"] == "healthy", 60)  # noqa: B023
    duration = watch.read("metrics", name="ingest.run.duration", limit=100)["items"]
    assert {series["unit"] for series in duration} == {"Seconds"}


def test_what_happens_to_breakers_and_queues_is_on_the_board(watch: Watch) -> None:
    breakers, queues, component = Breakers(watch.system.cloud), watch.system.queues, f"upstream/{UPSTREAM}"
    breakers.put(f"{UPSTREAM} nowhere.example", "OPEN")
    queues.send("threads-dlq", "{}")
    try:
        watch.system.run_rule("check-dead-letters")
        watch.finds("the upstream to be down", lambda: watch.component(component)["status"] == "down")
        watch.finds("the letters", lambda: watch.reasons("service/ingest").get("dead-letters:threads") == "degraded")
        assert watch.read("health")["status"] == "down"
    finally:
        breakers.forget(f"{UPSTREAM} nowhere.example")
        queues.purge("threads-dlq")
    watch.system.run_rule("check-dead-letters")
    watch.finds("the upstream to be back", lambda: watch.component(component)["status"] == "healthy")
    watch.finds("no letters", lambda: "dead-letters:threads" not in watch.reasons("service/ingest"))


def test_who_is_not_let_in_is_noticed(watch: Watch, people: People) -> None:
    before = {kind: watch.noticed(kind) for kind in ("sign-in-failed", "request-refused")}
    people.after_a_quarter_of_an_hour()
    burglar = people.stranger("burglar")
    session = expect(burglar.login(), 200)["session"]
    assert burglar.verify(session, "000000").status_code == 401
    watch.access_log_says('{"route":"GET /api/v1/me.status","status":401,"bytes":403,"latency":429}')

    for kind, count in before.items():
        watch.finds(kind, lambda: watch.noticed(kind) > count)  # noqa: B023
    assert watch.read("metrics", name="sign_in.failures")["items"]


def test_what_the_watch_does_not_know_is_kept_and_told(watch: Watch) -> None:
    at = to_iso(utc_now() - timedelta(seconds=1))
    fact = {"id": "f" * 32, "type": "CoffeeRanOut", "version": 1, "occurred_at": at, "correlation_id": "no-coffee"}
    body = json.dumps({**fact, "data": {}})
    watch.system.cloud.invoke("record-facts", {"Records": [sqs_record("1", body, receives=LAST)]})

    [error] = watch.finds("the error", lambda: watch.errors("record-facts", "f" * 32))
    watch.system.cloud.invoke("dead-letters", {"action": "drop", "queue": "facts", "reason": "the test is over"})

    assert (error["error"], error["again"], error["correlation_id"]) == ("WorkRefused", "facts", "no-coffee")
    wait_for("no letter", lambda: watch.system.queues.depth("facts-dlq").is_empty, 10, PAUSE)
