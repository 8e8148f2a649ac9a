import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.integration.api.asking import Asker
from tests.integration.api.events import USER
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.dynamodb import Table, Write
from watchkeeper.ferments.models import Batch, Event, EventKind, Timing
from watchkeeper.ferments.repository import changed_batch, deleted_batch, new_batch, new_event
from watchkeeper.people.accounts import AccountRepository
from watchkeeper.people.table import KEYS

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SHARED = "01KAG1C2SR0000000000000001"
PRIVATE = "01KAG1C2SR0000000000000002"
DELETED = "01KAG1C2SR0000000000000003"
UNSHARED = "01KAG1C2SR0000000000000004"
UNKNOWN = "01KAG1C2SR0000000000000005"
LEAVER = "c9f0f895-fb98-4b91-9d3a-1f2e3d4c5b6a"
LEAVERS = "01KAG1C2SR0000000000000006"
URL = f"https://api.example.org/api/v1/public/b/{SHARED}"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
NOT_THERE = [
    PRIVATE,
    DELETED,
    UNSHARED,
    UNKNOWN,
    LEAVERS,
    SHARED.lower(),
    SHARED[:-1],
    f"{SHARED}0",
    f"{SHARED}/",
    f"{SHARED}/photos",
    f"{SHARED}%0D%0ASet-Cookie:%20a=b",
    f"{SHARED}%0A",
    f"{SHARED}%00",
    "../../../etc/passwd",
    "%2e%2e/me",
    "<script>alert(1)</script>",
    "USER%23x",
    "%F0%9F%98%80",
    "x" * 3000,
    "",
]


def a_batch(batch: str, user: str = USER, *, public: bool = True) -> Batch:
    return Batch(
        batch,
        user,
        "Ginger",
        NOON,
        NOON,
        stage1=Timing(NOON, 48),
        notes="secret notes",
        public=public,
        public_note="for all",
        photos=("secret-photo",),
    )


@pytest.fixture
def table(people_environment: None) -> Table:
    table = Table(aws.dynamodb_client(), table_name("people"))
    write(table, *(new_batch(a_batch(batch)) for batch in (SHARED, DELETED, UNSHARED)))
    write(table, new_batch(a_batch(PRIVATE, public=False)), new_batch(a_batch(LEAVERS, LEAVER)))
    write(table, new_event(Event(UNKNOWN, SHARED, USER, EventKind.NOTE, NOON, text="secret event")))
    write(table, deleted_batch(a_batch(DELETED), NOON))
    write(table, changed_batch(replace(a_batch(UNSHARED), public=False, version=2), was=1))
    AccountRepository(table).request_deletion(LEAVER, NOON)
    return table


def write(table: Table, *writes: Write) -> None:
    for one in writes:
        table.write([one], keys=KEYS)


@pytest.fixture
def ask(table: Table) -> Iterator[Asker]:
    from api.ferments.sharing.container import container

    container.cache_clear()
    from api.ferments.sharing.handler import handler

    yield Asker(handler, "/api/v1/public/b/", user="")
    container.cache_clear()


class TestData:
    def test_it_is_for_everybody(self, ask: Asker) -> None:
        answer = ask.get(SHARED)

        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
        assert (answer.json["name"], answer.json["public_note"]) == ("Ginger", "for all")
        assert (answer.json["url"], answer.json["qr_url"]) == (URL, f"{URL}/qr.svg")

    def test_it_is_of_the_documented_shape(self, ask: Asker) -> None:
        from pydantic import TypeAdapter

        from api.ferments.sharing.views import PublicBatch

        TypeAdapter(PublicBatch).validate_json(ask.get(SHARED).text, strict=True)

    def test_it_is_kept_for_a_minute_and_for_no_search_engine(self, ask: Asker) -> None:
        for headers in ({}, BROWSER):
            answer = ask.get(SHARED, headers)

            assert answer.headers["Cache-Control"] == "public, max-age=60"
            assert answer.headers["X-Robots-Tag"] == "noindex"
            assert answer.headers["Vary"] == "Accept, User-Agent, Accept-Encoding, Origin"
            assert ask.get(SHARED, {**headers, "If-None-Match": answer.headers["ETag"]}).status == 304


class TestPage:
    def test_browsers_get_one(self, ask: Asker) -> None:
        answer = ask.get(SHARED, BROWSER)

        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert answer.text.startswith("<!doctype html>")
        assert '<h1 dir="auto">Ginger</h1>' in answer.text
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")

    def test_its_addresses_are_ours_whatever_the_request_says(self, ask: Asker) -> None:
        said = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}

        for path in (SHARED, f"{SHARED}/qr.svg"):
            for headers in (said, BROWSER | said):
                assert "evil.example" not in ask.get(path, headers).text
        assert f'<link rel="canonical" href="{URL}">' in ask.get(SHARED, BROWSER | said).text

    def test_texts_of_people_are_no_markup(self, ask: Asker, table: Table) -> None:
        attack = "\"><script>alert('x')</script>"
        write(table, changed_batch(replace(a_batch(SHARED), name=attack, public_note=attack), was=1))

        assert "<script" not in ask.get(SHARED, BROWSER).text
        assert ask.get(SHARED).json["name"] == attack


