"""Due reminders, through the processor, at the sample Expo."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from local.upstreams.expo import Rule
from scheduler.push.errors import PushRefused
from scheduler.push.expo import Answer, Message
from scheduler.push.handlers import check_push_receipts, process_reminders
from scheduler.push.outcomes import MOST_ATTEMPTS, NO_DEVICE, TRIED_TOO_OFTEN, UNREADABLE_REMINDER
from scheduler.push.sending import LEASE, SECONDS_TO_CLAIM, SECONDS_TO_SEND
from tests.integration.scheduler.push.conftest import NOON, Post
from tests.lambdas import Context
from watchkeeper import metrics
from watchkeeper.clock import utc_now
from watchkeeper.errors import ConfigurationError, NoAnswer
from watchkeeper.people.devices import removed
from watchkeeper.people.reminders import SHARDS, ReminderStatus, cancelled, put_off
from watchkeeper.people.table import KEYS


class Crash(Exception):
    """The function is gone: nothing after it is done."""


def measured(name: str) -> list[float]:
    return [value for values in metrics._collected.values() for metric, value in values if metric.name == name]


class TestWhatIsSent:
    def test_a_due_reminder_reaches_every_active_device_of_its_person(self, post: Post) -> None:
        post.phone("phone")
        post.phone("tablet")
        post.phone("old", active=False)
        post.phone("another's", "u2")
        post.remind(batch="b1", kind="taste")

        tally = post.send()

        assert tally.as_dict() == {"sent": 1, "missed": 0, "unsettled": 0, "more": False}
        assert {kept.to for kept in post.got} == {"ExponentPushToken[phone]", "ExponentPushToken[tablet]"}
        assert post.got[0].message["data"] == {"reminder": "r1", "batch": "b1", "kind": "taste"}
        assert (post.got[0].message["title"], post.got[0].message["body"]) == ("Taste it", "It is time")

    def test_what_is_known_of_it_then(self, post: Post) -> None:
        device = post.phone()
        post.remind()

        post.send()

        reminder = post.reminder()
        assert (reminder.status, reminder.sent_at, reminder.reason) == (ReminderStatus.SENT, NOON, None)
        [ticket] = reminder.tickets
        assert (ticket.device, ticket.id) == (device.id, post.got[0].ticket["id"])

    def test_one_is_sent_once(self, post: Post) -> None:
        post.phone()
        post.remind()

        post.send()
        post.pass_time(hours=2)
        post.send()

        assert post.shown == ["r1"]

    def test_one_that_is_not_due_is_not_sent(self, post: Post) -> None:
        post.phone()
        post.remind(due=NOON + timedelta(seconds=1))

        post.send()
        assert post.shown == []

        post.pass_time(seconds=1)
        post.send()
        assert post.shown == ["r1"]

    def test_one_that_was_cancelled_or_put_off_is_not_sent(self, post: Post) -> None:
        post.phone()
        post.table.write([cancelled(post.remind("r1"), "by its owner", NOON)], keys=KEYS)
        post.table.write([put_off(post.remind("r2"), NOON + timedelta(hours=1))], keys=KEYS)

        post.send()
        assert post.shown == []

        post.pass_time(hours=1)
        post.send()
        assert post.shown == ["r2"]

    def test_without_a_device_it_has_failed_and_says_why(self, post: Post) -> None:
        post.remind()

        post.send()

        assert (post.reminder().status, post.reminder().reason) == (ReminderStatus.FAILED, NO_DEVICE)

    def test_many_are_sent_in_few_requests(self, post: Post) -> None:
        names = post.crowd(40)

        assert post.send().statuses == {"sent": 40}

        assert post.shown == names
        assert len(post.upstreams.expo.log.all()) <= SHARDS

    def test_projects_that_do_not_mix_are_sent_apart(self, post: Post) -> None:
        post.phone("one--phone")
        post.phone("two--phone")
        post.remind()

        post.send()

        assert len(post.got) == 2


class TestRefusals:
    def test_a_device_that_is_not_registered_is_switched_off_and_the_others_get_theirs(self, post: Post) -> None:
        gone = post.phone("gone")
        post.phone("phone")
        refuse(post, gone.token, "DeviceNotRegistered")
        post.remind()

        post.send()

        assert post.active() == ["phone"]
        assert [device.off_reason for device in post.devices.of_user("u1") if not device.active] == [
            "DeviceNotRegistered"
        ]
        assert post.status() is ReminderStatus.SENT
        assert measured("DevicesSwitchedOff") == [1]

    def test_when_all_are_refused_it_has_failed(self, post: Post) -> None:
        refuse(post, post.phone("gone").token, "DeviceNotRegistered")
        post.remind()

        post.send()

        assert post.status() is ReminderStatus.FAILED
        assert post.reminder().reason == "every device was refused: DeviceNotRegistered"

    def test_refused_credentials_ring_and_keep_the_device_and_the_reminder(self, post: Post) -> None:
        refuse(post, post.phone().token, "InvalidCredentials")
        post.remind()

        post.send()

        assert measured("PushCredentialErrors") == [1]
        assert post.active() == ["phone"]
        assert post.status() is ReminderStatus.SCHEDULED
        post.office.rules.clear()
        post.pass_time(minutes=5)
        post.send()
        assert post.shown == ["r1"]

    def test_one_message_the_service_cannot_read_does_not_cost_the_others(self, post: Post) -> None:
        post.phone()
        for number in range(20):
            post.remind(f"r{number}")
        poison = post.processor(Spoiling(post, "r7"))

        poison.run(lambda: 300.0)

        assert "r7" not in post.shown
        assert len(post.shown) == 19
        assert post.status("r7") is ReminderStatus.SCHEDULED


def refuse(post: Post, token: str, error: str) -> None:
    post.office.rules.append(Rule(error, token=token))  # type: ignore[arg-type]


class Spoiling:
    """Sends one of the messages in a form Expo refuses."""

    def __init__(self, post: Post, key: str) -> None:
        self._expo = post.expo()
        self._key = key

    def send(self, messages: Sequence[Message]) -> list[Answer]:
        spoilt = [replace(one, title=7) if one.key == self._key else one for one in messages]  # type: ignore[arg-type]
        return self._expo.send(spoilt)


class TestWhenExpoIsAway:
    def test_it_is_tried_again_with_growing_pauses_and_given_up_after_a_day(self, post: Post) -> None:
        post.phone()
        post.remind()
        post.upstreams.expo.faults.add("unavailable", times=10_000)
        tried = []

        while post.status() is ReminderStatus.SCHEDULED:
            post.now = post.next_look()
            assert post.send().statuses.total() == 1
            tried.append((post.now - NOON) / timedelta(minutes=1))

        assert tried[:6] == [0, 5, 15, 35, 75, 155]
        assert tried[-1] >= 24 * 60
        assert post.status() is ReminderStatus.FAILED
        assert post.reminder().reason == "it could not be sent within a day: Expo was not available"

    def test_it_is_sent_when_it_is_back(self, post: Post) -> None:
        post.phone()
        post.remind()
        post.upstreams.expo.faults.add("unavailable", times=4)

        assert post.send().statuses == {"scheduled": 1}
        assert post.reminder().reason == "Expo was not available"
        post.pass_time(minutes=5)
        assert post.send().statuses == {"sent": 1}

        assert post.shown == ["r1"]
        assert post.reminder().reason is None

    def test_no_more_are_claimed_then(self, post: Post) -> None:
        names = post.crowd(30)
        post.upstreams.expo.faults.add("unavailable", times=4)

        tally = post.send()

        assert tally.more
        assert 0 < tally.statuses["scheduled"] < len(names)
        post.send()
        post.pass_time(minutes=5)
        post.send()
        assert post.shown == names

    @pytest.mark.parametrize("kind", ["garbage", "challenge", "truncated", "dropped"])
    def test_an_answer_that_is_lost_loses_no_reminder(self, post: Post, kind: str) -> None:
        post.phone()
        post.remind()
        post.upstreams.expo.faults.add(kind)  # type: ignore[arg-type]

        post.send()

        assert post.status() is ReminderStatus.SCHEDULED
        assert "may have been sent" in str(post.reminder().reason)
        assert len(post.upstreams.expo.log.all()) == 1, "not again in the same claim"
        post.pass_time(minutes=5)
        post.send()
        assert set(post.shown) == {"r1"}
        assert post.status() is ReminderStatus.SENT

    def test_how_long_a_reminder_waited_is_measured(self, post: Post) -> None:
        post.send()
        post.phone()
        post.remind()
        post.pass_time(minutes=40)
        post.send()

        assert measured("ReminderWait") == [0, 2400]

    def test_how_long_is_not_known_of_a_run_that_fails(self, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
        """It would say that nothing waits."""
        post.remind()
        monkeypatch.setattr(post.devices, "of_user", crash)

        with pytest.raises(Crash):
            post.send()

        assert measured("ReminderWait") == []
        assert measured("PushCredentialErrors") == [0]

    def test_one_message_that_is_refused_alone_does_not_stop_the_run(
        self, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("scheduler.push.sending.CHUNK", 1)
        post.crowd(5)
        expo, answers = post.expo(), iter([[PushRefused(400, "VALIDATION_ERROR")]])

        class RefusesTheFirst:
            def send(self, messages: Sequence[Message]) -> list[Answer]:
                return [*next(answers, [])] or expo.send(messages)

        tally = post.processor(RefusesTheFirst()).run(lambda: 300.0)

        assert (tally.statuses, tally.more) == ({"sent": 4, "scheduled": 1}, False)


class TestTime:
    def test_nothing_is_claimed_when_it_is_short(self, post: Post) -> None:
        post.phone()
        post.remind()

        tally = post.send(lambda: SECONDS_TO_CLAIM - 1)

        assert tally.as_dict() == {"missed": 0, "unsettled": 0, "more": True}
        assert post.reminder().attempts == 0

    def test_what_was_claimed_is_given_back_when_it_has_become_short(self, post: Post) -> None:
        post.phone()
        post.remind()
        left = iter([SECONDS_TO_CLAIM, SECONDS_TO_SEND - 1])

        post.send(lambda: next(left))

        assert post.shown == []
        assert post.status() is ReminderStatus.SCHEDULED
        post.pass_time(minutes=5)
        post.send()
        assert post.shown == ["r1"]


class TestCrashes:
    def test_after_the_claim_it_is_found_when_the_lease_has_run_out(
        self, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        post.phone()
        post.remind()
        with monkeypatch.context() as patched:
            patched.setattr(post.devices, "of_user", crash)
            with pytest.raises(Crash):
                post.send()

        assert post.send().statuses == {}, "the lease holds"
        post.pass_time(seconds=LEASE.total_seconds())
        assert post.send().statuses == {"sent": 1}
        assert post.shown == ["r1"]

    def test_between_sending_and_storing_it_is_sent_again_under_the_same_key(
        self, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        post.phone()
        post.remind()
        with monkeypatch.context() as patched:
            patched.setattr(post.reminders, "finish", crash)
            with pytest.raises(Crash):
                post.send()

        assert post.status() is ReminderStatus.SENDING
        post.pass_time(seconds=LEASE.total_seconds())
        post.send()
        assert post.shown == ["r1", "r1"], "once for each claim; a phone shows the later one alone"
        assert post.reminder().attempts == 2

    def test_a_store_that_fails_for_a_moment_does_not_send_twice(
        self, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        post.phone()
        post.remind()
        finish, troubles = post.reminders.finish, iter([NoAnswer("UpdateItem failed"), None])

        def shaky(*arguments: object, **named: object) -> None:
            if trouble := next(troubles):
                raise trouble
            finish(*arguments, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(post.reminders, "finish", shaky)

        assert post.send().statuses == {"sent": 1}
        assert post.shown == ["r1"]

    def test_a_store_that_is_away_stops_the_run(self, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
        post.phone()
        post.remind()

        def away(*_: object, **__: object) -> None:
            raise NoAnswer("UpdateItem failed")

        monkeypatch.setattr(post.reminders, "finish", away)

        with pytest.raises(NoAnswer):
            post.send()

    def test_a_reminder_runs_die_of_comes_to_an_end(self, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
        post.phone()
        post.remind()
        with monkeypatch.context() as patched:
            patched.setattr(post.reminders, "finish", crash)
            for _ in range(15):
                with pytest.raises(Crash):
                    post.send()
                post.pass_time(seconds=LEASE.total_seconds())

        post.send()

        assert post.status() is ReminderStatus.FAILED
        assert len(post.got) == 15

    def test_one_that_cannot_be_read_does_not_stop_the_others(self, post: Post) -> None:
        post.phone()
        post.remind("r1")
        post.remind("r2")
        post.table.update({"PK": "USER#u1", "SK": "REMINDER#r2"}, {"record": "{}"}, keys=KEYS)

        tally = post.send()

        assert post.shown == ["r1"]
        assert tally.as_dict() == {"sent": 1, "missed": 0, "unsettled": 1, "more": False}

    def test_one_that_nobody_can_read_is_given_up(self, post: Post, caplog: pytest.LogCaptureFixture) -> None:
        post.remind()
        key = {"PK": "USER#u1", "SK": "REMINDER#r1"}
        post.table.update(key, {"record": "[]"}, keys=KEYS)

        tallies = []
        for _ in range(MOST_ATTEMPTS + 1):
            tallies.append(post.send())
            post.pass_time(seconds=LEASE.total_seconds())

        assert [tally.unsettled for tally in tallies] == [1] * MOST_ATTEMPTS + [0]
        assert tallies[-1].statuses == {"failed": 1}
        item = post.table.get(key)
        assert item is not None
        assert (item["reminder_status"], item["reason"]) == ("failed", UNREADABLE_REMINDER)
        assert {"GSI1PK", "holder"}.isdisjoint(item)
        assert "TTL" in item
        assert post.processor().count_due() == 0
        assert "reminders cannot be read" in caplog.text

    def test_devices_that_cannot_be_read_do_not_stop_others_and_end_their_reminder_in_time(self, post: Post) -> None:
        broken = post.phone()
        post.table.update({"PK": f"DEVICE#{broken.id}", "SK": "DEVICE"}, {"record": "{}"}, keys=KEYS)
        post.remind()
        post.phone("another's", "u2")
        post.remind("r2", "u2")

        tally = post.send()

        assert post.shown == ["r2"]
        assert (tally.statuses, tally.unsettled) == ({"sent": 1}, 1)
        for _ in range(MOST_ATTEMPTS):
            post.pass_time(seconds=LEASE.total_seconds())
            post.send()
        assert (post.status(), post.reminder().reason) == (ReminderStatus.FAILED, TRIED_TOO_OFTEN)


def crash(*_: object, **__: object) -> None:
    raise Crash


class TestMeanwhile:
    def test_one_put_off_while_it_is_sent_comes_again_at_its_new_time(self, post: Post) -> None:
        post.phone()
        post.remind()

        class Slow:
            def send(self, messages: Sequence[Message]) -> list[Answer]:
                post.table.write([put_off(post.reminder(), NOON + timedelta(hours=1))], keys=KEYS)
                return post.expo().send(messages)

        tally = post.processor(Slow()).run(lambda: 300.0)

        assert tally.missed == 1
        assert post.reminder().due_at == NOON + timedelta(hours=1)
        post.pass_time(hours=1)
        post.send()
        assert post.shown == ["r1", "r1"]

    def test_a_device_that_changed_hands_gets_nothing_of_its_last_owner(self, post: Post) -> None:
        post.phone("phone", "u1")
        post.remind()
        post.phone("phone", "u2")

        post.send()

        assert post.got == []
        assert post.reminder().reason == NO_DEVICE

    def test_a_device_registered_again_meanwhile_stays_on(self, post: Post) -> None:
        device = post.phone()
        refuse(post, device.token, "DeviceNotRegistered")
        post.remind()

        class Slow:
            def send(self, messages: Sequence[Message]) -> list[Answer]:
                post.pass_time(seconds=30)
                post.phone()
                return post.expo().send(messages)

        post.processor(Slow()).run(lambda: 300.0)

        assert post.active() == ["phone"]

    def test_a_device_that_is_removed_meanwhile_does_no_harm(self, post: Post) -> None:
        device = post.phone()
        refuse(post, device.token, "DeviceNotRegistered")
        post.remind()

        class Slow:
            def send(self, messages: Sequence[Message]) -> list[Answer]:
                post.table.write([removed("u1", device.id)], keys=KEYS)
                return post.expo().send(messages)

        post.processor(Slow()).run(lambda: 300.0)

        assert post.devices.of_user("u1") == []


class TestHandlers:
    @pytest.fixture(autouse=True)
    def environment(self, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PEOPLE_TABLE", post.table.name)
        monkeypatch.setenv("EXPO_URL", post.upstreams.expo_url)
        process_reminders._processor.cache_clear()
        check_push_receipts._checker.cache_clear()

    def test_they_send_and_look_after_what_was_sent(self, post: Post, capsys: pytest.CaptureFixture[str]) -> None:
        post.now = utc_now()
        device = post.phone(user="somebody")
        post.remind(user="somebody")

        assert process_reminders.handler({"action": "count"}, Context()) == {"due": 1}
        answer = process_reminders.handler({}, Context())

        assert answer == {"sent": 1, "missed": 0, "unsettled": 0, "more": False}
        assert process_reminders.handler({"action": "count"}, Context()) == {"due": 0}
        assert check_push_receipts.handler({"action": "count"}, Context()) == {"waiting": 0}
        assert check_push_receipts.handler({}, Context()) == {"waiting": 0, "missed": 0, "stopped": None}
        written = capsys.readouterr()
        assert device.token not in written.out + written.err
        assert "somebody" not in written.out + written.err

    @pytest.mark.parametrize(("name", "value"), [("PEOPLE_TABLE", ""), ("EXPO_URL", ""), ("EXPO_URL", "exp.host")])
    def test_without_their_settings_they_do_not_start(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        monkeypatch.setenv(name, value)

        with pytest.raises(ConfigurationError, match=name):
            process_reminders.handler({}, Context())
