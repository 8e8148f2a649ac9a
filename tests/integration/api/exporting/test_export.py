import csv
import gzip
import io
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from api.ferments.exporting import routes
from tests.integration.api.asking import OTHER, Asker
from tests.integration.api.conftest import PHOTOS, Reply
from tests.integration.api.events import USER
from tests.integration.api.exporting.conftest import BATCH, NOON, Owned, a_batch, an_event
from watchkeeper import aws
from watchkeeper.ferments.models import BatchStatus
from watchkeeper.ferments.repository import deleted_batch, new_batch, new_event
from watchkeeper.people.accounts import AccountRepository
from watchkeeper.people.devices import Device, Platform, registered
from watchkeeper.people.reminders import Reminder, scheduled

TOKEN = "ExponentPushToken[secret-token]"
ANOTHER = "01KAG1C2SR0000000000000002"


def rows(reply: Reply) -> list[dict[str, str]]:
    return parsed(reply.text)


def parsed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))


def stored() -> dict[str, dict[str, object]]:
    """The exports in the bucket, by their keys."""
    client = aws.s3_client()
    found = client.list_objects_v2(Bucket=PHOTOS).get("Contents", [])
    return {one["Key"]: dict(client.head_object(Bucket=PHOTOS, Key=one["Key"])) for one in found}


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets through so many octets, and not Lambda's six megabytes."""

    def lower(octets: int) -> None:
        monkeypatch.setattr("api.web.responses.MAX_BODY_BYTES", octets)
        monkeypatch.setattr(routes, "MAX_BODY_BYTES", octets)

    return lower


class TestWhatIsInIt:
    def test_everything_of_the_caller(self, ask: Asker, owned: Owned) -> None:
        owned.write(new_batch(a_batch()), new_event(an_event(7, "hello")))
        owned.write(scheduled(Reminder("01KAG1C2SR0000000000000009", USER, "Taste", "Now", NOON, NOON, batch=BATCH)))
        owned.write(registered(Device(TOKEN, USER, Platform.ANDROID, "Phone", NOON)))

        answer = ask.get("/export.csv")

        assert answer.status == 200
        assert [(row["type"], row["batch_id"]) for row in rows(answer)] == [
            ("batch", BATCH),
            ("event", BATCH),
            ("reminder", BATCH),
            ("device", ""),
        ]
        assert "secret" not in answer.text
        assert USER not in answer.text

    def test_nothing_of_anybody_else(self, ask: Asker, owned: Owned) -> None:
        theirs = a_batch("Theirs", user=OTHER)
        owned.write(new_batch(theirs), new_event(an_event(1, user=OTHER)))
        owned.write(registered(Device(TOKEN, OTHER, Platform.IOS, "Theirs", NOON)))

        assert rows(ask.get("/export.csv")) == []

    def test_archived_batches_too_and_no_deleted_ones_with_their_events(self, ask: Asker, owned: Owned) -> None:
        deleted = a_batch("Gone", ANOTHER)
        owned.write(new_batch(a_batch("Old", status=BatchStatus.ARCHIVED)), new_batch(deleted))
        owned.write(new_event(an_event(1, "kept")), new_event(an_event(2, "gone", ANOTHER)))
        owned.write(deleted_batch(deleted, NOON))

        assert [(row["name"], row["text"]) for row in rows(ask.get("/export.csv"))] == [("Old", ""), ("", "kept")]

    def test_a_device_that_changed_hands_is_its_new_owners(self, ask: Asker, owned: Owned) -> None:
        device = Device(TOKEN, USER, Platform.IOS, "Phone", NOON)
        owned.write(registered(device), registered(replace(device, user=OTHER)))

        assert rows(ask.get("/export.csv")) == []
        assert [row["type"] for row in rows(ask.as_(OTHER).get("/export.csv"))] == ["device"]

    def test_many_pages_of_events(self, ask: Asker, owned: Owned) -> None:
        owned.write(new_batch(a_batch()), *(new_event(an_event(number, "x" * 100_000)) for number in range(15)))

        answer = ask.get("/export.csv")

        assert [row["type"] for row in rows(answer)] == ["batch", *["event"] * 15]

    def test_texts_are_no_formulas(self, ask: Asker, owned: Owned) -> None:
        owned.write(new_batch(a_batch("=1+1")), new_event(an_event(1, "\t@x")))

        batch, event = rows(ask.get("/export.csv"))

        assert (batch["name"], event["text"]) == ("'=1+1", "'\t'@x")


class TestHowItComes:
    def test_as_a_file_to_keep(self, ask: Asker) -> None:
        from watchkeeper.clock import utc_now

        headers = ask.get("/export.csv").headers

        assert headers["Content-Type"] == "text/csv; charset=utf-8"
        assert headers["Content-Disposition"] == f'attachment; filename="watchkeeper-{utc_now():%Y-%m-%d}.csv"'
        assert headers["Cache-Control"] == "no-store"

    def test_with_a_byte_order_mark(self, ask: Asker) -> None:
        assert ask.get("/export.csv").octets.startswith(b"\xef\xbb\xbftype,id,batch_id,")

    def test_compressed_on_demand(self, ask: Asker, owned: Owned) -> None:
        owned.write(new_batch(a_batch(notes="x" * 5000)))

        answer = ask.get("/export.csv", {"Accept-Encoding": "gzip"})

        assert gzip.decompress(answer.octets).decode() == ask.get("/export.csv").text

    @pytest.mark.parametrize("accept", ["application/json", "text/csv", ""])
    def test_whatever_form_is_preferred(self, ask: Asker, accept: str) -> None:
        answer = ask.get("/export.csv", {"Accept": accept})

        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")

    def test_head_says_the_same_without_it(self, ask: Asker, owned: Owned) -> None:
        owned.write(new_batch(a_batch()))
        said = {"X-Correlation-Id": "mine"}

        got, head = ask.get("/export.csv", said), ask("HEAD", "/export.csv", headers=said)

        assert (head.status, head.headers, head.octets) == (200, got.headers, b"")

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
    def test_it_is_read_and_nothing_else(self, ask: Asker, method: str) -> None:
        assert ask(method, "/export.csv").status == 405


