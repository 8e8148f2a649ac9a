"""The Expo-like push service against what is known of the real one."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from local.upstreams.expo import RECEIPTS, SEND, ExpoApplication, ExpoControl, Failing, Office, Rule, share_of
from local.upstreams.faults import Faults
from local.upstreams.http import Answer, Request, RequestLog

TOKEN = "ExponentPushToken[phone-1]"


@dataclass
class Phones:
    """The service, and a time that passes only when told."""

    now: float = 0.0
    office: Office = field(init=False)

    def __post_init__(self) -> None:
        self.office = Office(clock=lambda: self.now)
        self.application = ExpoApplication(self.office)
        self.control_requests = ExpoControl(self.office, Faults(), RequestLog())

    def ask(self, path: str, body: Any, **headers: str) -> Answer:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.application(Request("POST", path, headers, raw))

    def send(self, body: Any) -> Any:
        return self.data(self.ask(SEND, body))

    def receipts(self, *ids: str) -> Any:
        return self.data(self.ask(RECEIPTS, {"ids": ids}))

    def data(self, answer: Answer) -> Any:
        assert answer.status == 200, answer
        return json.loads(answer.whole())["data"]

    def control(self, method: str, action: str, **body: Any) -> tuple[int, Any]:
        answer = self.control_requests(Request(method, f"/_control/{action}", {}, json.dumps(body).encode()))
        return answer.status, json.loads(answer.whole())


@pytest.fixture
def phones() -> Phones:
    return Phones()


def to(token: str = TOKEN, **fields: Any) -> dict[str, Any]:
    return {"to": token, "title": "Bottle it", "body": "It is time", **fields}


def error_of(answer: Answer) -> dict[str, Any]:
    (error,) = json.loads(answer.whole())["errors"]
    found: dict[str, Any] = error
    return found


class TestSending:
    def test_a_list_is_answered_by_a_list_in_its_order(self, phones: Phones) -> None:
        first, second = phones.send([to(), to("ExpoPushToken[phone-2]")])

        assert first["status"] == second["status"] == "ok"
        assert [kept.ticket["id"] for kept in phones.office.kept] == [first["id"], second["id"]]

    def test_an_object_is_answered_by_an_object(self, phones: Phones) -> None:
        assert phones.send(to())["status"] == "ok"

    def test_every_recipient_of_a_message_has_a_ticket(self, phones: Phones) -> None:
        assert len(phones.send(to() | {"to": [TOKEN, "ExponentPushToken[phone-2]"]})) == 2

    def test_the_body_may_be_packed(self, phones: Phones) -> None:
        answer = phones.ask(SEND, gzip.compress(json.dumps([to()]).encode()), **{"content-encoding": "gzip"})

        assert answer.status == 200

    def test_recipients_count_not_messages(self, phones: Phones) -> None:
        fifty = [f"ExponentPushToken[{number}]" for number in range(50)]

        assert len(phones.send([to() | {"to": fifty}, to() | {"to": fifty}])) == 100
        refused = phones.ask(SEND, [to() | {"to": fifty}, to() | {"to": fifty}, to()])
        assert (refused.status, error_of(refused)["code"]) == (400, "PUSH_TOO_MANY_NOTIFICATIONS")

    def test_projects_do_not_mix_and_nothing_is_sent_then(self, phones: Phones) -> None:
        ours, theirs = "ExponentPushToken[ours--1]", "ExponentPushToken[theirs--1]"

        refused = phones.ask(SEND, [to(ours), to(theirs)])

        assert refused.status == 400
        assert error_of(refused)["code"] == "PUSH_TOO_MANY_EXPERIENCE_IDS"
        assert error_of(refused)["details"] == {"@sample/ours": [ours], "@sample/theirs": [theirs]}
        assert phones.office.kept == []

    @pytest.mark.parametrize("token", ["nonsense", "ExponentPushTokenGARBAGE", "ExpoPushToken[]"])
    def test_what_is_no_token_is_a_device_that_is_not_registered(self, phones: Phones, token: str) -> None:
        bad, good = phones.send([to(token), to()])

        assert bad["details"] == {"error": "DeviceNotRegistered", "expoPushToken": token}
        assert good["status"] == "ok"

    @pytest.mark.parametrize("token", [TOKEN, "ExpoPushToken[x]", "01234567-89ab-cdef-0123-456789abcdef"])
    def test_all_forms_of_tokens_are_known(self, phones: Phones, token: str) -> None:
        assert phones.send(to(token))["status"] == "ok"

    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"\xff",
            [to(title=7)],
            [to(data="text")],
            [{"title": "to nobody"}],
            [to() | {"to": []}],
            ["text"],
        ],
    )
    def test_what_cannot_be_read_costs_the_whole_request(self, phones: Phones, body: Any) -> None:
        refused = phones.ask(SEND, [to(), *body] if isinstance(body, list) else body)

        assert (refused.status, error_of(refused)["code"]) == (400, "VALIDATION_ERROR")
        assert phones.office.kept == []

    def test_there_is_nothing_else(self, phones: Phones) -> None:
        assert phones.ask("/", []).status == 404


class TestReceipts:
    def test_they_are_told_by_the_tickets_ids_and_what_is_unknown_is_absent(self, phones: Phones) -> None:
        ticket = phones.send(to())

        assert phones.receipts(ticket["id"], "unknown") == {ticket["id"]: {"status": "ok"}}

    def test_a_message_that_is_too_big_is_known_by_its_receipt(self, phones: Phones) -> None:
        ticket = phones.send(to(body="é" * 2048))

        assert phones.receipts(ticket["id"])[ticket["id"]]["details"]["error"] == "MessageTooBig"

    def test_they_take_as_long_as_told(self, phones: Phones) -> None:
        phones.control("POST", "receipts", seconds=900)
        ticket = phones.send(to())

        phones.now = 899
        assert phones.receipts(ticket["id"]) == {}
        phones.now = 900
        assert phones.receipts(ticket["id"])

    def test_they_can_be_held_back_for_ever(self, phones: Phones) -> None:
        phones.control("POST", "receipts", seconds=None)

        assert phones.receipts(phones.send(to())["id"]) == {}

    def test_a_request_has_a_thousand_ids_at_most(self, phones: Phones) -> None:
        refused = phones.ask(RECEIPTS, {"ids": ["x"] * 1001})

        assert error_of(refused)["code"] == "PUSH_TOO_MANY_RECEIPTS"
        assert phones.ask(RECEIPTS, {"ids": "x"}).status == 400


class TestTokens:
    def test_one_is_refused_at_once(self, phones: Phones) -> None:
        phones.control("POST", "tokens", token=TOKEN, error="DeviceNotRegistered")

        assert phones.send(to())["details"]["error"] == "DeviceNotRegistered"
        assert phones.office.kept == []

    def test_one_is_refused_in_the_receipt_only(self, phones: Phones) -> None:
        phones.control("POST", "tokens", token=TOKEN, error="InvalidCredentials", where="receipt")

        ticket = phones.send(to())

        assert phones.receipts(ticket["id"])[ticket["id"]]["details"]["error"] == "InvalidCredentials"

    def test_a_share_of_them_is_always_the_same(self, phones: Phones) -> None:
        phones.office.rules.append(Rule("DeviceNotRegistered", share=0.2))
        tokens = [f"ExponentPushToken[{number}]" for number in range(100)]

        tickets = phones.send([to(token) for token in tokens])

        refused = [token for token, ticket in zip(tokens, tickets, strict=True) if ticket["status"] == "error"]
        assert refused == [token for token in tokens if share_of(token) < 0.2]
        assert 5 < len(refused) < 40

    def test_a_problem_nobody_knows_is_refused(self, phones: Phones) -> None:
        assert phones.control("POST", "tokens", token=TOKEN, error="Nonsense")[0] == 400

    def test_they_are_well_again(self, phones: Phones) -> None:
        phones.control("POST", "tokens", token=TOKEN, error="DeviceNotRegistered")
        phones.control("DELETE", "tokens")

        assert phones.send(to())["status"] == "ok"


class TestFailing:
    def test_a_share_of_the_requests_fails_the_same_for_the_same_seed(self) -> None:
        def statuses() -> list[int]:
            phones = Phones()
            phones.office.fail(Failing(0.3, seed=4))
            return [phones.ask(SEND, []).status for _ in range(100)]

        assert statuses() == statuses()
        assert 15 < sum(status >= 429 for status in statuses()) < 45

    def test_it_says_how_long_to_wait_if_told_so(self, phones: Phones) -> None:
        phones.control("POST", "failing", share=1, statuses=[429], retry_after=7)

        answer = phones.ask(SEND, [to()])

        assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
        assert error_of(answer)["code"] == "TOO_MANY_REQUESTS"
        assert phones.office.kept == []

    def test_it_can_be_bound_to_a_path_and_end(self, phones: Phones) -> None:
        phones.control("POST", "failing", share=1, statuses=[502], path="getReceipts")

        assert phones.ask(SEND, [to()]).status == 200
        assert phones.ask(RECEIPTS, {"ids": []}).status == 502
        phones.control("DELETE", "failing")
        assert phones.ask(RECEIPTS, {"ids": []}).status == 200


class TestWhatWasGot:
    def test_messages_are_kept_with_their_tickets(self, phones: Phones) -> None:
        ticket = phones.send(to(data={"batch": "b1"}))

        (kept,) = phones.control("GET", "messages")[1]["messages"]

        assert (kept["to"], kept["title"], kept["body"], kept["data"]) == (
            TOKEN,
            "Bottle it",
            "It is time",
            {"batch": "b1"},
        )
        assert kept["ticket"] == ticket

    def test_they_can_be_forgotten(self, phones: Phones) -> None:
        ticket = phones.send(to())
        phones.control("DELETE", "messages")

        assert phones.control("GET", "messages")[1] == {"messages": []}
        assert phones.receipts(ticket["id"]) == {}

    def test_a_reset_forgets_what_was_told_too(self, phones: Phones) -> None:
        phones.control("POST", "failing", share=1)
        phones.control("POST", "tokens", token=TOKEN, error="DeviceNotRegistered")
        phones.control("POST", "receipts", seconds=None)

        assert phones.control("POST", "reset")[0] == 200

        assert phones.receipts(phones.send(to())["id"])

    def test_what_every_server_has_is_there_and_the_world_is_not(self, phones: Phones) -> None:
        assert phones.control("GET", "requests")[0] == 200
        assert phones.control("POST", "faults", kind="dropped")[0] == 201
        assert phones.control("GET", "world")[0] == 404
