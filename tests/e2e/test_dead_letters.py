"""Work that fails permanently, on every queue: stored with the reason, reported, and done once when redriven."""

import gzip
import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import pytest
import yaml

from local import letters as words
from local.cloud import FunctionFailed, LocalCloud
from local.upstreams import HWMON, LEDS
from local.workspace import REPOSITORY
from tests.e2e.breakers import Breakers
from tests.e2e.breaking import impatient_streams, without_setting
from tests.e2e.bus import Event
from tests.e2e.market import Market
from tests.e2e.system import System
from tests.e2e.waiting import wait_for
from tests.lambdas import sqs_record
from watchkeeper.clock import from_iso, to_iso, utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.eventsourcing.store import DynamoDBEventStore
from watchkeeper.kernel.events import DiscussionReceived, PatchReceived, SeriesCompleted
from watchkeeper.markets.events import PollenationNeeded, Reason, domain_event
from watchkeeper.observability.facts import SourceAged, fact

WORK = {
    "patches": "fetch-patches",
    "discussions": "fetch-discussions",
    "threads": "fetch-threads",
    "erasures": "erase",
    "pollenation": "pollenate-asset",
    "facts": "record-facts",
    "publication": "publish-events",
}
SETTINGS = dict.fromkeys(WORK, "PROGRESS_TABLE") | {
    "erasures": "PEOPLE_TABLE",
    **dict.fromkeys(("facts", "publication"), "EVENT_STORE_TABLE"),
}
"""What each is broken by the want of."""
WHY = {queue: f"{setting} is not set" for queue, setting in SETTINGS.items()} | {"erasures": "not set: PEOPLE_TABLE"}
STREAMS = ("patches", "series", "discussions", "progress", "breakers", "event-store")
PUBLISHERS = ("publish-changes", "publish-facts", "publish-events")
BREAKER = "sample unheard-of.example"
RECORDED = f"metric:source.age{{source=lore:{HWMON}}}"
"""Something that has events."""
PROJECTIONS = "projections"
"""The one queue whose letters are a state machine's: they do not say why."""
OF_QUEUE = {**{queue: f"{queue}-dlq" for queue in WORK}, "failures": "failures"}
"""The full name's end of each queue of letters."""
Json = dict[str, Any]


@dataclass
class Story:
    """What was sent while the functions failed, and what was seen of it."""

    told_patch: int
    """Its arrival was to be published when nothing could be."""
    told_series: int
    told_mail: str
    patch: int
    mail: str
    thread: str
    asked: str
    asset: str
    """Its fundamentals are wanted."""
    begun_at: str
    letters: dict[str, list[Json]] = field(default_factory=dict)
    counted: Json = field(default_factory=dict)
    visible: dict[str, int] = field(default_factory=dict)
    """By queue, what CloudWatch is told of it."""
    words: dict[str, str] = field(default_factory=dict)
    """What `make dlq` shows of each queue, after they were looked at once."""


def ask(system: System, **request: Any) -> Json:
    answer: Json = system.cloud.invoke("dead-letters", request)
    return answer


@pytest.fixture(scope="module")
def story(system: System, market: Market) -> Story:
    """All functions fail, their work becomes letters, and they are repaired."""
    cloud, sources, breakers = system.cloud, (f"patchwork:{HWMON}", f"lore:{HWMON}"), Breakers(system.cloud)
    with speechless(cloud, "publish-changes"):
        told_patch, told_series, told_mail = send_patch(system, "Told late")
        with system.awaited(*sources):
            system.hand_out(sources, "recent")
        system.settle()
        with speechless(cloud, "publish-facts", "publish-events"):
            breakers.put(BREAKER, "OPEN")
            system.queues.send("facts", json.dumps(aged("told-late")))
            cloud.invoke_later("fetch-threads", {"message_ids": [told_mail]})
            wait_for("the changes to be given up", lambda: given_up(system) >= set(STREAMS))
    breakers.forget(BREAKER)
    patch, _, _ = send_patch(system, "Read late", LEDS)
    story = Story(
        told_patch,
        told_series,
        told_mail,
        patch,
        mail=send_mail(system, LEDS, "Read late"),
        thread=send_mail(system, HWMON, "Wanted late"),
        asked=send_mail(system, HWMON, "Asked for late"),
        asset=min(market.tracked),
        begun_at=f"{system.upstreams.world.now():%Y-%m-%dT%H:%M}",
    )
    poison(system, story)
    return story


