"""Attacks by people who have signed in: on others' data, with unknown fields, and with malformed requests."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from tests.e2e import wire
from tests.e2e.kitchen import begin, photograph
from tests.e2e.people import Json, People, Person, expect, problem
from tests.e2e.watch import Watch

JSON = ("Content-Type", "application/json")
UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
IN_A_WEEK = 7 * 24 * 60

BODIES: Mapping[str, Json] = {
    "change_batch": {"name": "Mine", "public": True},
    "bottle_batch": {"stage": 2},
    "add_event": {"kind": "note", "text": "I was here"},
    "add_photo": {"content_type": "image/png"},
    "confirm_reminders": {"reminders": [{"key": "taste", "title": "Mine"}]},
    "snooze_reminder": {"minutes": IN_A_WEEK},
}
"""A good one for every operation that names something and takes a body: a new one without is noticed."""

OF_GROUPS = "/api/v1/observability/"
NOBODYS = ("/api/v1/kernel/", "/api/v1/markets/", "/api/v1/public/", OF_GROUPS)
"""Where names are of things that belong to nobody, or are shared."""

METHODS = ("get", "post", "patch", "put", "delete")


class Operation(NamedTuple):
    name: str
    method: str
    path: str
    takes_body: bool
    statuses: frozenset[int]

    def at(self, names: Mapping[str, str]) -> str:
        return self.path.removeprefix("/api/v1/").format_map(names)


@pytest.fixture(scope="module")
def operations(maker: Person) -> list[Operation]:
    paths = maker.read("openapi.json")["paths"]
    return [
        Operation(
            told["operationId"], method.upper(), path, "requestBody" in told, frozenset(map(int, told["responses"]))
        )
        for path, methods in paths.items()
        for method, told in methods.items()
        if method in METHODS and path.startswith("/api/")
    ]


@pytest.fixture(scope="module")
def names(maker: Person) -> Mapping[str, str]:
    """Everything of the maker's that has one, by the name of its parameter."""
    return everything_of(maker, "ExponentPushToken[maker-1]")


def everything_of(person: Person, token: str) -> dict[str, str]:
    batch = begin(person)["id"]
    event = expect(person.post(f"ferments/batches/{batch}/events", {"kind": "note", "text": "Smells good"}), 201)
    photo = photograph(person, batch)
    chosen = {"reminders": [{"key": "taste"}]}
    [reminder] = expect(person.post(f"ferments/batches/{batch}/reminders/confirm", chosen), 201)["items"]
    device = expect(person.post("me/devices", {"token": token, "platform": "ios"}), 201)
    return {
        "batch_id": batch,
        "event_id": event["id"],
        "photo_id": photo,
        "reminder_id": reminder["id"],
        "device_id": device["id"],
    }


def owned(operations: list[Operation]) -> Iterator[Operation]:
    """Those that name somebody's own."""
    return (one for one in operations if "{" in one.path and not one.path.startswith(NOBODYS))


def told_of(person: Person, operation: Operation, names: Mapping[str, str]) -> tuple[int, Json]:
    """What an answer says, but the request's own id."""
    body = BODIES[operation.name] if operation.takes_body else None
    answer = person.ask(operation.method, operation.at(names), body)
    return answer.status_code, answer.json() | {"correlation_id": None}


def everything_seen_by(person: Person, names: Mapping[str, str]) -> list[Any]:
    batch = f"ferments/batches/{names['batch_id']}"
    seen = [batch, f"{batch}/events", f"{batch}/photos", "me/reminders", "me/devices"]
    return [person.read(path) for path in seen]


