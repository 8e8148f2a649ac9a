"""Batches are begun, listed, read, changed, bottled, archived and deleted."""

import pytest

from api.people.erasures import HEAD_START_SECONDS
from tests.integration.api.asking import Asker
from tests.integration.api.events import USER
from tests.integration.api.ferments.conftest import UNKNOWN, Queue, Stored, begin, event_kinds

EVERYTHING = {
    "name": "Ginger & lemon",
    "water_ml": 2000,
    "sugar_g": 120.5,
    "fruits": ["ginger", "lemon"],
    "temperature_c": 23.5,
    "stage1": {"started_at": "2026-01-01T08:00:00Z", "target_hours": 48.0},
    "stage2": {"started_at": None, "target_hours": 24.0},
    "bottle_count": 4,
    "notes": "A spoon more sugar\tthan last time.\nGrains doubled.",
    "public": True,
    "public_note": "Come and taste!",
}


class TestBeginning:
    def test_a_new_batch_is_open_and_active_and_has_all_that_was_said(self, ferments: Asker) -> None:
        reply = ferments.post("/batches", EVERYTHING)

        assert reply.status == 201
        assert reply.json | EVERYTHING == reply.json
        assert (reply.json["stage"], reply.json["status"], reply.json["version"]) == (1, "active", 1)
        assert reply.headers["Location"] == f"batches/{reply.json['id']}"
        assert reply.headers["ETag"] == '"1"'

    def test_it_is_read_as_it_was_begun(self, ferments: Asker) -> None:
        begun = ferments.post("/batches", EVERYTHING)

        read = ferments.get(f"/batches/{begun.json['id']}")

        assert (read.status, read.json, read.headers["ETag"]) == (200, begun.json, '"1"')

    def test_a_name_is_enough(self, ferments: Asker) -> None:
        begun = begin(ferments)

        assert (begun["water_ml"], begun["fruits"], begun["notes"], begun["public"]) == (None, [], "", False)
        assert begun["stage1"] == {"started_at": None, "target_hours": None}

    def test_only_a_public_batch_is_in_the_index_of_public_ones(self, ferments: Asker, stored: Stored) -> None:
        private, public = begin(ferments), begin(ferments, public=True)

        places = {item["SK"]: item.get("GSI1PK") for item in stored("BATCH#")}

        assert places == {f"BATCH#{private['id']}": None, f"BATCH#{public['id']}": f"PUBLIC#{public['id']}"}

    def test_what_is_refused_is_not_kept(self, ferments: Asker, stored: Stored) -> None:
        reply = ferments.post("/batches", {"name": "Ginger", "version": 7})

        assert (reply.status, reply.json["errors"][0]["parameter"]) == (422, "version")
        assert stored() == []

    def test_a_beginning_far_ahead_is_refused(self, ferments: Asker) -> None:
        reply = ferments.post("/batches", {"name": "Ginger", "stage1": {"started_at": "2999-01-01T00:00:00Z"}})

        assert (reply.status, reply.json["errors"][0]["parameter"]) == (422, "stage1.started_at")

    def test_what_is_no_number_is_no_json(self, ferments: Asker) -> None:
        for number in ("NaN", "Infinity", "-Infinity", "1e999"):
            assert ferments.post("/batches", f'{{"name": "Ginger", "sugar_g": {number}}}').status == 400