@contextmanager
def speechless(cloud: LocalCloud, *functions: str) -> Iterator[None]:
    """What these were to tell cannot be told, and is given up soon."""
    with ExitStack() as repairs:
        for function in functions:
            repairs.enter_context(impatient_streams(cloud, function))
        repairs.enter_context(without_setting(cloud, "EVENT_BUS", *functions))
        yield


def send_patch(system: System, subject: str, project: str = HWMON) -> tuple[int, int, str]:
    """A new one: its id, its series' and its Message-ID."""
    sent = system.upstreams.change("patches", {"list": project, "subject": f"[PATCH] hwmon: {subject}"})
    patch = sent["deliveries"][0]["id"]
    series = system.upstreams.world.tracker.patches[patch].series
    assert series is not None
    return patch, series.id, sent["message_id"]


def send_mail(system: System, name: str, subject: str) -> str:
    message_id: str = system.upstreams.change("mails", {"list": name, "subject": subject})["message_id"]
    return message_id


def given_up(system: System) -> set[str]:
    """The tables whose changes are among the letters."""
    letters = ask(system, action="list", queue="failures", limit=100)["letters"]
    return {table for letter in letters for table in STREAMS if f"-{table} " in letter["message"]}


def poison(system: System, story: Story) -> None:
    works: dict[str, Json] = {
        "patches": {"task": "patches", "project": LEDS, "mode": "recent"},
        "discussions": {"task": "discussions", "list": LEDS, "mode": "recent"},
        "threads": {"message_ids": [story.thread]},
        "erasures": {"task": "person", "user": "somebody-who-stays"},
        "pollenation": pollenation_of(story.asset, utc_now()),
        "facts": aged("cause-of-facts"),
        "publication": {"aggregate_id": RECORDED, "sequence": 1},
    }
    broken = ExitStack()
    with system.queues.retrying_after(2, *WORK), broken:
        for queue, function in WORK.items():
            broken.enter_context(without_setting(system.cloud, SETTINGS[queue], function))

        def send(queue: str) -> None:
            with suppress(FunctionFailed):  # a worker that had to start first would be overtaken by the next try
                system.cloud.invoke(WORK[queue], {})
            system.queues.send(queue, json.dumps(works[queue]), correlation_id=f"cause-of-{queue}")

        at_once(send, works)
        for queue in WORK:
            wait_for(f"the letter of {queue}", partial(has_letters, system, f"{queue}-dlq", 1))
        before = system.queues.depth("failures").ready
        asked = {"message_ids": [story.asked], "correlation_id": "cause-of-failures"}
        system.cloud.invoke_later("fetch-threads", asked)
        wait_for("the failed invocation", partial(has_letters, system, "failures", before + 1))
    system.queues.send("projections-dlq", json.dumps(projected(system)), correlation_id="cause-of-projections")
    story.counted = ask(system, action="list")["letters"]
    queues = {**OF_QUEUE, PROJECTIONS: "projections-dlq"}

    def look(queue: str) -> None:
        story.letters[queue] = ask(system, action="list", queue=queue, limit=100)["letters"]
        story.visible[queue] = system.queues.depth(queues[queue]).ready
        story.words[queue] = "\n".join(words.listed(system.cloud, queue))

    at_once(look, queues)