class TestWhoMayHaveIt:
    def test_nobody_without_an_access_token(self, ask: Asker) -> None:
        assert ask.as_("").get("/export.csv").status == 401

    def test_nobody_who_is_leaving(self, ask: Asker, owned: Owned) -> None:
        AccountRepository(owned.table).request_deletion(USER, NOON)

        assert ask.get("/export.csv").status == 410


class TestLargeOnes:
    @pytest.fixture
    def large(self, owned: Owned, limit: Callable[[int], None]) -> str:
        """The notes of a batch that no compression makes fit."""
        notes = os.urandom(3000).hex()
        limit(2000)
        owned.write(new_batch(a_batch(notes=notes)))
        return notes

    def test_they_are_handed_over_in_the_bucket(self, ask: Asker, large: str) -> None:
        answer = ask.get("/export.csv", {"Accept-Encoding": "gzip"})

        assert (answer.status, answer.headers["Content-Type"]) == (303, "application/json")
        assert answer.headers["Location"] == answer.json["url"]
        assert answer.headers["Cache-Control"] == "no-store"
        fetched = requests.get(answer.json["url"], timeout=5)
        assert fetched.status_code == 200
        assert [row["text"] for row in parsed(fetched.content.decode())] == [large]
        assert fetched.content.startswith(b"\xef\xbb\xbf")

    @pytest.mark.parametrize(
        "accept", ["application/json", "application/json, */*;q=0.5", "text/csv;q=0.1, application/*"]
    )
    def test_whoever_prefers_json_is_told_where_they_are(self, ask: Asker, large: str, accept: str) -> None:
        answer = ask.get("/export.csv", {"Accept": accept})

        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
        assert answer.json.keys() == {"url", "expires_at"}
        assert "Location" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Vary"].startswith("Accept, ")
        assert [row["text"] for row in parsed(requests.get(answer.json["url"], timeout=5).content.decode())] == [large]

    @pytest.mark.parametrize("accept", ["*/*", "text/csv", "text/csv, application/json", "text/*", "image/png"])
    def test_anybody_else_is_sent_there(self, ask: Asker, large: str, accept: str) -> None:
        assert ask.get("/export.csv", {"Accept": accept}).status == 303

    def test_encrypted_under_the_callers_own_prefix_and_as_the_file_they_are(self, ask: Asker, large: str) -> None:
        plain = ask.get("/export.csv")

        [(key, about)] = stored().items()
        assert plain.status == 303
        assert key.startswith(f"exports/{USER}/")
        assert key.endswith(".csv")
        assert about["ServerSideEncryption"] == "AES256"
        assert about["ContentType"] == "text/csv; charset=utf-8"
        assert str(about["ContentDisposition"]).startswith('attachment; filename="watchkeeper-')

    def test_the_address_ends_after_five_minutes(self, ask: Asker, large: str) -> None:
        from watchkeeper.clock import from_iso, utc_now

        told = ask.get("/export.csv").json

        assert parse_qs(urlsplit(told["url"]).query)["X-Amz-Expires"] == ["300"]
        left = from_iso(told["expires_at"]) - utc_now()
        assert timedelta(minutes=4) < left <= timedelta(minutes=5)

    def test_each_has_its_own_place(self, ask: Asker, large: str) -> None:
        ask.get("/export.csv")
        ask.get("/export.csv")

        assert len(stored()) == 2

    def test_what_compression_makes_fit_is_no_large_one(
        self, ask: Asker, owned: Owned, limit: Callable[[int], None]
    ) -> None:
        owned.write(new_batch(a_batch(notes="x" * 6000)))
        limit(2000)

        packed, plain = ask.get("/export.csv", {"Accept-Encoding": "gzip"}), ask.get("/export.csv")

        assert (packed.status, plain.status) == (200, 303)
        assert rows(packed)[0]["text"] == "x" * 6000

    def test_much_more_is_not_read_back_to_see_whether_it_would(
        self, ask: Asker, owned: Owned, limit: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        owned.write(new_batch(a_batch(notes="x" * 6000)))
        limit(2000)
        monkeypatch.setattr(routes, "_WORTH_COMPRESSING", 5000)

        assert ask.get("/export.csv", {"Accept-Encoding": "gzip"}).status == 303

    def test_the_largest_that_fits_lambda_is_an_answer_and_one_more_is_not(self, ask: Asker, owned: Owned) -> None:
        from api.web.responses import MAX_BODY_BYTES

        owned.write(new_batch(a_batch()))
        little = len(ask.get("/export.csv").octets)
        events = (MAX_BODY_BYTES - little) // 300_000 + 1
        owned.write(*(new_event(an_event(number, "x" * 300_000)) for number in range(events)))

        assert ask.get("/export.csv").status == 303
        assert ask.get("/export.csv", {"Accept-Encoding": "gzip"}).status == 200


def test_a_bucket_that_is_away_is_told_as_our_fault_without_its_name(
    ask: Asker, owned: Owned, limit: Callable[[int], None]
) -> None:
    owned.write(new_batch(a_batch(notes=os.urandom(3000).hex())))
    limit(2000)
    aws.s3_client().delete_bucket(Bucket=PHOTOS)

    answer = ask.get("/export.csv")

    assert answer.status == 500
    assert PHOTOS not in answer.text