class TestListing:
    def test_the_newest_comes_first(self, ferments: Asker) -> None:
        first, second = begin(ferments), begin(ferments)

        listed = ferments.get("/batches").json

        assert [item["id"] for item in listed["items"]] == [second["id"], first["id"]]
        assert listed["cursor"] is None
        assert "notes" not in listed["items"][0]

    def test_pages_follow_each_other(self, ferments: Asker) -> None:
        made = [begin(ferments)["id"] for _ in range(5)]
        seen: list[str] = []
        query = "?limit=2"
        while query:
            reply = ferments.get(f"/batches{query}")
            seen += [item["id"] for item in reply.json["items"]]
            query = f"?limit=2&cursor={reply.json['cursor']}" if reply.json["cursor"] else ""

        assert seen == made[::-1]

    def test_archived_ones_are_shown_when_they_are_asked_for(self, ferments: Asker) -> None:
        kept, archived = begin(ferments)["id"], begin(ferments)["id"]
        ferments.post(f"/batches/{archived}/archive")

        def listed(query: str) -> list[str]:
            return [item["id"] for item in ferments.get(f"/batches{query}").json["items"]]

        assert listed("") == [kept]
        assert listed("?status=archived") == [archived]
        assert listed("?status=archived,active") == [archived, kept]
        assert listed("?status=archived&status=active") == [archived, kept]

    def test_a_stage_is_asked_for(self, ferments: Asker) -> None:
        begin(ferments)
        bottled = begin(ferments)["id"]
        ferments.post(f"/batches/{bottled}/stage", {"stage": 2})

        assert [item["id"] for item in ferments.get("/batches?stage=2").json["items"]] == [bottled]

    def test_a_filter_without_meaning_is_refused(self, ferments: Asker) -> None:
        for query in ("stage=3", "stage=x", "status=lost", "limit=0", "limit=101", "status=" + "active," * 11):
            assert ferments.get(f"/batches?{query}").status == 422, query

    def test_a_cursor_is_of_one_person_and_one_query(self, ferments: Asker) -> None:
        for _ in range(2):
            begin(ferments)
        cursor = ferments.get("/batches?limit=1").json["cursor"]

        assert ferments.get(f"/batches?limit=1&cursor={cursor}").status == 200
        assert ferments.get(f"/batches?stage=1&cursor={cursor}").status == 400
        assert ferments.as_("somebody-else").get(f"/batches?limit=1&cursor={cursor}").status == 400


class TestChanging:
    def test_what_is_not_sent_stays(self, ferments: Asker) -> None:
        begun = begin(ferments, **EVERYTHING)

        reply = ferments.patch(f"/batches/{begun['id']}", {"notes": "Sour."})

        assert reply.status == 200
        assert reply.headers["ETag"] == '"2"'
        assert reply.json == begun | {"notes": "Sour.", "version": 2, "updated_at": reply.json["updated_at"]}
        assert ferments.get(f"/batches/{begun['id']}").json == reply.json

    def test_null_empties_what_may_be_empty(self, ferments: Asker) -> None:
        begun = begin(ferments, **EVERYTHING)
        empty = dict.fromkeys(EVERYTHING.keys() - {"name", "public"})

        changed = ferments.patch(f"/batches/{begun['id']}", empty).json

        nothing = {"started_at": None, "target_hours": None}
        assert {name: changed[name] for name in empty} == empty | {
            "fruits": [],
            "notes": "",
            "public_note": "",
            "stage1": nothing,
            "stage2": nothing,
        }

    def test_a_stage_keeps_what_is_not_said_of_it(self, ferments: Asker) -> None:
        begun = begin(ferments, **EVERYTHING)

        changed = ferments.patch(f"/batches/{begun['id']}", {"stage1": {"target_hours": 72}}).json

        assert changed["stage1"] == {"started_at": "2026-01-01T08:00:00Z", "target_hours": 72.0}

    def test_what_only_the_server_says_is_refused(self, ferments: Asker, batch: str) -> None:
        before = ferments.get(batch).json

        assert ferments.patch(batch, {"notes": "x", "stage": 2}).status == 422
        assert ferments.get(batch).json == before

    def test_nothing_new_is_no_new_version(self, ferments: Asker, batch: str) -> None:
        assert ferments.patch(batch, {"name": "Ginger", "status": "active"}).json["version"] == 1
        assert ferments.patch(batch, {}).json["version"] == 1

    def test_a_moment_is_kept_to_the_second(self, ferments: Asker, batch: str) -> None:
        precise = {"stage1": {"started_at": "2026-01-01T08:00:00.75Z"}}

        first, again = ferments.patch(batch, precise), ferments.patch(batch, precise)

        assert first.json["stage1"]["started_at"] == "2026-01-01T08:00:00Z"
        assert again.json == first.json

    def test_a_lost_update_is_refused(self, ferments: Asker, batch: str) -> None:
        ferments.patch(batch, {"notes": "by the phone"}, {"If-Match": '"1"'})

        late = ferments.patch(batch, {"notes": "by the tablet"}, {"If-Match": '"1"'})

        assert (late.status, late.json["type"]) == (412, "urn:watchkeeper:problem:precondition-failed")
        assert ferments.get(batch).json["notes"] == "by the phone"

    def test_other_operations_mind_the_version_too(self, ferments: Asker, batch: str) -> None:
        old = {"If-Match": '"7"'}

        replies = [
            ferments.post(f"{batch}/stage", {"stage": 2}, old),
            ferments.post(f"{batch}/archive", None, old),
            ferments.delete(batch, old),
        ]

        assert [reply.status for reply in replies] == [412, 412, 412]
        assert ferments.get(batch).json["version"] == 1

    def test_a_batch_leaves_the_public_index_with_its_flag(self, ferments: Asker, stored: Stored) -> None:
        batch = f"/batches/{begin(ferments, public=True)['id']}"

        ferments.patch(batch, {"public": False})

        assert "GSI1PK" not in stored("BATCH#")[0]