def test_what_is_anothers_is_told_like_what_is_not_there(
    maker: Person, attacker: Person, operations: list[Operation], names: Mapping[str, str]
) -> None:
    own = everything_of(attacker, "ExponentPushToken[attacker-1]")
    unknown = dict.fromkeys(names, UNKNOWN) | {"device_id": "0" * 32}
    before = everything_seen_by(maker, names)

    found = list(owned(operations))
    assert {name for one in found for name in names if f"{{{name}}}" in one.path} == names.keys()
    for operation in found:
        anothers, nobodys = (told_of(attacker, operation, tried) for tried in (names, unknown))
        assert anothers == nobodys, operation
        assert anothers[0] == 404, operation
        if operation.path.count("{") > 1:
            through_own = told_of(attacker, operation, {**names, "batch_id": own["batch_id"]})
            assert through_own == nobodys, operation

    assert everything_seen_by(maker, names) == before


def test_lists_cursors_and_keys_are_everybodys_own(maker: Person, attacker: Person, names: Mapping[str, str]) -> None:
    begin(maker, name="Another")
    cursor = maker.read("ferments/batches", limit=1)["cursor"]
    key = {"Idempotency-Key": "the-same-for-both"}

    assert names["batch_id"] not in attacker.get("ferments/batches").text
    assert attacker.read("me/reminders", batch=names["batch_id"])["items"] == []
    assert names["batch_id"] not in attacker.get("ferments/export.csv").text
    assert problem(attacker.get("ferments/batches", limit=1, cursor=cursor), 400) == "invalid-cursor"
    batches = [expect(person.post("ferments/batches", {"name": "N"}, key), 201) for person in (maker, attacker)]
    assert batches[0]["id"] != batches[1]["id"]


NOT_OFFERED = {
    "id": UNKNOWN,
    "user": "somebody",
    "sub": "somebody",
    "owner": "somebody",
    "version": 99,
    "created_at": "2020-01-01T00:00:00Z",
    "photos": [UNKNOWN],
    "stage": 2,
    "PK": "USER#somebody",
    "GSI1PK": "PUBLIC#1",
    "deleted_at": None,
    "__proto__": {"admin": True},
    "$set": {"public": True},
}


def test_fields_that_nobody_offers_are_refused(maker: Person, names: Mapping[str, str]) -> None:
    batch = f"ferments/batches/{names['batch_id']}"
    before = maker.read(batch)
    refused = [
        answer
        for name, value in NOT_OFFERED.items()
        for answer in (
            maker.post("ferments/batches", {"name": "Good", name: value}),
            maker.patch(batch, {name: value}),
            maker.post(f"{batch}/events", {"kind": "note", "text": "Good", name: value}),
            maker.post("me/devices", {"token": "ExpoPushToken[x]", "platform": "ios", name: value}),
            maker.post("auth/login", {"email": maker.email, name: value}),
        )
    ]
    refused += [maker.post("ferments/batches", {"name": "Good", "status": "archived"})]
    refused += [maker.post(f"{batch}/events", {"kind": kind}) for kind in ("stage_change", "status_change")]

    assert {answer.status_code for answer in refused} == {422}
    assert maker.read(batch) == before


def test_names_in_paths_lead_nowhere_else(maker: Person, names: Mapping[str, str]) -> None:
    batch, event = names["batch_id"], names["event_id"]
    tried = [
        *(f"ferments/batches/{name}" for name in INJECTED),
        *(f"ferments/batches/{batch}/events/{name}" for name in INJECTED),
        *(f"me/reminders/{name}" for name in INJECTED),
        *(f"me/devices/{name}" for name in INJECTED),
        *(f"public/b/{name}" for name in INJECTED),
        f"ferments/batches/{batch}%2Fevents%2F{event}%00",
        f"ferments/batches/{batch.lower()}",
        f"ferments//batches/{batch}",
        f"ferments/batches/{batch}/",
    ]

    for path in tried:
        answer = wire.send(maker, "GET", path, wire.signed(maker))
        assert answer.status in (400, 404, 405, 422), path
        assert "x-injected" not in answer.headers, path


