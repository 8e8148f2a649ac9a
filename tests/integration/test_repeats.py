"""AWS delivers at least once: every handler is given each of its events twice, and the second changes nothing.

A function without a case here fails the first test. One that is not idempotent by its keys needs Powertools'
idempotency utility; see docs/decisions.md.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import stamina
import time_machine
import yaml

from api.observability.access import handler as watch_access
from api.people import container as people
from api.people.account import UserPool
from api.people.erasing import container as erasing
from api.people.erasing import handler as erase
from ingest.kernel import container as module
from ingest.observability.containers.publish_facts import fact_publisher
from ingest.observability.handlers import (
    evaluate_alerts,
    publish_events,
    publish_facts,
    rebuild_read_model,
    record_facts,
)
from local.upstreams import HWMON, Upstreams, World
from scheduler import facts
from scheduler.kernel.handlers import check_freshness
from scheduler.operations.handlers import check_dead_letters, dead_letters
from scheduler.push.handlers import check_push_receipts, process_reminders
from tests.integration.api.asking import Asker
from tests.integration.common.test_events import Bus
from tests.integration.conftest import repositories
from tests.integration.faults import Clock, Faults
from tests.integration.ingest.functions import (
    QUIET,
    ROOT,
    Functions,
    make_functions,
    small_world,
    stored,
    untroubled,
)
from tests.integration.ingest.markets import functions as collecting
from tests.integration.ingest.markets.functions import NOW, MarketFunctions
from tests.integration.ingest.observability.watch import Watch
from tests.integration.ingest.test_publishing import RECORDS
from tests.integration.scheduler.markets.conftest import Market, make_market
from tests.integration.tables import table_name
from tests.lambdas import Context, sqs_record
from tests.unit.api.observability.test_refused_requests import delivered, line
from tests.unit.ingest.observability.events import a_rule, recorded
from watchkeeper import aws
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.eventsourcing.read_models import Row, Stamp
from watchkeeper.ferments.models import Batch, Event, EventKind
from watchkeeper.ferments.repository import deleted_batch, new_batch, new_event
from watchkeeper.observability.facts import CircuitOpened, RunFinished, SignInFailed, fact
from watchkeeper.observability.models import as_json
from watchkeeper.people.accounts import AccountRepository
from watchkeeper.people.devices import Device, Platform, registered
from watchkeeper.people.reminders import Reminder, ReminderRepository, scheduled
from watchkeeper.people.table import KEYS
from watchkeeper.progress import Source

SERVICES = Path(__file__).parents[2] / "services"
NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}
RECORDED = [recorded(1, 5), recorded(2, 15), recorded(3, 5)]
WRITING = ("Put", "Update", "Delete", "BatchWrite", "Send", "Invoke", "Publish")


def functions_of(service: str) -> dict[str, Any]:
    functions: dict[str, Any] = yaml.safe_load((SERVICES / service / "functions.yml").read_text())
    return functions


@dataclass
class Place:
    """Everything an event can act on."""

    functions: Functions
    upstreams: Upstreams
    monkeypatch: pytest.MonkeyPatch

    def load(self) -> None:
        self.functions.invoke("fetch-patches", {"mode": "recent"})
        self.functions.invoke("fetch-discussions", {"mode": "recent"})
        self.functions.work()


@pytest.fixture
def world(tables: None, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with Upstreams(World()) as upstreams, stamina.set_testing(True):
        small_world(upstreams)
        yield Place(make_functions(upstreams, monkeypatch), upstreams, monkeypatch)
    module.container.cache_clear()
    collecting.forget()


Outcome = Callable[[], object]
"""Delivers the event, and says what there is then."""


def of_schedule(name: str, **event: Any) -> Callable[[Place], Outcome]:
    def case(world: Place) -> Outcome:
        if name == "refresh-discussions":
            world.load()

        def deliver() -> object:
            world.functions.invoke(name, event)
            world.functions.work()
            assert world.functions.failures == 0
            return stored()

        return deliver

    return case


def of_message(queue: str, **work: Any) -> Callable[[Place], Outcome]:
    def case(world: Place) -> Outcome:
        world.load()

        def deliver() -> object:
            world.functions.send(queue, work)
            world.functions.work()
            assert world.functions.failures == 0
            return stored()

        return deliver

    return case


def of_stream(world: Place) -> Outcome:
    world.monkeypatch.setenv("EVENT_BUS", "bus")
    from ingest.kernel.handlers import publish_changes

    publish_changes._publisher.cache_clear()
    bus = Bus()

    def deliver() -> object:
        """The ids, by which consumers know what they have seen."""
        publish_changes.handler({"Records": RECORDS}, Context())
        return bus.heard()

    return deliver


def of_facts(world: Place) -> Outcome:
    bus = telling(world)
    fact_publisher.cache_clear()
    world.load()
    progress = untroubled("dynamodb").scan(TableName=table_name("progress"))["Items"]
    arn = f"arn:aws:dynamodb:us-east-1:123456789012:table/{table_name('progress')}/stream/2026"
    records = [
        {
            "eventID": f"event-{number}",
            "eventSourceARN": arn,
            "dynamodb": {"NewImage": item, "SequenceNumber": str(number), "ApproximateCreationDateTime": 1.0},
        }
        for number, item in enumerate(progress)
    ]

    def deliver() -> object:
        assert publish_facts.handler({"Records": records}, Context()) == {"batchItemFailures": []}
        heard = bus.heard()
        assert heard
        return heard

    return deliver


def of_events(begin: Callable[[Watch], Callable[[], object]]) -> Callable[[Place], Outcome]:
    """Of the event store; with values recorded, and a rule that some of them breach."""

    def case(world: Place) -> Outcome:
        watch = Watch(Faults(Clock()), world.monkeypatch)
        rule = a_rule()
        stamp = Stamp("event", 1, "2026-11-20T21:00:00Z", "cause")
        watch.models.put(Row("alert-rules", "", rule.id, as_json(rule)), "1", stamp)
        watch.put(*RECORDED)
        return begin(watch)

    return case


def publishing(watch: Watch) -> Outcome:
    def deliver() -> object:
        assert publish_events.handler({"Records": watch.stream("metric:")}, Context()) == NOTHING_FAILED
        return sorted(told["id"] for told in watch.told())

    return deliver


def publishing_again(watch: Watch) -> Outcome:
    work = {"aggregate_id": RECORDED[0].aggregate_id, "sequence": RECORDED[0].sequence}
    record = sqs_record("1", json.dumps(work), queue="publication")

    def deliver() -> object:
        assert publish_events.handler({"Records": [record]}, Context()) == NOTHING_FAILED
        return [told["id"] for told in watch.told()]

    return deliver


def evaluating(watch: Watch) -> Outcome:
    def deliver() -> object:
        assert evaluate_alerts.handler({"Records": watch.stream("metric:")}, Context()) == NOTHING_FAILED
        assert watch.events("alert:")
        return watch.events()

    return deliver


def recording(watch: Watch) -> Outcome:
    told = [
        fact(one, cause=one.type, occurred_at=utc_now(), correlation_id="cause")
        for one in (RunFinished("lore:x", "recent", 1.5, 4, 3, 2, 1), SignInFailed("code"), CircuitOpened("lore"))
    ]
    records = [sqs_record(one.id, orjson.dumps(one).decode(), queue="facts") for one in told]

    def deliver() -> object:
        assert record_facts.handler({"Records": records}, Context()) == NOTHING_FAILED
        return watch.events()

    return deliver


def rebuilding(watch: Watch) -> Outcome:
    watch.set(REQUESTS_END_SECONDS="0")

    def deliver() -> object:
        answer = rebuild_read_model.handler({"model": "latest-metrics"}, Context(milliseconds=900_000))
        assert answer["done"]
        return list(watch.models.view().rows("latest-metrics"))

    return deliver


def telling(world: Place) -> Bus:
    """A bus that facts are told on."""
    world.monkeypatch.setenv("EVENT_BUS", "bus")
    facts.publisher.cache_clear()
    return Bus("facts")


def of_clock(world: Place) -> Outcome:
    bus = telling(world)
    world.monkeypatch.setenv("LISTS", HWMON)
    check_freshness._progress.cache_clear()
    check_freshness._watched.cache_clear()
    repositories()["progress"].save(Source(f"lore:{HWMON}", last_success=utc_now() - timedelta(hours=4)))
    return lambda: (check_freshness.handler({}, Context()), bus.heard())


def of_counter(world: Place) -> Outcome:
    bus = telling(world)
    url = untroubled("sqs").create_queue(QueueName="threads-dlq")["QueueUrl"]
    world.monkeypatch.setenv("DEAD_LETTER_QUEUES", json.dumps({"threads": {"dlq": url, "service": "ingest"}}))
    check_dead_letters._queues.cache_clear()
    return lambda: (check_dead_letters.handler({}, Context()), bus.heard())


def of_access(world: Place) -> Outcome:
    bus = telling(world)
    watch_access._publisher.cache_clear()
    return lambda: (watch_access.handler(delivered(line(1, 401), line(2, 403)), Context()), bus.heard())


def of_operator(world: Place) -> Outcome:
    queues, sqs = world.functions.queues, untroubled("sqs")
    dlq = sqs.create_queue(QueueName="threads-dlq")["QueueUrl"]
    configured = {"threads": {"dlq": dlq, "queue": queues["threads"], "function": "fetch-threads"}}
    world.monkeypatch.setenv("DEAD_LETTER_QUEUES", json.dumps(configured))
    world.monkeypatch.setenv("REDRIVEN_FUNCTIONS", "fetch-threads")
    dead_letters._dead_letters.cache_clear()
    sqs.send_message(QueueUrl=dlq, MessageBody=json.dumps({"message_ids": [QUIET]}))

    def deliver() -> object:
        dead_letters.handler({"action": "redrive", "queue": "threads"}, Context())
        asked = sqs.get_queue_attributes(QueueUrl=queues["threads"], AttributeNames=["ApproximateNumberOfMessages"])
        return asked["Attributes"]["ApproximateNumberOfMessages"]

    return deliver


def of_sender(world: Place) -> Outcome:
    """What the phones got, and what is known of it."""
    reminders = reminders_of(world)
    process_reminders._processor.cache_clear()

    def deliver() -> object:
        process_reminders.handler({}, Context())
        got = [(kept.to, kept.message) for kept in world.upstreams.push.kept]
        return got, reminders.get("somebody", "r1")

    return deliver


def of_checker(world: Place) -> Outcome:
    reminders = reminders_of(world)
    process_reminders._processor.cache_clear()
    check_push_receipts._checker.cache_clear()
    process_reminders.handler({}, Context())
    later = utc_now() + timedelta(minutes=16)
    world.monkeypatch.setattr(check_push_receipts._checker(), "_clock", lambda: later)

    def deliver() -> object:
        check_push_receipts.handler({}, Context())
        return reminders.get("somebody", "r1")

    return deliver


def reminders_of(world: Place) -> ReminderRepository:
    """With one that is due, and its person's phone."""
    table = Table(aws.dynamodb_client(), table_name("people"))
    world.monkeypatch.setenv("PEOPLE_TABLE", table.name)
    world.monkeypatch.setenv("EXPO_URL", world.upstreams.expo_url)
    then = utc_now() - timedelta(minutes=1)
    phone = Device("ExponentPushToken[phone]", "somebody", Platform.IOS, "a phone", then)
    reminder = Reminder("r1", "somebody", "Taste it", "It is time", then, then)
    for write in (registered(phone), scheduled(reminder)):
        table.write([write], keys=KEYS)
    return ReminderRepository(table)