class TestStatus:
    def test_a_bottled_batch_goes_its_way(self, ferments: Asker, batch: str) -> None:
        ferments.post(f"{batch}/stage", {"stage": 2})
        way = ("in_fridge", "active", "in_fridge", "done", "in_fridge", "archived")

        assert [ferments.patch(batch, {"status": status}).json["status"] for status in way] == list(way)
        assert event_kinds(ferments, batch) == ["stage_change", *["status_change"] * len(way)]

    def test_what_is_done_is_not_active_again(self, ferments: Asker, batch: str) -> None:
        ferments.patch(batch, {"status": "done"})

        reply = ferments.patch(batch, {"status": "active"})

        assert (reply.status, reply.json["detail"]) == (409, "A batch that is done cannot become active.")

    def test_a_jar_does_not_go_into_the_fridge(self, ferments: Asker, batch: str) -> None:
        reply = ferments.patch(batch, {"status": "in_fridge"})

        assert (reply.status, reply.json["detail"]) == (409, "Only a batch that is bottled goes into the fridge.")

    def test_a_move_is_noted(self, ferments: Asker, batch: str) -> None:
        ferments.patch(batch, {"status": "done", "notes": "Too sour."})

        (event,) = ferments.get(f"{batch}/events").json["items"]

        assert (event["kind"], event["before"], event["after"]) == ("status_change", "active", "done")
        assert event["at"] == ferments.get(batch).json["status_since"]

    def test_a_move_that_is_refused_leaves_nothing(self, ferments: Asker, batch: str) -> None:
        before = ferments.get(batch).json

        assert ferments.patch(batch, {"status": "in_fridge", "notes": "lost"}).status == 409

        assert ferments.get(batch).json == before
        assert event_kinds(ferments, batch) == []


class TestBottling:
    def test_it_begins_the_second_stage_now(self, ferments: Asker, batch: str) -> None:
        ferments.patch(batch, {"stage2": {"target_hours": 30}, "fruits": ["lemon"]})

        reply = ferments.post(f"{batch}/stage", {"stage": 2, "bottle_count": 4})

        assert (reply.status, reply.json["stage"], reply.json["bottle_count"]) == (200, 2, 4)
        assert reply.json["stage2"] == {"started_at": reply.json["updated_at"], "target_hours": 30.0}
        assert reply.json["fruits"] == ["lemon"]
        assert reply.headers["ETag"] == '"3"'

    def test_it_takes_what_is_said_instead(self, ferments: Asker, batch: str) -> None:
        said = {"stage": 2, "started_at": "2026-01-03T10:00:00+02:00", "target_hours": 12, "fruits": ["fig"]}

        bottled = ferments.post(f"{batch}/stage", said).json

        assert bottled["stage2"] == {"started_at": "2026-01-03T08:00:00Z", "target_hours": 12.0}
        assert bottled["fruits"] == ["fig"]

    def test_it_is_not_before_the_first_stage_began(self, ferments: Asker, batch: str) -> None:
        ferments.patch(batch, {"stage1": {"started_at": "2026-01-01T08:00:00Z"}})

        refused = ferments.post(f"{batch}/stage", {"stage": 2, "started_at": "2026-01-01T07:59:59Z"})
        taken = ferments.post(f"{batch}/stage", {"stage": 2, "started_at": "2026-01-01T08:00:00Z"})

        assert (refused.status, refused.json["errors"][0]["parameter"]) == (422, "started_at")
        assert taken.status == 200

    def test_it_is_noted(self, ferments: Asker, batch: str) -> None:
        ferments.post(f"{batch}/stage", {"stage": 2})

        (event,) = ferments.get(f"{batch}/events").json["items"]

        assert (event["kind"], event["before"], event["after"]) == ("stage_change", "1", "2")

    def test_it_is_done_once(self, ferments: Asker, batch: str) -> None:
        ferments.post(f"{batch}/stage", {"stage": 2})

        again = ferments.post(f"{batch}/stage", {"stage": 2})

        assert (again.status, again.json["detail"]) == (409, "The batch is bottled already.")
        assert event_kinds(ferments, batch) == ["stage_change"]

    @pytest.mark.parametrize("status", ["done", "archived"])
    def test_only_an_active_batch_is_bottled(self, ferments: Asker, batch: str, status: str) -> None:
        ferments.patch(batch, {"status": status})

        assert ferments.post(f"{batch}/stage", {"stage": 2}).status == 409


