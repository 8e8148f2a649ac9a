"""The functions as Lambda calls them: schedules hand out, messages do, what fails comes again or is noted."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pytest

from ingest.kernel import container as module
from ingest.kernel.handlers import fetch_discussions, fetch_patches, fetch_threads, publish_changes, refresh_discussions
from ingest.work import MAX_ATTEMPTS
from local.upstreams import HWMON, LEDS, Upstreams
from tests.integration.conftest import repositories
from tests.integration.ingest.conftest import Kernel
from tests.integration.ingest.test_first_load import stored_items
from tests.lambdas import Context, sqs_record
from watchkeeper import aws, correlation
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Between
from watchkeeper.errors import ConfigurationError
from watchkeeper.progress import LIVE

Items = dict[str, list[dict[str, Any]]]
NOTHING: Items = {"patches": [], "series": [], "discussions": []}
Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


@dataclass
class Deployment:
    """The queue-driven functions, wired as the services are."""

    queues: dict[str, str]
    calls: int = 0

    def waiting(self, name: str) -> list[dict[str, Any]]:
        """Take what waits in a queue, delayed or not."""
        answer = aws.sqs_client().receive_message(QueueUrl=self.queues[name], MaxNumberOfMessages=10)
        messages = answer.get("Messages", [])
        for message in messages:
            aws.sqs_client().delete_message(QueueUrl=self.queues[name], ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in messages]

    def deliver(self, handler: Handler, *works: dict[str, Any], milliseconds: int = 180_000) -> dict[str, Any]:
        self.calls += 1
        records = [sqs_record(f"m{number}", json.dumps(work)) for number, work in enumerate(works)]
        return handler({"Records": records}, Context(f"request-{self.calls}", milliseconds=milliseconds))


@pytest.fixture
def deployment(
    tables: None, bucket: str, upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    names = ("patches", "discussions", "threads")
    queues = {name: aws.sqs_client().create_queue(QueueName=name)["QueueUrl"] for name in names}
    settings = {
        **{f"{name.upper()}_QUEUE_URL": url for name, url in queues.items()},
        "PATCHWORK_URL": upstreams.patchwork_url,
        "LORE_URL": upstreams.lore_url,
        "PROJECTS": f"{LEDS},{HWMON}",
        "LISTS": HWMON,
        "CONTACT": "tests@example.org",
        "REQUESTS_PER_SECOND": "10000",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("watchkeeper.queues.MAX_DELAY_SECONDS", 0)
    module.container.cache_clear()
    yield Deployment(queues)
    module.container.cache_clear()


def test_a_schedule_hands_out_one_message_a_project(deployment: Deployment) -> None:
    fetch_patches.handler({"mode": "full"}, Context())

    assert deployment.waiting("patches") == [
        {"task": "patches", "project": HWMON, "mode": "full"},
        {"task": "patches", "project": LEDS, "mode": "full"},
    ]


def test_an_unknown_mode_is_refused_by_name(deployment: Deployment) -> None:
    with pytest.raises(ValueError, match="'everything'"):
        fetch_discussions.handler({"mode": "everything"}, Context())


def test_messages_load_a_project_and_a_list_and_count_their_weeks(deployment: Deployment) -> None:
    patches = deployment.deliver(fetch_patches.handler, {"task": "patches", "project": HWMON, "mode": "recent"})
    mails = deployment.deliver(fetch_discussions.handler, {"task": "discussions", "list": HWMON, "mode": "recent"})
    deployment.deliver(fetch_patches.handler, *deployment.waiting("patches"))
    deployment.deliver(fetch_discussions.handler, *deployment.waiting("discussions"))

    assert patches == mails == {"batchItemFailures": []}
    progress = repositories()["progress"]
    assert {source.phase for source in progress.sources()} == {LIVE}
    assert progress.weeks(f"patches#{HWMON}", Between())
    assert progress.weeks(f"mail#{HWMON}", Between())


def test_a_call_short_of_time_hands_the_rest_to_the_next(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.kernel.patchwork.PAGE_SIZE", 30)
    waiting: list[dict[str, Any]] = [{"task": "patches", "project": HWMON, "mode": "recent"}]
    calls = 0
    while waiting:
        deployment.deliver(fetch_patches.handler, *waiting, milliseconds=1000)
        waiting = [one for one in deployment.waiting("patches") if one["task"] == "patches"]
        calls += 1
        assert calls < 100

    assert calls > 3
    assert repositories()["progress"].source(f"patchwork:{HWMON}").phase == LIVE


def test_work_whose_upstream_is_being_read_comes_again(deployment: Deployment) -> None:
    repositories()["progress"].take_lease("lore", "another", now=utc_now(), seconds=60)
    work = {"task": "discussions", "list": HWMON, "mode": "recent"}

    deployment.deliver(fetch_discussions.handler, work)

    assert deployment.waiting("discussions") == [work]


def test_a_failing_upstream_is_tried_again_a_few_times(deployment: Deployment, upstreams: Upstreams) -> None:
    upstreams.patchwork.faults.add("garbage", times=1000)
    work = {"task": "patches", "project": HWMON, "mode": "recent"}
    deployment.deliver(fetch_patches.handler, work)

    assert deployment.waiting("patches") == [{**work, "attempt": 1}]
    deployment.deliver(fetch_patches.handler, {**work, "attempt": MAX_ATTEMPTS - 1})
    assert deployment.waiting("patches") == []


def test_a_blocking_upstream_is_left_alone_until_the_next_schedule(
    deployment: Deployment, upstreams: Upstreams
) -> None:
    upstreams.lore.faults.add("challenge", times=1000)

    answer = deployment.deliver(fetch_discussions.handler, {"task": "discussions", "list": HWMON, "mode": "recent"})

    assert answer == {"batchItemFailures": []}
    assert deployment.waiting("discussions") == []
    assert repositories()["progress"].source(f"lore:{HWMON}").blocked_since


def test_a_dead_upstream_opens_the_breaker_for_every_function(deployment: Deployment, upstreams: Upstreams) -> None:
    upstreams.lore.faults.add("unavailable", times=1000)
    deployment.deliver(fetch_discussions.handler, {"task": "discussions", "list": HWMON, "mode": "recent"})
    asked = len(upstreams.lore.log.all())
    module.container.cache_clear()  # another execution environment

    deployment.deliver(fetch_threads.handler, {"message_ids": ["any@example.org"]})

    assert len(upstreams.lore.log.all()) == asked


def test_rubbish_in_a_queue_fails_alone(deployment: Deployment, upstreams: Upstreams) -> None:
    message_id = upstreams.world.archive.inboxes[HWMON].messages[0].mail.message_id

    answer = deployment.deliver(fetch_threads.handler, {"message_ids": 7}, {"message_ids": [message_id]})

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert repositories()["discussions"].of_message(message_id)


def test_threads_there_was_no_time_for_are_handed_on_list_by_list(
    deployment: Deployment, upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTS", f"{HWMON},{LEDS}")
    module.container.cache_clear()
    ids = [one.mail.message_id for one in upstreams.world.archive.inboxes[LEDS].messages[:2]]
    asked = len(upstreams.lore.log.all())
    context = Waning([180_000, 1000])

    fetch_threads.handler(
        {"Records": [sqs_record("m1", json.dumps({"message_ids": ids, "if_missing": True}))]}, context
    )

    assert len(upstreams.lore.log.all()) == asked + 1, "the first list is asked for the first mail, and no more"
    waiting = deployment.waiting("threads")
    assert [(work["list"], work["message_ids"]) for work in waiting] == [(LEDS, ids), (HWMON, ids[1:])]
    deployment.deliver(fetch_threads.handler, *waiting)
    assert all(repositories()["discussions"].of_message(message_id) for message_id in ids)


class Waning(Context):
    """A call whose remaining milliseconds are given, each time they are asked for; then the last."""

    def __init__(self, milliseconds: list[int]) -> None:
        super().__init__()
        self._left = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]


def test_an_operator_can_ask_for_a_thread(deployment: Deployment, upstreams: Upstreams) -> None:
    message_id = upstreams.world.archive.inboxes[HWMON].messages[0].mail.message_id

    assert fetch_threads.handler({"message_ids": [message_id]}, Context()) == {"message_ids": [message_id]}
    assert repositories()["discussions"].of_message(message_id)


def test_a_refresh_hands_out_every_list_and_the_quiet_open_threads(deployment: Deployment) -> None:
    answer = refresh_discussions.handler({}, Context())

    assert deployment.waiting("discussions") == [{"task": "discussions", "list": HWMON, "mode": "refresh"}]
    assert answer == {"threads": 0}


def test_a_refresh_asks_for_open_patches_older_than_its_window(deployment: Deployment, upstreams: Upstreams) -> None:
    then = "2025-01-01T00:00:00+00:00"
    letter = {"list": HWMON, "subject": "[PATCH] hwmon: quiet", "date": then, "received": then}
    message_id = upstreams.change("patches", letter)["message_id"]
    deployment.deliver(fetch_patches.handler, {"task": "patches", "project": HWMON, "mode": "recent"})

    assert refresh_discussions.handler({}, Context()) == {"threads": 1}
    assert deployment.waiting("threads") == [{"message_ids": [message_id]}]


def test_a_mail_patchwork_tracks_although_it_looks_like_none_gets_its_replies(caught_up: Kernel) -> None:
    answer = caught_up.upstreams.change("mails", {"list": HWMON, "subject": "Some numbers", "body": "See below.\n"})
    root = answer["message_id"]
    reply = caught_up.upstreams.change("mails", {"list": HWMON, "subject": "Re: Some numbers", "in_reply_to": root})
    caught_up.read_everything()
    assert caught_up.discussions.of_message(reply["message_id"])[0][0].patch_message_id is None

    caught_up.keeper().link_tracked([root], before_write=lambda _: None)

    assert caught_up.discussions.of_message(reply["message_id"])[0][0].patch_message_id == root


def test_settings_that_are_missing_stop_the_function(tables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    module.container.cache_clear()
    monkeypatch.delenv("PATCHWORK_URL", raising=False)

    with pytest.raises(ConfigurationError, match="PATCHWORK_URL is not set"):
        fetch_patches.handler({}, Context())


def test_stream_records_become_events_on_the_bus(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue behind the bus shows what consumers get."""
    arrived = listen(monkeypatch)
    kernel.read_everything()
    loaded = stored_items()
    records = stream_records(NOTHING, loaded, "patches", "series", "discussions")[::20]
    publish_changes.handler({"Records": records}, Context())
    first = arrived()
    assert {event["type"] for event in first} == {"PatchReceived", "SeriesCompleted", "DiscussionReceived"}
    assert all(event["id"] and event["version"] == 1 and event["correlation_id"] == "request-1" for event in first)
    patch = next(iter(kernel.upstreams.world.tracker.patches.values()))
    kernel.upstreams.change("state", {"patch": patch.id, "state": "deferred", "user": "tdahl"})
    kernel.read_everything()

    publish_changes.handler({"Records": stream_records(loaded, stored_items(), "patches")}, Context())

    [changed] = [event for event in arrived() if event["type"] == "PatchStateChanged"]
    assert changed["data"]["patch_id"] == patch.id
    assert changed["data"]["state"] == "deferred"