def of_trigger(run: Callable[[Market], object]) -> Callable[[Place], Outcome]:
    def case(world: Place) -> Outcome:
        market = make_market(world.monkeypatch)
        market.track("AAPL")
        market.reports("AAPL")

        def deliver() -> object:
            """The events, by whose ids and times consumers know what they have done."""
            run(market)
            return [(told["id"], told["occurred_at"], told["data"]) for told in market.told()]

        return deliver

    return case


def of_coverage(world: Place) -> Outcome:
    market = make_market(world.monkeypatch)
    market.track("AAPL", days=3)

    def deliver() -> object:
        market.count()
        kept = market.coverage.get()
        return kept and (kept.assets, kept.oldest, kept.newest)

    return deliver


def of_markets(begin: Callable[[MarketFunctions], Callable[[], object]]) -> Callable[[Place], Outcome]:
    """At the same moment each time; what is kept then."""

    def case(world: Place) -> Outcome:
        with time_machine.travel(NOW, tick=False) as time:
            functions = MarketFunctions(world.upstreams, time, world.monkeypatch)
            functions.track("QUIL", "IPOQ")
            again = begin(functions)

        def deliver() -> object:
            with time_machine.travel(NOW, tick=False) as functions.time:
                again()
                return collecting.stored()

        return deliver

    return case