def at_once(do: Callable[[str], None], names: Iterable[str]) -> None:
    """With each of the names, and not one after the other: most of it is waiting."""
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(do, names))


def pollenation_of(symbol: str, at: datetime) -> Json:
    """The event as the rule puts it into the queue."""
    data = PollenationNeeded(symbol=symbol, reason=Reason.REQUEST)
    event = domain_event(data, cause="a letter", occurred_at=at, correlation_id="")
    return {**asdict(event), "occurred_at": to_iso(at)}


def aged(cause: str) -> Json:
    """A fact as the rule puts it into the queue."""
    data, at = SourceAged(f"lore:{HWMON}", 60, stale=False, blocked=False), utc_now()
    return asdict(fact(data, cause=cause, occurred_at=at, correlation_id=cause)) | {"occurred_at": to_iso(at)}


def projected(system: System) -> Json:
    """An event that is in the store, as the bus hands it to the machine."""
    table = Table(system.cloud.dynamodb, system.cloud.name("event-store"))
    [event] = DynamoDBEventStore(table).read(RECORDED, up_to=1)
    detail = asdict(event) | {"occurred_at": to_iso(event.occurred_at)}
    return {"id": event.id, "source": "watchkeeper.observability", "detail-type": event.type, "detail": detail}


def has_letters(system: System, queue: str, count: int) -> bool:
    return system.queues.depth(queue).ready >= count


@pytest.mark.parametrize("queue", WORK)
def test_a_letter_says_what_failed_why_where_when_and_after_what(story: Story, queue: str) -> None:
    # The system's own facts may come meanwhile, and fail as well.
    [letter] = [one for one in story.letters[queue] if one["correlation_id"] == f"cause-of-{queue}"]

    assert (letter["kind"], letter["function"]) == ("work", WORK[queue])
    assert (letter["error"], letter["message"]) == ("ConfigurationError", WHY[queue])
    assert letter["receives"] == 5
    assert story.begun_at <= letter["sent_at"] <= letter["failed_at"]


def test_an_invocation_that_failed_says_so_too(story: Story) -> None:
    [letter] = [one for one in story.letters["failures"] if one["kind"] == "invocation"]

    assert letter["function"] == "fetch-threads"
    assert "PROGRESS_TABLE is not set" in letter["message"]
    assert letter["correlation_id"] == "cause-of-failures"
    assert letter["failed_at"] >= story.begun_at


def test_changes_that_could_not_be_told_say_so_too(story: Story) -> None:
    letters = [one for one in story.letters["failures"] if one["kind"] == "changes"]

    assert {letter["function"] for letter in letters} == set(PUBLISHERS)
    assert all(letter["error"] and letter["failed_at"] and letter["correlation_id"] for letter in letters)


def test_looking_at_letters_hides_none(story: Story) -> None:
    assert story.counted == story.visible == {queue: len(letters) for queue, letters in story.letters.items()}


@pytest.mark.parametrize("queue", OF_QUEUE)
def test_make_dlq_shows_the_same_letters_again(story: Story, queue: str) -> None:
    assert story.words[queue].count("correlation id ") == len(story.letters[queue])
    for letter in story.letters[queue]:
        why = f": {letter['error']}" if letter["error"] else ""  # not said of one that SQS moved itself
        assert f"{letter['id']}  {letter['function']}{why}" in story.words[queue]
        assert f"correlation id {letter['correlation_id']}" in story.words[queue]


@pytest.mark.parametrize("queue", OF_QUEUE)
def test_its_alarm_would_ring(story: Story, queue: str) -> None:
    """Alarms are not deployed on the local cloud: their table says what they compare."""
    rule = yaml.safe_load((REPOSITORY / "alarms.yml").read_text())["dead-letters"]

    assert (rule["watches"], rule["metric"]) == ("dead-letter queue", "ApproximateNumberOfMessagesVisible")
    assert (rule["comparison"], rule["datapoints"]) == ("GreaterThanThreshold", 1)
    assert story.visible[queue] > rule["threshold"]