@pytest.mark.usefixtures("caught_up")
def test_the_same_stream_record_twice_is_the_same_event_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    arrived = listen(monkeypatch)
    records = stream_records(NOTHING, stored_items(), "series")[::4]

    publish_changes.handler({"Records": records}, Context())
    publish_changes.handler({"Records": records}, Context())

    ids = [event["id"] for event in arrived()]
    assert len(ids) > 10
    assert sorted(ids[: len(ids) // 2]) == sorted(ids[len(ids) // 2 :])


def test_an_event_follows_from_the_run_that_stored_the_row_however_often_it_is_published(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = listen(monkeypatch)
    with correlation.following("the-run"):
        kernel.read_everything()
    records = stream_records(NOTHING, stored_items(), "patches", "series", "discussions")[::20]

    publish_changes.handler({"Records": records}, Context("a-request"))
    publish_changes.handler({"Records": records}, Context("another-request"))

    events = arrived()
    assert {event["type"] for event in events} == {"PatchReceived", "SeriesCompleted", "DiscussionReceived"}
    assert {event["correlation_id"] for event in events} == {"the-run"}
    assert len(events) == 2 * len({event["id"] for event in events})


def test_a_change_of_state_follows_from_the_run_that_saw_it(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived = listen(monkeypatch)
    with correlation.following("the-load"):
        kernel.read_everything()
    before = stored_items()
    patch = next(iter(kernel.upstreams.world.tracker.patches.values()))
    kernel.upstreams.change("state", {"patch": patch.id, "state": "deferred", "user": "tdahl"})
    with correlation.following("the-next-run"):
        kernel.read_everything()

    publish_changes.handler({"Records": stream_records(before, stored_items(), "patches")}, Context())

    [changed] = [event for event in arrived() if event["type"] == "PatchStateChanged"]
    assert changed["correlation_id"] == "the-next-run"


def test_a_row_that_says_no_cause_or_a_harmful_one_follows_from_its_publication(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived = listen(monkeypatch)
    with correlation.following("a b\n"):
        kernel.read_everything()
    [record, *_] = stream_records(NOTHING, stored_items(), "patches")

    publish_changes.handler({"Records": [record]}, Context("the-publication"))

    assert [event["correlation_id"] for event in arrived()] == ["the-publication"]


def listen(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """Make a bus whose events land in a queue; the answer takes what has arrived."""
    events, sqs = aws.events_client(), aws.sqs_client()
    events.create_event_bus(Name="bus")
    url = sqs.create_queue(QueueName="listener")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="all", EventBusName="bus", EventPattern='{"source": ["watchkeeper.kernel"]}')
    events.put_targets(Rule="all", EventBusName="bus", Targets=[{"Id": "queue", "Arn": arn}])
    monkeypatch.setenv("EVENT_BUS", "bus")
    publish_changes._publisher.cache_clear()

    def arrived() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"])["detail"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    return arrived


def stream_records(before: Items, after: Items, *names: str) -> list[dict[str, Any]]:
    """What the tables' streams would hold of the way from one state to the other, as Lambda hands it over."""
    return [
        _record(name, before_item, item)
        for name in names
        for item in after[name]
        if (before_item := _same(item, before[name])) != item
    ]


def _same(item: dict[str, Any], items: list[dict[str, Any]]) -> dict[str, Any] | None:
    keys = ("id", "timestamp")
    return next((one for one in items if all(one.get(key) == item.get(key) for key in keys)), None)


def _record(table: str, old: dict[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    images = {"NewImage": new} | ({"OldImage": old} if old else {})
    place = str(int(sha256(f"{table}{new['id']}{bool(old)}".encode()).hexdigest()[:12], 16))
    change = {**images, "ApproximateCreationDateTime": utc_now().timestamp(), "SequenceNumber": place}
    arn = f"arn:aws:dynamodb:us-east-1:123456789012:table/watchkeeper-test-{table}/stream/2026-01-01T00:00:00.000"
    return {"eventID": f"{table}-{new['id']}-{bool(old)}", "eventSourceARN": arn, "dynamodb": change}


@pytest.mark.parametrize("function", [fetch_patches, fetch_discussions, fetch_threads, publish_changes])
class TestStarting:
    """Whoever deployed asks with no records whether a function starts."""

    def test_nothing_is_done(self, deployment: Deployment, function: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EVENT_BUS", "bus")

        assert function.handler({"Records": []}, Context()) == {"batchItemFailures": []}
        assert [deployment.waiting(name) for name in deployment.queues] == [[], [], []]

    def test_a_missing_setting_is_told(
        self, deployment: Deployment, function: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("LORE_URL", "EVENT_BUS"):
            monkeypatch.delenv(name, raising=False)
        publish_changes._publisher.cache_clear()

        with pytest.raises(ConfigurationError, match="is not set"):
            function.handler({"Records": []}, Context())