def of_reading(name: str) -> Callable[[Place], Outcome]:
    return of_markets(lambda functions: lambda: functions.run(name))


def pollenated(functions: MarketFunctions) -> Callable[[], object]:
    def deliver() -> None:
        functions.need("IPOQ")
        functions.work()
        assert set(functions.asked().values()) == {1}
        assert functions.waiting == 0

    return deliver


def processed(functions: MarketFunctions) -> Callable[[], object]:
    expected = functions.expect("QUIL")
    told = {"symbol": "QUIL", "earnings_date": "2026-11-19", "fiscal_date_ending": str(expected.fiscal_date_ending)}

    def deliver() -> None:
        functions.mark({"detail": {"data": told}})
        assert functions.calendar.of_asset("QUIL")[0].processed_at

    return deliver


def of_request(world: Place) -> Outcome:
    """A client that lost the answer sends it again, under the same key."""
    arn = aws.secrets_client().create_secret(Name="cursor", SecretString="s" * 64)["ARN"]
    settings = {
        "PEOPLE_TABLE": table_name("people"),
        "ERASURES_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/erasures",
        "USER_POOL_ID": "pool",
        "CURSOR_SECRET_ARN": arn,
        "CORS_ORIGINS": "*",
        "AWS_BUDGET": "people",
    }
    for name, value in settings.items():
        world.monkeypatch.setenv(name, value)
    people.container.cache_clear()
    from api.people.handler import handler

    ask = Asker(handler, "/api/v1/me")

    def deliver() -> object:
        body = {"token": "ExpoPushToken[a]", "platform": "ios"}
        answer = ask.post("/devices", body, {"Idempotency-Key": "key"})
        assert answer.status == 201
        return answer.json, untroubled("dynamodb").scan(TableName=table_name("people"))["Items"]

    return deliver