class TestQrCode:
    def test_it_is_a_drawing_that_may_be_kept(self, ask: Asker) -> None:
        answer = ask.get(f"{SHARED}/qr.svg", BROWSER)

        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/svg+xml")
        assert answer.headers["Cache-Control"] == "public, max-age=86400"
        assert f"<title>QR code that leads to {URL}</title>" in answer.text
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("headers", [{}, BROWSER])
def test_nothing_private_is_shown(ask: Asker, headers: dict[str, str]) -> None:
    answers = [ask.get(SHARED, headers), ask.get(f"{SHARED}/qr.svg", headers)]
    said = "".join(answer.text + json.dumps(answer.headers) for answer in answers)

    assert [answer.status for answer in answers] == [200, 200]
    assert not [word for word in ("secret", USER, "version", "created_at", "reminder") if word in said]


@pytest.mark.parametrize("headers", [{}, BROWSER])
def test_head_is_answered_like_get_without_a_body(ask: Asker, headers: dict[str, str]) -> None:
    said = headers | {"X-Correlation-Id": "mine"}
    for path in (SHARED, f"{SHARED}/qr.svg", PRIVATE):
        got, head = ask.get(path, said), ask("HEAD", path, headers=said)

        assert (head.status, head.headers, head.octets) == (got.status, got.headers, b"")


class TestWhatIsNotThere:
    @pytest.mark.parametrize("headers", [{}, BROWSER])
    def test_it_is_the_same_for_all_of_it(self, ask: Asker, headers: dict[str, str]) -> None:
        said = headers | {"X-Correlation-Id": "mine"}
        known = ask.get(UNKNOWN, said)
        answers = {path: ask.get(path, said) for batch in NOT_THERE for path in (batch, f"{batch}/qr.svg")}

        assert known.status == 404
        assert [path for path, answer in answers.items() if answer != known] == []

    def test_it_is_a_problem_to_programs(self, ask: Asker) -> None:
        answer = ask.get(UNKNOWN)

        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json["type"] == "urn:watchkeeper:problem:not-found"
        assert answer.headers["Vary"] == "Accept, User-Agent, Accept-Encoding, Origin"

    def test_and_a_page_to_browsers(self, ask: Asker) -> None:
        answer = ask.get(UNKNOWN, BROWSER)

        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "There is nothing here" in answer.text
        assert "correlation" not in answer.text

    def test_it_is_kept_by_nobody_so_that_what_is_shared_now_is_seen_now(self, ask: Asker, table: Table) -> None:
        assert (
            ask.get(PRIVATE).headers["Cache-Control"]
            == ask.get(PRIVATE, BROWSER).headers["Cache-Control"]
            == "no-store"
        )

        write(table, changed_batch(replace(a_batch(PRIVATE), version=2), was=1))

        assert ask.get(PRIVATE).status == 200

    def test_other_paths_are_not_there_either(self, ask: Asker) -> None:
        elsewhere, said = replace(ask, prefix="/api/v1/public"), {"X-Correlation-Id": "mine"}

        assert {elsewhere.get(path, said).text for path in ("", "/", "/x", "/b")} == {ask.get(UNKNOWN, said).text}

    @pytest.mark.parametrize("batch", [SHARED, UNKNOWN])
    def test_nothing_can_be_changed_here(self, ask: Asker, batch: str) -> None:
        answers = [ask(method, batch) for method in ("POST", "PUT", "PATCH", "DELETE")]

        assert {(answer.status, answer.headers["Allow"]) for answer in answers} == {(405, "GET, HEAD")}


def test_an_index_that_is_late_shares_nothing(ask: Asker, table: Table) -> None:
    """It may still have the entry of a batch that is not public any more."""
    item = table.get({"PK": f"USER#{USER}", "SK": f"BATCH#{UNSHARED}"})
    assert item
    table.put({**item, "GSI1PK": f"PUBLIC#{UNSHARED}", "GSI1SK": "BATCH"}, keys=KEYS)

    assert ask.get(UNSHARED).status == 404


def test_no_name_and_no_id_is_logged(ask: Asker, caplog: pytest.LogCaptureFixture) -> None:
    ask.get(SHARED)
    ask.get(f"{SHARED}/nowhere")

    lines = [json.dumps(vars(record), default=str) for record in caplog.records]
    assert len(lines) == 2
    assert not [word for word in (SHARED, "Ginger", USER) if word in "".join(lines)]