@pytest.fixture(scope="module")
def redriven(system: System, story: Story) -> dict[str, Json]:
    """All letters sent again, and the work done: one after the other, as those who find an upstream busy wait."""
    answers = {"failures": ask(system, action="redrive", queue="failures")}
    told(system, DiscussionReceived, message_id=story.asked)
    for queue in ("facts", "publication", PROJECTIONS):
        answers[queue] = ask(system, action="redrive", queue=queue)
    answers["erasures"] = ask(system, action="redrive", queue="erasures")
    answers["pollenation"] = ask(system, action="redrive", queue="pollenation")
    answers["threads"] = ask(system, action="redrive", queue="threads")
    told(system, DiscussionReceived, message_id=story.thread)
    for queue, source in (("patches", f"patchwork:{LEDS}"), ("discussions", f"lore:{LEDS}")):
        with system.awaited(source):
            answers[queue] = ask(system, action="redrive", queue=queue)
    system.settle()
    return answers


@pytest.mark.parametrize("queue", [*OF_QUEUE, PROJECTIONS])
def test_all_letters_are_sent_again_and_none_is_left(
    system: System, story: Story, redriven: dict[str, Json], queue: str
) -> None:
    answer = redriven[queue]

    assert set(answer["redriven"]) == {letter["id"] for letter in story.letters[queue]}
    assert (answer["failed"], answer["more"]) == ([], False)
    assert system.queues.depth(OF_QUEUE.get(queue, f"{queue}-dlq")).is_empty


@pytest.mark.usefixtures("redriven")
def test_the_work_is_done_once(system: System, story: Story) -> None:
    assert told(system, PatchReceived, patch_id=story.patch) == 1
    for message_id in (story.mail, story.thread, story.asked):
        assert told(system, DiscussionReceived, message_id=message_id) == 1
        assert len(system.api.mails(message_id)) == 1
    assert system.api.read(f"patches/{story.patch}")["project"] == LEDS


@pytest.mark.usefixtures("redriven")
def test_the_asset_is_pollenated_once(market: Market, story: Story) -> None:
    market.wait_for_pollenation(story.asset, from_iso(f"{story.begun_at}:00Z"))

    assert market.asset(story.asset)["last_pollenated"] >= story.begun_at
    assert set(market.asked(story.asset).values()) == {2}, "once on its day, and once now"


@pytest.mark.usefixtures("redriven")
def test_the_changes_are_told_once(system: System, story: Story) -> None:
    assert told(system, PatchReceived, patch_id=story.told_patch) == 1
    assert told(system, SeriesCompleted, series_id=story.told_series) == 1
    assert told(system, DiscussionReceived, message_id=story.told_mail) == 1


def told(system: System, kind: type, **data: object) -> int:
    """How many different events say so; it must have been said by then."""

    def found() -> list[Event]:
        return [event for event in system.bus.heard(kind) if data.items() <= event.data.items()]

    wait_for(f"{kind.__name__} with {data}", lambda: bool(found()))
    return len(found())


@pytest.mark.usefixtures("redriven")
def test_the_fact_is_recorded_once(system: System) -> None:
    def recorded() -> int:
        items = system.tables.items("event-store")
        return sum(item.get("correlationId", {}).get("S") == "cause-of-facts" for item in items)

    wait_for("the fact", lambda: recorded() > 0)
    assert recorded() == 1, "its source is as well as it was, and only older"