class TestArchiving:
    def test_it_is_kept_and_noted(self, ferments: Asker, batch: str) -> None:
        reply = ferments.post(f"{batch}/archive")

        assert (reply.status, reply.json["status"]) == (200, "archived")
        assert ferments.get(batch).json == reply.json
        assert event_kinds(ferments, batch) == ["status_change"]

    def test_it_is_changed_no_more(self, ferments: Asker, batch: str) -> None:
        note = ferments.post(f"{batch}/events", {"kind": "note", "text": "Sour."}).json["id"]
        photo = ferments.post(f"{batch}/photos", {"content_type": "image/png"}).json["id"]
        archived = ferments.post(f"{batch}/archive").json

        refused = [
            ferments.patch(batch, {"notes": "more"}),
            ferments.patch(batch, {}),
            ferments.post(f"{batch}/stage", {"stage": 2}),
            ferments.post(f"{batch}/archive"),
            ferments.post(f"{batch}/events", {"kind": "note", "text": "more"}),
            ferments.delete(f"{batch}/events/{note}"),
            ferments.post(f"{batch}/photos", {"content_type": "image/png"}),
            ferments.delete(f"{batch}/photos/{photo}"),
            ferments.post(f"{batch}/reminders/confirm", {"reminders": [{"key": "taste"}]}),
        ]

        assert [reply.status for reply in refused] == [409] * len(refused)
        assert ferments.get(batch).json == archived

    def test_it_can_still_be_shared_no_more(self, ferments: Asker, stored: Stored) -> None:
        batch = f"/batches/{begin(ferments, public=True)['id']}"
        archived = ferments.post(f"{batch}/archive").json

        for changes in ({"public": True}, {"public": False, "notes": "more"}, {"public": False, "status": "done"}):
            assert ferments.patch(batch, changes).status == 409, changes
        reply = ferments.patch(batch, {"public": False})

        assert reply.status == 200
        told = {"public": False, "version": archived["version"] + 1, "updated_at": reply.json["updated_at"]}
        assert reply.json == archived | told
        assert "GSI1PK" not in stored("BATCH#")[0]
        assert event_kinds(ferments, batch) == ["status_change"]

    def test_it_can_be_deleted(self, ferments: Asker, batch: str) -> None:
        ferments.post(f"{batch}/archive")

        assert ferments.delete(batch).status == 204


class TestDeleting:
    def test_it_is_gone_at_once_and_handed_on_to_be_erased(self, ferments: Asker, batch: str, erasures: Queue) -> None:
        reply = ferments.delete(batch, {"X-Correlation-Id": "my-id"})

        assert (reply.status, reply.octets) == (204, b"")
        assert ferments.get(batch).status == 404
        assert ferments.get("/batches").json["items"] == []
        (message,) = erasures()
        cause = message.pop("_attributes")["correlation_id"]["StringValue"]
        assert message.pop("_delay") == HEAD_START_SECONDS
        assert message == {"task": "batch", "user": USER, "batch": batch.removeprefix("/batches/")}
        assert cause == "my-id"

    @pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
    def test_what_is_not_erased_yet_is_handed_on_again(
        self, ferments: Asker, batch: str, erasures: Queue, headers: dict[str, str]
    ) -> None:
        first, again = ferments.delete(batch, headers), ferments.delete(batch, headers)

        assert (first.status, again.status) == (204, 204)
        assert len(erasures()) == 2

    def test_what_is_unknown_is_not_there(self, ferments: Asker, erasures: Queue) -> None:
        assert ferments.delete(f"/batches/{UNKNOWN}").status == 404
        assert erasures() == []

    def test_everything_of_it_is_gone(self, ferments: Asker, batch: str) -> None:
        note = ferments.post(f"{batch}/events", {"kind": "note", "text": "Sour."}).json["id"]
        ferments.delete(batch)

        assert ferments.get(f"{batch}/events").status == 404
        assert ferments.get(f"{batch}/events/{note}").status == 404
        assert ferments.patch(batch, {"notes": "x"}).status == 404
        assert ferments.post(f"{batch}/events", {"kind": "note", "text": "x"}).status == 404

    def test_a_public_one_is_not_public_any_more(self, ferments: Asker, stored: Stored) -> None:
        batch = f"/batches/{begin(ferments, public=True)['id']}"

        ferments.delete(batch)

        assert "GSI1PK" not in stored("BATCH#")[0]
