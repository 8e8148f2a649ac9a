"""What became of reminders that were sent, by the sample Expo's receipts."""

import pytest

from local.upstreams.expo import Failing, Rule, TokenProblem
from scheduler.push.outcomes import NO_RECEIPT, UNREADABLE_REMINDER
from scheduler.push.receipts import SECONDS_TO_ASK
from tests.integration.scheduler.push.conftest import Post
from watchkeeper import metrics
from watchkeeper.people.reminders import ReminderStatus, put_off
from watchkeeper.people.table import KEYS

QUARTER = 15 * 60


def sent(post: Post, *phones: str, error: TokenProblem | None = None) -> None:
    """A reminder to these phones, a quarter of an hour ago; the first one's receipt has that error."""
    tokens = [post.phone(name).token for name in phones]
    if error:
        post.office.rules.append(Rule(error, "receipt", tokens[0]))
    post.remind()
    assert post.send().statuses == {"sent": 1}
    post.pass_time(seconds=QUARTER)


def measured(name: str) -> float:
    return sum(value for values in metrics._collected.values() for metric, value in values if metric.name == name)


def test_receipts_are_asked_for_after_a_quarter_of_an_hour(post: Post) -> None:
    sent(post, "phone")
    post.pass_time(seconds=-1)
    assert post.check().as_dict() == {"waiting": 0, "missed": 0, "stopped": None}

    post.pass_time(seconds=1)
    assert post.check().as_dict() == {"delivered": 1, "waiting": 0, "missed": 0, "stopped": None}
    assert post.status() is ReminderStatus.DELIVERED


def test_what_was_delivered_is_not_asked_for_again(post: Post) -> None:
    sent(post, "phone")
    post.check()
    before = len(post.upstreams.expo.log.all())

    post.pass_time(hours=1)
    post.check()

    assert len(post.upstreams.expo.log.all()) == before


def test_a_device_that_is_gone_is_switched_off_and_the_other_has_it(post: Post) -> None:
    sent(post, "gone", "phone", error="DeviceNotRegistered")

    post.check()

    assert post.active() == ["phone"]
    assert post.status() is ReminderStatus.DELIVERED
    assert measured("DevicesSwitchedOff") == 1


def test_a_device_that_came_back_since_stays_on(post: Post) -> None:
    sent(post, "phone", error="DeviceNotRegistered")
    post.phone("phone")

    post.check()

    assert post.active() == ["phone"]
    assert post.status() is ReminderStatus.FAILED


def test_a_device_another_has_now_stays_on(post: Post) -> None:
    sent(post, "phone", error="DeviceNotRegistered")
    post.phone("phone", "u2")

    post.check()

    assert post.active("u2") == ["phone"]


@pytest.mark.parametrize("error", ["InvalidCredentials", "MismatchSenderId"])
def test_refused_credentials_ring_and_keep_the_device(post: Post, error: TokenProblem) -> None:
    sent(post, "phone", error=error)

    post.check()

    assert measured("PushCredentialErrors") == 1
    assert post.active() == ["phone"]
    assert (post.status(), post.reminder().reason) == (ReminderStatus.FAILED, f"it reached no device: {error}")


@pytest.mark.parametrize("error", ["MessageRateExceeded", "ProviderError"])
def test_other_errors_concern_the_message_alone(post: Post, error: TokenProblem) -> None:
    sent(post, "phone", error=error)

    post.check()

    assert measured("PushCredentialErrors") == 0
    assert post.active() == ["phone"]
    assert post.status() is ReminderStatus.FAILED


def test_a_message_that_is_too_big_has_failed(post: Post) -> None:
    post.phone()
    post.remind(body="x" * 5000)
    post.send()
    post.pass_time(seconds=QUARTER)

    post.check()

    assert post.reminder().reason == "it reached no device: MessageTooBig"


def test_receipts_that_are_not_ready_are_asked_for_in_the_next_run(post: Post) -> None:
    post.office.receipt_seconds = None
    sent(post, "phone")

    assert post.check().waiting == 1
    assert post.status() is ReminderStatus.SENT
    post.office.receipt_seconds = 0.0
    post.pass_time(seconds=QUARTER)
    assert post.check().statuses == {"delivered": 1}