REPORT = {"symbol": "NOBODY", "earnings_date": "2026-11-20", "fiscal_date_ending": "2026-10-31"}
NO_WEEKS = {"task": "statistics", "project": HWMON, "weeks": []}
FUNCTIONS: dict[str, Json] = {
    "fetch-patches": {"Records": [sqs_record("1", json.dumps(NO_WEEKS))]},
    "fetch-discussions": {"Records": [sqs_record("1", json.dumps(NO_WEEKS))]},
    "fetch-threads": {"message_ids": []},
    "publish-changes": {"Records": []},
    "refresh-discussions": {},
    "check-freshness": {},
    "process-reminders": {},
    "check-push-receipts": {},
    "erase": {"Records": [sqs_record("1", json.dumps({"task": "person", "user": "somebody-who-stays"}))]},
    "sync-assets": {},
    "sync-earnings-calendar": {},
    "sync-news-sentiment": {},
    "pollenate-asset": {"Records": []},
    "mark-earnings-processed": {"detail": {"data": REPORT}},
    "trigger-earnings-pollenation": {"action": "count"},
    "trigger-regular-pollenation": {"action": "count"},
    "check-coverage": {},
    "publish-events": {"Records": []},
    "evaluate-alerts": {"Records": []},
    "publish-facts": {"Records": []},
    "record-facts": {"Records": []},
    "rebuild-read-model": {},
    "watch-access": {"awslogs": {"data": b64encode(gzip.compress(b'{"messageType":"CONTROL_MESSAGE"}')).decode()}},
    "check-dead-letters": {},
}


def test_every_function_can_be_invoked_again(system: System) -> None:
    for function, payload in FUNCTIONS.items():
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{system.cloud.name(function)}:$LATEST"
        letter = {"requestContext": {"functionArn": arn, "condition": "RetriesExhausted"}, "requestPayload": payload}
        system.queues.send("failures", json.dumps(letter))

    answer = ask(system, action="redrive", queue="failures")

    assert (len(answer["redriven"]), answer["failed"]) == (len(FUNCTIONS), [])
    system.settle()
    assert system.queues.depth("failures").is_empty


def test_changes_that_fail_again_are_kept_with_the_records(system: System) -> None:
    unreadable = {"eventID": "e1", "dynamodb": {"SequenceNumber": "1"}}
    cause = {"correlation_id": "cause-of-changes"}
    system.cloud.invoke_later("publish-changes", {**cause, "redriven": True, "Records": [unreadable]})
    wait_for("the letter", partial(has_letters, system, "failures", 1))
    [letter] = ask(system, action="list", queue="failures")["letters"]
    whole = ask(system, action="show", queue="failures", id=letter["id"])["letter"]
    ask(system, action="drop", queue="failures", reason="the test is over")

    assert (whole["kind"], whole["correlation_id"]) == ("invocation", "cause-of-changes")
    assert "1 of 1 changes" in whole["message"]
    assert whole["work"]["Records"] == [unreadable]


def test_a_letter_is_shown_whole_and_dropped_with_a_reason(system: System) -> None:
    system.queues.send("patches-dlq", "rubbish", correlation_id="by-hand")
    [letter] = ask(system, action="list", queue="patches")["letters"]

    shown = "\n".join(words.shown(system.cloud, "patches", letter["id"]))
    dropped = words.dropped(system.cloud, "patches", letter["id"], "it is rubbish")

    assert "by-hand" in shown
    assert "rubbish" in shown
    assert dropped == (["Dropped: 1 letter of patches."], True)
    assert words.redriven(system.cloud, "patches", None) == (["Sent again: 0 letters of patches."], True)


def test_what_sqs_moves_itself_says_what_it_can(system: System) -> None:
    with system.queues.retrying_after(1, "patches"), system.queues.moved_by_sqs("patches"):
        system.queues.send("patches", "rubbish", correlation_id="by-hand")
        wait_for("the dead letter", partial(has_letters, system, "patches-dlq", 1))

    [letter] = ask(system, action="list", queue="patches")["letters"]
    ask(system, action="drop", queue="patches", reason="the test is over")

    assert (letter["error"], letter["function"], letter["correlation_id"]) == (None, "fetch-patches", "by-hand")
    assert "could not say why" in letter["message"]