def of_erasing(task: str) -> Callable[[Place], Outcome]:
    def case(world: Place) -> Outcome:
        bucket, user, batch = "photos", "somebody", "01BATCH"
        aws.s3_client().create_bucket(Bucket=bucket)
        queue = untroubled("sqs").create_queue(QueueName="erasures")["QueueUrl"]
        settings = {
            "PEOPLE_TABLE": table_name("people"),
            "PHOTOS_BUCKET": bucket,
            "ERASURES_QUEUE_URL": queue,
            "USER_POOL_ID": "pool",
        }
        for name, value in settings.items():
            world.monkeypatch.setenv(name, value)
        world.monkeypatch.setattr(UserPool, "remove", lambda *_: None)  # moto's pools need more than is installed
        erasing.eraser.cache_clear()
        table = Table(aws.dynamodb_client(), table_name("people"))
        made = Batch(batch, user, "Kefir", utc_now(), utc_now())
        for write in (new_batch(made), new_event(Event("01E", batch, user, EventKind.NOTE, utc_now()))):
            table.write([write], keys=KEYS)
        table.write([deleted_batch(made, utc_now())], keys=KEYS)
        AccountRepository(table).request_deletion(user, utc_now())
        aws.s3_client().put_object(Bucket=bucket, Key=f"users/{user}/batches/{batch}/1", Body=b"photo")
        record = sqs_record("1", json.dumps({"task": task, "user": user, "batch": batch}), queue="erasures")

        def deliver() -> object:
            assert erase.handler({"Records": [record]}, Context(milliseconds=300_000)) == {"batchItemFailures": []}
            asked = untroubled("sqs").get_queue_attributes(
                QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessagesDelayed"]
            )
            left = untroubled("dynamodb").scan(TableName=table.name)["Items"]
            return left, aws.s3_client().list_objects_v2(Bucket=bucket)["KeyCount"], asked["Attributes"]

        return deliver

    return case