def test_after_a_day_they_are_not_asked_for_any_more(post: Post) -> None:
    post.office.receipt_seconds = None
    sent(post, "phone")
    post.pass_time(hours=24)

    assert post.check().statuses == {"sent": 1}
    assert (post.status(), post.reminder().reason) == (ReminderStatus.SENT, NO_RECEIPT)
    post.pass_time(hours=1)
    assert post.check().as_dict() == {"waiting": 0, "missed": 0, "stopped": None}


def test_a_service_that_is_away_is_asked_in_the_next_run(post: Post) -> None:
    sent(post, "phone")
    post.office.fail(Failing(1.0, (503,)))

    assert post.check().stopped == "Expo was not available"
    post.office.fail(None)
    assert post.check().statuses == {"delivered": 1}


def test_an_answer_that_cannot_be_read_is_asked_for_again(post: Post) -> None:
    sent(post, "phone")
    post.upstreams.expo.faults.add("garbage", times=2)

    assert post.check().statuses == {"delivered": 1}


def test_a_service_that_refuses_us_rings(post: Post) -> None:
    sent(post, "phone")
    post.upstreams.expo.faults.add("unavailable", status=401)

    assert post.check().stopped == "Expo refused it: unknown"
    assert measured("PushCredentialErrors") == 1


def test_what_is_asked_wrongly_is_given_up_in_time_and_nothing_waits_behind_it(post: Post) -> None:
    sent(post, "phone")
    post.upstreams.expo.faults.add("unavailable", times=2, status=400)

    assert post.check().as_dict() == {"waiting": 1, "missed": 0, "stopped": "Expo refused it: unknown"}
    post.pass_time(hours=24)
    assert post.check().statuses == {"sent": 1}
    assert post.reminder().reason == NO_RECEIPT


def test_nothing_is_asked_when_time_is_short(post: Post) -> None:
    sent(post, "phone")

    assert post.check(lambda: SECONDS_TO_ASK - 1).stopped == "there was no time left"


def test_one_put_off_meanwhile_is_left_alone(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    sent(post, "phone")
    checker = post.checker()
    receipts = checker._expo.receipts

    def slow(ids: list[str]) -> object:
        post.table.write([put_off(post.reminder(), post.now)], keys=KEYS)
        return receipts(ids)

    monkeypatch.setattr(checker._expo, "receipts", slow)

    assert checker.run(lambda: 300.0).missed == 1
    assert post.status() is ReminderStatus.SCHEDULED


def test_one_that_cannot_be_read_stops_no_other_and_is_given_up_after_a_day(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    names = post.crowd(20)
    post.send()
    post.pass_time(seconds=QUARTER)
    key = {"PK": f"USER#user-{names[0]}", "SK": f"REMINDER#{names[0]}"}
    post.table.update(key, {"tickets": '[{"device":"d","id":"t","of_a_later_version":1}]'}, keys=KEYS)

    assert post.check().as_dict() == {"delivered": 19, "waiting": 1, "missed": 0, "stopped": None}
    post.pass_time(hours=23, minutes=45)
    assert post.check().as_dict() == {"waiting": 1, "missed": 0, "stopped": None}
    post.pass_time(minutes=15)
    assert post.check().as_dict() == {"sent": 1, "waiting": 0, "missed": 0, "stopped": None}
    item = post.table.get(key)
    assert item is not None
    assert (item["reminder_status"], item["reason"], "TTL" in item) == ("sent", UNREADABLE_REMINDER, True)
    assert post.checker().count_waiting() == 0
    assert "reminders cannot be read" in caplog.text


def test_devices_that_cannot_be_read_stop_no_receipts(post: Post) -> None:
    sent(post, "phone", error="DeviceNotRegistered")
    [device] = post.devices.of_user("u1")
    post.table.update({"PK": f"DEVICE#{device.id}", "SK": "DEVICE"}, {"record": "{}"}, keys=KEYS)

    assert post.check().statuses == {"failed": 1}


def test_many_are_asked_for_together(post: Post) -> None:
    names = post.crowd(30)
    post.send()
    post.pass_time(seconds=QUARTER)
    post.upstreams.expo.log.clear()

    assert post.check().statuses == {"delivered": len(names)}
    assert len(post.upstreams.expo.log.all()) <= 8