INJECTED = (
    "..",
    "%2e%2e",
    "%2e%2e%2f%2e%2e%2fme",
    "..%5c..",
    "%00",
    "%0d%0aX-Injected:%201",
    "%0aX-Injected:%201",
    "%252e%252e",
    "%ff%fe",
    "%f0%9f%8d%b6",
    "BATCH%23",
    "*",
    "'%20OR%20'1'='1",
    "%7B%7B7*7%7D%7D",
    "a" * 3000,
)


def test_headers_cannot_be_made_to_say_more(maker: Person, names: Mapping[str, str]) -> None:
    batch = f"ferments/batches/{names['batch_id']}"
    evil: tuple[str | bytes, ...] = (
        "a%0d%0aX-Injected: 1",
        b"a\r\n X-Injected: 1",
        "a\tb",
        "x" * 5000,
        b"\xe2\x80\xa8\xff",
        '"}{"level":"ERROR"',
    )
    for value in evil:
        own = [("X-Correlation-Id", value), ("If-None-Match", value), ("User-Agent", value)]
        read = wire.send(maker, "GET", batch, wire.signed(maker, *own))
        made = wire.send(
            maker, "POST", "ferments/batches", wire.signed(maker, JSON, ("Idempotency-Key", value)), b'{"name":"K"}'
        )
        changed = wire.send(maker, "PATCH", batch, wire.signed(maker, JSON, ("If-Match", value)), b'{"name":"K"}')

        assert read.status in (200, 400, 431), value
        assert made.status in (201, 400, 422, 431), value
        assert changed.status in (400, 412, 431), value
        for answer in (read, made, changed):
            assert "x-injected" not in answer.headers
            assert answer.headers.get("x-correlation-id", "").isprintable()
            assert len(answer.headers.get("x-correlation-id", "")) <= 64


DEEP = b'{"name":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
BAD_BODIES: tuple[tuple[bytes, set[int]], ...] = (
    (b"", {400, 422}),
    (b"{", {400}),
    (b"\xff\xfe", {400}),
    (b'{"name": "\\ud800"}', {400, 422}),
    (b'{"name": NaN}', {400}),
    (b'{"name": "N", "water_ml": Infinity}', {400}),
    (b'{"name": "N", "sugar_g": 1e999}', {400, 422}),
    (b'{"name": "N", "water_ml": 1' + b"0" * 400 + b"}", {400, 422}),
    (b'{"name": "N", "sugar_g": -0.0000001}', {422}),
    (b'{"name": "N", "water_ml": 1.5}', {422}),
    (b'{"name": "N", "water_ml": true}', {422}),
    (b'{"name": "N\\u0000"}', {422}),
    (b'{"name": "' + b"n" * 101 + b'"}', {422}),
    (b"null", {400, 422}),
    (b"[]", {422}),
    (b'"name"', {422}),
    (b"[" * 30_000, {400}),
    (DEEP, {400, 422}),
    (b'{"name": "' + b"n" * 100_000 + b'"}', {413}),
)


def test_bodies_that_are_none_are_refused(maker: Person) -> None:
    for body, statuses in BAD_BODIES:
        answer = wire.send(maker, "POST", "ferments/batches", wire.signed(maker, JSON), body)
        assert answer.status in statuses, (body[:60], answer.status, answer.body[:300])
        assert answer.headers["content-type"] == "application/problem+json", body[:60]

    twice = wire.send(maker, "POST", "ferments/batches", wire.signed(maker, JSON), b'{"name":"A","name":"B"}')
    assert (twice.status, twice.json["name"]) in ((201, "B"), (400, None), (422, None)), "the last one counts"


def test_bodies_of_other_kinds_are_refused(maker: Person) -> None:
    kinds = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml", "jsonp", "")
    refused = [
        wire.send(maker, "POST", "ferments/batches", wire.signed(maker, ("Content-Type", kind)), b'{"name":"N"}')
        for kind in kinds
    ]
    bare = wire.send(maker, "POST", "ferments/batches", wire.signed(maker), b'{"name":"N"}')

    assert {answer.status for answer in (*refused, bare)} == {415}
    good = wire.send(
        maker,
        "POST",
        "ferments/batches",
        wire.signed(maker, ("Content-Type", "Application/JSON; charset=utf-8")),
        '{"name":"Žluťoučký 🍶"}'.encode(),
    )
    assert (good.status, good.json["name"]) == (201, "Žluťoučký 🍶")


