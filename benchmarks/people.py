"""What the routes of people and of the ferments watch ask of AWS: requests, and the units of DynamoDB.

The deployed handlers run on an emulated DynamoDB; units are computed from the sizes of the items (see
``benchmarks.units``). The user pool is the one of the integration tests, which calls the triggers' code. All is counted
in an execution environment that has answered before, and is the same on every machine. Run it with
``python -m benchmarks.people``.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from moto import mock_aws

from benchmarks.figures import Figure, Target
from benchmarks.functions import ENVIRONMENT, environment
from benchmarks.ingest import quiet
from benchmarks.units import UnitMeter, WireItem, meter
from tests.integration.api.asking import Asker
from tests.integration.api.conftest import Reply
from tests.integration.tables import create_tables, table_name
from watchkeeper import aws
from watchkeeper.budgets import DOWNLOADS, PEOPLE

if TYPE_CHECKING:
    from tests.integration.api.signin.pool import UserPool

QUICK = {"events": 5, "batches": 3}

_EMAIL = "ada@example.org"
_BATCH = {
    "name": "Ginger and lemon",
    "water_ml": 2000,
    "sugar_g": 120,
    "fruits": ["ginger", "lemon"],
    "notes": "x" * 200,
}
_NOTE = {"kind": "note", "text": "It smells of ginger, and there are bubbles."}
_DEVICE = {"token": "ExponentPushToken[phone-0000000000000001]", "platform": "ios", "name": "Ada's phone"}

_OTHERS = (aws.s3_client, aws.sqs_client, aws.secrets_client)


@dataclass(slots=True)
class Counted:
    """What was asked since the last `taken`."""

    meter: UnitMeter
    calls: Counter[str] = field(default_factory=Counter)

    def note(self, model: Any, **_: Any) -> None:
        """Of a client, before it calls."""
        self.calls[model.name] += 1

    def taken(self) -> dict[str, Any]:
        used, calls = self.meter.used, +self.calls
        self.meter.used = self.meter.new_account()
        self.calls.clear()
        units = {"write_units": used.write_units(), "read_units": used.read_units()}
        return {"requests": calls.total(), **units, "by_operation": dict(calls)}


@dataclass(frozen=True, slots=True)
class Api:
    """The functions, and what they ask for."""

    auth: Asker
    ferments: Asker
    export: Asker
    people: Asker
    public: Asker
    pool: "UserPool"
    counted: Counted


def run(*, batches: int = 40, events: int = 100) -> dict[str, Any]:
    """A person with so many batches, one of which is shared and has so many events."""
    with deployed() as api:
        return {
            "benchmark": "people",
            "batches": batches,
            "events": events,
            "operations": _counts(api, batches, events),
        }


def figures(result: Mapping[str, Any]) -> Iterator[Figure]:
    """Without the units that are none, but for those that must be."""
    for name, cost in result["operations"].items():
        target = Target("=", 0) if name.endswith("again") else None
        yield Figure(f"{name}: AWS requests", cost["requests"])
        if target or cost["write_units"]:
            yield Figure(f"{name}: write units", cost["write_units"], "", target)
        if cost["read_units"]:
            yield Figure(f"{name}: read units", cost["read_units"])


def _counts(api: Api, batches: int, events: int) -> dict[str, Any]:
    first, second = _fill(api, batches, events)
    return {name: _count(api, operation) for name, operation in _operations(api, first, second, events)}


def _fill(api: Api, batches: int, events: int) -> tuple[str, str]:
    """The paths of the batch with events, and of another."""
    made = [_done(api.ferments.post("/batches", _BATCH | {"public": True})).json["id"] for _ in range(batches)]
    first, second = (f"/batches/{made[number]}" for number in (0, 1))
    for number in range(events):
        _done(api.ferments.post(f"{first}/events", _NOTE | {"text": f"{_NOTE['text']} {number}"}))
    for warm in (api.ferments.get("/batches"), api.people.get("/devices"), api.auth.post("/login", {"email": _EMAIL})):
        _done(warm)
    return first, second


def _operations(api: Api, first: str, second: str, events: int) -> Iterator[tuple[str, Callable[[], Reply]]]:
    key = {"Idempotency-Key": "fc2d1b2e-0b0d-4f5e-9a3c-6f1f5a3b9d10"}
    session: list[str] = []

    def login() -> Reply:
        reply = api.auth.post("/login", {"email": _EMAIL})
        session.append(reply.json["session"])
        return reply

    def verify() -> Reply:
        return api.auth.post("/verify", {"email": _EMAIL, "session": session[-1], "code": api.pool.code})

    yield "log in", login
    yield "verify", verify
    yield "begin a batch", partial(api.ferments.post, "/batches", _BATCH)
    yield "begin a batch, with a key", partial(api.ferments.post, "/batches", _BATCH, key)
    yield "begin a batch, with a key, again", partial(api.ferments.post, "/batches", _BATCH, key)
    yield "list 30 batches", partial(api.ferments.get, "/batches?limit=30")
    yield "read a batch", partial(api.ferments.get, first)
    yield "change a batch", partial(api.ferments.patch, first, {"notes": "y" * 200})
    yield "bottle a batch", partial(api.ferments.post, f"{first}/stage", {"stage": 2, "bottle_count": 6})
    yield "note an event", partial(api.ferments.post, f"{first}/events", _NOTE)
    yield "list 30 events", partial(api.ferments.get, f"{first}/events?limit=30")
    suggested = [{"key": one["key"]} for one in api.ferments.get(f"{second}/reminders/suggestions").json["items"][:2]]
    yield "confirm 2 reminders", partial(api.ferments.post, f"{second}/reminders/confirm", {"reminders": suggested})
    yield "finish a batch with 2 reminders", partial(api.ferments.patch, second, {"status": "done"})
    yield "register a device", partial(api.people.post, "/devices", _DEVICE)
    yield "list devices", partial(api.people.get, "/devices")
    yield f"export {events} events", partial(api.export.get, "/export.csv")
    yield "public page", partial(api.public.get, f"/b/{first.rpartition('/')[2]}")


def _count(api: Api, operation: Callable[[], Reply]) -> dict[str, Any]:
    api.counted.taken()
    _done(operation())
    return api.counted.taken()


def _done(reply: Reply) -> Reply:
    if reply.status >= 300:
        raise AssertionError(reply.text)
    return reply


@contextmanager
def deployed() -> Iterator[Api]:
    """The functions on empty tables."""
    with environment(), mock_aws(), quiet(), ExitStack() as stack:
        aws.forget_clients()
        stack.callback(aws.forget_clients)
        create_tables(aws.dynamodb_client())
        secret = aws.secrets_client().create_secret(Name="cursor", SecretString="s" * 64)["ARN"]
        queue = aws.sqs_client().create_queue(QueueName="erasures")["QueueUrl"]
        aws.s3_client().create_bucket(Bucket=ENVIRONMENT["PHOTOS_BUCKET"])
        stack.enter_context(environment(CURSOR_SECRET_ARN=secret, ERASURES_QUEUE_URL=queue))
        yield _functions(stack, _watched(stack))


def _watched(stack: ExitStack) -> Counted:
    """Counts what people's clients ask for; the others' lay the ground."""
    counted = Counted(meter(_look))
    for budget in (PEOPLE, DOWNLOADS):
        stack.enter_context(counted.meter.watching(aws.dynamodb_client(budget)))
        for client in (aws.dynamodb_client(budget), *(other(budget) for other in _OTHERS)):
            client.meta.events.register("before-call", counted.note)
    return counted


def _look(table: str, key: WireItem) -> WireItem:
    answer: Any = aws.dynamodb_client().get_item(TableName=table, Key=key, ConsistentRead=True)
    item: WireItem = answer["Item"]
    return item


def _functions(stack: ExitStack, counted: Counted) -> Api:
    """With what they are built from made anew, inside this cloud; and a user pool in memory."""
    from api.ferments import container as ferments_parts
    from api.ferments.exporting import container as export_parts
    from api.ferments.sharing import container as public_parts
    from api.people import container as people_parts
    from api.people.signin import container as auth_parts
    from api.web.secrets import secret

    caches = [parts.container for parts in (ferments_parts, export_parts, public_parts, people_parts, auth_parts)]
    for cached in (*caches, secret):
        cached.cache_clear()
        stack.callback(cached.cache_clear)

    from api.ferments.exporting.handler import handler as export
    from api.ferments.handler import handler as ferments
    from api.ferments.sharing.handler import handler as public
    from api.people.handler import handler as people
    from api.people.signin.handler import handler as auth

    pool = _pool(stack, counted)
    return Api(
        auth=Asker(auth, "/api/v1/auth", user=""),
        ferments=Asker(ferments, "/api/v1/ferments"),
        export=Asker(export, "/api/v1/ferments"),
        people=Asker(people, "/api/v1/me"),
        public=Asker(public, "/api/v1/public", user=""),
        pool=pool,
        counted=counted,
    )


def _pool(stack: ExitStack, counted: Counted) -> "UserPool":
    from api.people.signin import routes
    from api.people.signin.codes import Codes
    from api.people.signin.cognito import CognitoSessions, CognitoSignIn, Pool
    from api.people.signin.container import Container, refusals_told_to
    from api.people.signin.entering import Entrance
    from api.people.signin.limits import Limits
    from api.people.signin.settings import SignInSettings
    from tests.integration.api.signin.pool import CLIENT, POOL, UserPool
    from watchkeeper.budgets import Deadline
    from watchkeeper.clock import utc_now
    from watchkeeper.dynamodb import Table

    table = Table(aws.dynamodb_client(PEOPLE), table_name("sign-in"))
    pool = UserPool(Codes(table, utc_now))
    client: Any = _CountedPool(pool, counted.calls)
    ways = Pool(client, client, POOL, CLIENT)
    limits, telling = Limits(table, utc_now, ways.key), refusals_told_to("events")
    entrance = Entrance(CognitoSignIn(ways), CognitoSessions(ways), limits, telling)
    parts = Container(SignInSettings.from_environment(), entrance, Deadline())
    stack.enter_context(patch.object(routes, "container", lambda: parts))
    return pool


class _CountedPool:
    """What is asked of the pool, and the mail it makes a trigger send."""

    def __init__(self, pool: "UserPool", calls: Counter[str]) -> None:
        self._pool = pool
        self._calls = calls

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**parameters: Any) -> Any:
            mails = len(self._pool.mails)
            try:
                return getattr(self._pool, operation)(**parameters)
            finally:
                self._calls["".join(part.title() for part in operation.split("_"))] += 1
                self._calls["SendEmail"] += len(self._pool.mails) - mails

        return call


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
