"""What the hourly run reads, and the events published about it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from local.upstreams import HWMON, LEDS
from local.upstreams.tracked import Patch
from tests.e2e.api import Api
from tests.e2e.bus import Event
from tests.e2e.system import System
from tests.e2e.waiting import wait_for
from watchkeeper.kernel.events import DiscussionReceived, PatchReceived, PatchStateChanged, SeriesCompleted

LONG_AGO = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)
LATE = "An old thought"


@dataclass(frozen=True)
class Hour:
    """What happened upstream between two runs."""

    begin: datetime
    accepted: Patch
    series: tuple[int, ...]
    """The patches of a new series."""
    late_mail: str
    commented: Patch
    comment: str


@pytest.fixture(scope="module")
def hour(system: System) -> Hour:
    """An hour with all sorts of news, and the run after it."""
    world, change = system.upstreams.world, system.upstreams.change
    begin = datetime.now(UTC)
    tracked = [patch for patch in world.tracker.patches.values() if patch.project.link_name == HWMON]
    accepted = next(patch for patch in tracked if patch.state == "new")
    commented = min(tracked, key=lambda patch: patch.date)
    change("state", {"patch": accepted.id, "state": "accepted", "user": "tdahl"})
    late = {"list": LEDS, "subject": LATE, "date": LONG_AGO.isoformat(), "received": LONG_AGO.isoformat()}
    late_mail = change("mails", late)["message_id"]
    answer = {"list": HWMON, "subject": f"Re: {commented.mail.subject}", "in_reply_to": commented.mail.message_id}
    comment = change("mails", {**answer, "body": "Sorry to be late. Looks good to me.\n"})["message_id"]
    happened = Hour(begin, accepted, send_series(system), late_mail, commented, comment)
    system.run_schedules("recent")
    return happened


def send_series(system: System) -> tuple[int, ...]:
    first = {"list": HWMON, "subject": "[PATCH v2 1/2] hwmon: (fresh) Add driver", "message_id": "fresh-1@example.org"}
    second = {"list": HWMON, "subject": "[PATCH v2 2/2] hwmon: (fresh) Document it", "in_reply_to": first["message_id"]}
    return tuple(system.upstreams.change("patches", mail)["deliveries"][0]["id"] for mail in (first, second))


def check_envelope(event: Event, model: type[BaseModel], hour: Hour) -> None:
    assert event.source == "watchkeeper.kernel"
    assert event.envelope.keys() == {"id", "type", "version", "occurred_at", "correlation_id", "data"}
    assert (event.envelope["type"], event.envelope["version"]) == (model.__name__, 1)
    assert len(event.envelope["id"]) == 32
    assert event.envelope["correlation_id"]
    occurred_at = datetime.fromisoformat(event.envelope["occurred_at"])
    assert hour.begin - timedelta(seconds=1) <= occurred_at <= datetime.now(UTC)
    model.model_validate(event.data)


def test_a_new_state_is_served_and_told(system: System, hour: Hour) -> None:
    patch_id = hour.accepted.id

    assert system.api.read(f"patches/{patch_id}")["state"] == "accepted"
    event = system.bus.wait_for(PatchStateChanged, patch_id=patch_id)
    check_envelope(event, PatchStateChanged, hour)
    assert (event.data["previous_state"], event.data["state"]) == ("new", "accepted")
    assert (event.data["project"], event.data["message_id"]) == (HWMON, hour.accepted.mail.message_id)


def test_new_patches_are_served_and_told(system: System, hour: Hour) -> None:
    for number, patch_id in enumerate(hour.series, start=1):
        patch = system.api.read(f"patches/{patch_id}")
        assert (patch["version"], patch["number"], patch["total"]) == (2, number, 2)
        assert "diff --git" in patch["diff"]
        event = system.bus.wait_for(PatchReceived, patch_id=patch_id)
        check_envelope(event, PatchReceived, hour)
        assert event.data["message_id"] == patch["message_id"]


def test_a_series_is_told_when_it_is_complete(system: System, hour: Hour) -> None:
    series_id = system.api.read(f"patches/{hour.series[0]}")["series_id"]

    series = system.api.read(f"series/{series_id}")
    assert [patch["id"] for patch in series["patches"]] == list(hour.series)
    event = system.bus.wait_for(SeriesCompleted, series_id=series_id)
    check_envelope(event, SeriesCompleted, hour)
    assert (event.data["revision"], event.data["total"]) == (2, 2)


def test_a_late_mail_is_served_and_told_whatever_its_headers_claim(system: System, hour: Hour) -> None:
    [mail] = system.api.mails(hour.late_mail)

    assert datetime.fromisoformat(mail["timestamp"]) == datetime.fromisoformat(mail["received"]) == LONG_AGO
    event = system.bus.wait_for(DiscussionReceived, message_id=hour.late_mail)
    check_envelope(event, DiscussionReceived, hour)
    assert (event.data["subject"], event.data["lists"]) == (LATE, [LEDS])


def test_a_comment_on_an_old_patch_is_served_under_it_and_told(system: System, hour: Hour) -> None:
    answer = system.api.read(f"patches/{hour.commented.id}/discussions", view="flat")

    assert hour.comment in {mail["message_id"] for mail in answer["discussions"]}
    event = system.bus.wait_for(DiscussionReceived, message_id=hour.comment)
    check_envelope(event, DiscussionReceived, hour)
    assert event.data["patch_message_id"] == hour.commented.mail.message_id


@pytest.mark.usefixtures("hour")
def test_the_figures_follow(api: Api, system: System) -> None:
    tracked = system.upstreams.world.tracker.patches.values()
    accepted = sum(patch.state == "accepted" for patch in tracked)

    assert api.read("stats")["patches"]["states"]["accepted"] == accepted


def test_every_patch_series_and_mail_there_is_was_told(system: System) -> None:
    world = system.upstreams.world
    complete = {series.id for series in world.tracker.series.values() if series.received_all}
    mails = {message.mail.message_id for message in world.archive.everything.messages}
    assert_told(system, PatchReceived, "patch_id", set(world.tracker.patches))
    assert_told(system, SeriesCompleted, "series_id", complete)
    assert_told(system, DiscussionReceived, "message_id", mails)


def assert_told(system: System, kind: type, key: str, wanted: set[Any]) -> None:
    wait_for(f"{kind.__name__} of all", lambda: {event.data[key] for event in system.bus.heard(kind)} >= wanted)
    assert {event.data[key] for event in system.bus.heard(kind)} == wanted


def test_a_thread_somebody_asks_for_is_there_at_once(system: System) -> None:
    mail = {"list": HWMON, "subject": "Needed now", "body": "Please read this.\n"}
    message_id = system.upstreams.change("mails", mail)["message_id"]

    system.cloud.invoke("fetch-threads", {"message_ids": [message_id]})

    assert [mail["subject"] for mail in system.api.mails(message_id)] == ["Needed now"]