def test_huge_bodies_are_refused_by_whoever_sees_them_first(people: People, maker: Person) -> None:
    """Lambda takes six megabytes, and we much less."""
    for size in (100_000, 7_000_000):
        body = json.dumps({"email": "a" * size}).encode()
        for person, path in ((people.stranger("nobody"), "auth/login"), (maker, "ferments/batches"), (maker, "me")):
            headers = wire.signed(person, JSON) if person.tokens else [JSON]
            answer = wire.send(person, "POST", path, headers, body)
            assert answer.status == (405 if path == "me" else 413), (size, path, answer.body[:300])


def test_methods_that_are_not_there_are_told(
    maker: Person, operations: list[Operation], names: Mapping[str, str]
) -> None:
    known: dict[str, set[str]] = {}
    for operation in operations:
        known.setdefault(operation.path, set()).add(operation.method)
    for path, methods in known.items():
        there = path.removeprefix("/api/v1/").format_map(Anything(names))
        for method in {"GET", "POST", "PATCH", "PUT", "DELETE"} - methods:
            answer = maker.ask(method, there, {} if method in ("POST", "PATCH", "PUT") else None)
            assert problem(answer, 405) == "method-not-allowed", (method, path)
            allowed = set(answer.headers["Allow"].split(", "))
            assert allowed == methods | ({"HEAD"} if "GET" in methods else set()), path


class Anything(dict[str, str]):
    """Something for every name."""

    def __missing__(self, name: str) -> str:
        return "1"


def test_browsers_may_write_from_other_sites(people: People, maker: Person, names: Mapping[str, str]) -> None:
    headers = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type,if-match,idempotency-key",
    }
    asked = people.stranger("browser").ask("OPTIONS", f"ferments/batches/{names['batch_id']}", headers=headers)
    answer = maker.get("me", {"Origin": "https://app.example"})

    assert asked.status_code in (200, 204)
    assert "PATCH" in asked.headers["Access-Control-Allow-Methods"]
    allowed = {name.strip().lower() for name in asked.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"authorization", "content-type", "if-match", "idempotency-key"} <= allowed
    assert "Access-Control-Allow-Credentials" not in asked.headers
    exposed = {name.strip() for name in answer.headers["Access-Control-Expose-Headers"].split(",")}
    assert {"ETag", "Location", "Retry-After", "X-Correlation-Id"} <= exposed


def test_no_operation_breaks(
    maker: Person, watch: Watch, operations: list[Operation], names: Mapping[str, str]
) -> None:
    """What no operation expects is answered as its description says."""
    bodies: tuple[Any, ...] = (None, [], {}, "x", 0, {"reminders": {}}, {"kind": []}, {"token": {"$ne": 1}})
    queries: tuple[dict[str, str], ...] = (
        {},
        {"limit": "0"},
        {"limit": "1e9"},
        {"cursor": "\x00"},
        {"status": "'"},
        {"stage": "3"},
        {"a": "[]"},
    )
    for operation in operations:
        person = watch.admin if operation.path.startswith(OF_GROUPS) else maker
        path = operation.at(Anything({**names, "batch_id": UNKNOWN}))
        asked = [person.ask(operation.method, path, body) for body in bodies] if operation.takes_body else []
        if operation.method == "GET":
            asked = [person.get(f"{path}?{'&'.join(f'{k}={quote(v)}' for k, v in query.items())}") for query in queries]
        for answer in asked:
            assert answer.status_code in operation.statuses, (operation, answer.status_code, answer.text[:300])