def of_reader(world: Place) -> Outcome:
    """It may do nothing but read."""
    allowed = [
        action.partition(":")[2]
        for statement in functions_of("api")["kernel"]["iamRoleStatements"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        if not action.startswith("xray:")
    ]
    assert allowed
    assert not [action for action in allowed if action.startswith(WRITING)]
    return lambda: None


CASES: dict[str, list[Callable[[Place], Outcome]]] = {
    "ingest/fetch-patches": [
        of_schedule("fetch-patches", mode="recent"),
        of_schedule("fetch-patches", mode="full"),
        of_message("patches", task="patches", project=HWMON, mode="recent"),
        of_message("patches", task="statistics", project=HWMON, weeks=["2026-W41", "2026-W41"]),
    ],
    "ingest/fetch-discussions": [
        of_schedule("fetch-discussions", mode="recent"),
        of_message("discussions", task="discussions", list=HWMON, mode="refresh"),
        of_message("discussions", task="statistics", weeks=[f"{HWMON}#2026-W41"] * 2),
    ],
    "ingest/fetch-threads": [
        of_message("threads", message_ids=[ROOT, "nobody@x"]),
        of_message("threads", message_ids=["nobody@x"], if_missing=True),
        of_message("threads", tracked=["orphan@x"]),
    ],
    "ingest/refresh-discussions": [of_schedule("refresh-discussions")],
    "ingest/publish-changes": [of_stream],
    "ingest/publish-facts": [of_facts],
    "ingest/publish-events": [of_events(publishing), of_events(publishing_again)],
    "ingest/evaluate-alerts": [of_events(evaluating)],
    "ingest/record-facts": [of_events(recording)],
    "ingest/rebuild-read-model": [of_events(rebuilding)],
    "ingest/sync-assets": [of_reading("sync-assets")],
    "ingest/sync-earnings-calendar": [of_reading("sync-earnings-calendar")],
    "ingest/sync-news-sentiment": [of_reading("sync-news-sentiment")],
    "ingest/pollenate-asset": [of_markets(pollenated)],
    "ingest/mark-earnings-processed": [of_markets(processed)],
    "scheduler/check-freshness": [of_clock],
    "scheduler/check-dead-letters": [of_counter],
    "scheduler/process-reminders": [of_sender],
    "scheduler/check-push-receipts": [of_checker],
    "scheduler/dead-letters": [of_operator],
    "scheduler/trigger-earnings-pollenation": [of_trigger(Market.report_earnings)],
    "scheduler/trigger-regular-pollenation": [of_trigger(Market.choose)],
    "scheduler/check-coverage": [of_coverage],
    "api/kernel": [of_reader],
    "api/people": [of_request],
    "api/watch-access": [of_access],
    "api/erase": [of_erasing("batch"), of_erasing("person")],
}


ANSWERING = {
    "api/auth": "a person who asks again gets another code",
    "api/documentation": "writes nothing",
    "api/export": "an export asked for again is another file, which is gone after a day",
    "api/ferments": "with an Idempotency-Key, as tests/integration/api/ferments show for each of its routes",
    "api/markets": "asks for a pollenation again, which is made already; as tests/integration/api/markets show",
    "api/observability-commands": "with an Idempotency-Key, as tests/integration/api/observability show",
    "api/observability-queries": "writes nothing",
    "api/healthz": "writes nothing",
    "api/public": "writes nothing",
    "api/pre-sign-up": "answers by its event alone",
    "api/define-auth-challenge": "answers by its event alone",
    "api/create-auth-challenge": "asked again it makes and mails another code, and Cognito asks for the last",
    "api/verify-auth-challenge": "asked again it counts another try, as it must for whoever asks",
}
"""Those that answer somebody who waits: nobody but who asked asks again, and what that does."""


def test_every_function_has_a_case() -> None:
    services = [path.parent.name for path in SERVICES.glob("*/functions.yml")]
    assert {*CASES, *ANSWERING} == {f"{service}/{name}" for service in services for name in functions_of(service)}


def test_only_functions_that_somebody_waits_for_do_without() -> None:
    for name in ANSWERING:
        service, _, function = name.partition("/")
        assert {kind for event in functions_of(service)[function].get("events", []) for kind in event} <= {"httpApi"}


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{name}-{number}") for name in CASES for number, case in enumerate(CASES[name])]
)
def test_the_same_event_twice_is_as_good_as_once(world: Place, case: Callable[[Place], Outcome]) -> None:
    deliver = case(world)

    once = deliver()

    assert deliver() == once
