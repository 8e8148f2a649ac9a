"""What becomes of a reminder, by what Expo said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.push.errors import PushRefused, PushUnavailable, PushUnclear
from scheduler.push.expo import Answer, PushReceipt, PushTicket
from scheduler.push.outcomes import (
    GIVE_UP_AFTER,
    LONGEST_PAUSE,
    MOST_ATTEMPTS,
    NO_DEVICE,
    NO_RECEIPT,
    RECEIPTS_FOR,
    TRIED_TOO_OFTEN,
    outcome_of_receipts,
    outcome_of_sending,
    pause_after,
)
from watchkeeper.people.devices import Device, Platform
from watchkeeper.people.reminders import Outcome, Reminder, ReminderStatus, Ticket

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
REMINDER = Reminder("r1", "u1", "Taste it", "", NOW, NOW - timedelta(days=1), attempts=1)
TAKEN = PushTicket("t1")
GONE = PushTicket(error="DeviceNotRegistered")
AWAY = PushUnavailable("Expo answered 503")


def device(name: str) -> Device:
    return Device(f"ExponentPushToken[{name}]", "u1", Platform.IOS, name, NOW)


def sent(*answers: Answer, reminder: Reminder = REMINDER, now: datetime = NOW) -> Outcome:
    pairs = [(device(f"phone-{number}"), answer) for number, answer in enumerate(answers)]
    return outcome_of_sending(reminder, pairs, now)


class TestSending:
    def test_one_that_is_taken_is_sent_and_its_receipt_is_asked_for_after_a_quarter_of_an_hour(self) -> None:
        assert sent(TAKEN) == Outcome(
            ReminderStatus.SENT,
            NOW + timedelta(minutes=15),
            sent_at=NOW,
            tickets=(Ticket(device("phone-0").id, "t1"),),
        )

    @pytest.mark.parametrize("other", [GONE, AWAY, PushUnclear("…"), PushTicket(error="InvalidCredentials")])
    def test_one_device_is_enough(self, other: Answer) -> None:
        outcome = sent(other, TAKEN)

        assert outcome.status is ReminderStatus.SENT
        assert [ticket.error is None for ticket in outcome.tickets] == [False, True]

    def test_a_ticket_without_an_id_can_have_no_receipt(self) -> None:
        outcome = sent(PushTicket())

        assert (outcome.status, outcome.next_look) == (ReminderStatus.SENT, None)

    def test_nobody_to_send_to(self) -> None:
        assert sent() == Outcome(ReminderStatus.FAILED, reason=NO_DEVICE)

    def test_every_device_refused_for_good(self) -> None:
        outcome = sent(GONE, PushTicket(error="MessageTooBig"), GONE)

        assert (outcome.status, outcome.next_look) == (ReminderStatus.FAILED, None)
        assert outcome.reason == "every device was refused: DeviceNotRegistered, MessageTooBig"

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (AWAY, "Expo was not available"),
            (PushUnclear("…"), "Expo gave no answer that can be read; it may have been sent"),
            (PushRefused(400, "VALIDATION_ERROR"), "Expo refused it: VALIDATION_ERROR"),
            (PushTicket(error="InvalidCredentials"), "Expo answered InvalidCredentials"),
            (PushTicket(error="MessageRateExceeded"), "Expo answered MessageRateExceeded"),
        ],
    )
    def test_what_may_go_through_later_is_tried_again(self, answer: Answer, reason: str) -> None:
        assert sent(GONE, answer) == Outcome(ReminderStatus.SCHEDULED, NOW + timedelta(minutes=5), reason=reason)

    def test_but_for_a_day_only(self) -> None:
        just_before, then = (NOW + GIVE_UP_AFTER - timedelta(seconds=1), NOW + GIVE_UP_AFTER)

        assert sent(AWAY, now=just_before).status is ReminderStatus.SCHEDULED
        outcome = sent(AWAY, now=then)
        assert (outcome.status, outcome.next_look) == (ReminderStatus.FAILED, None)
        assert outcome.reason == "it could not be sent within a day: Expo was not available"

    def test_one_that_is_late_is_sent_all_the_same(self) -> None:
        assert sent(TAKEN, now=NOW + timedelta(days=3)).status is ReminderStatus.SENT

    def test_one_that_runs_die_of_comes_to_an_end(self) -> None:
        spent = replace(REMINDER, attempts=MOST_ATTEMPTS + 1)

        assert outcome_of_sending(spent, [], NOW) == Outcome(ReminderStatus.FAILED, reason=TRIED_TOO_OFTEN)

    def test_pauses_grow_to_four_hours(self) -> None:
        minutes = [pause_after(attempts) / timedelta(minutes=1) for attempts in range(1, 9)]

        assert minutes == [5, 10, 20, 40, 80, 160, 240, 240]
        assert pause_after(10**6) == LONGEST_PAUSE

    def test_the_day_is_over_before_the_attempts_are(self) -> None:
        assert sum((pause_after(attempts) for attempts in range(1, MOST_ATTEMPTS)), timedelta(0)) > GIVE_UP_AFTER


def receipts(reminder: Reminder, now: datetime = NOW, **found: str | None) -> Outcome:
    return outcome_of_receipts(reminder, {ticket: PushReceipt(error) for ticket, error in found.items()}, now)


def sent_to(*tickets: Ticket) -> Reminder:
    return replace(REMINDER, status=ReminderStatus.SENT, sent_at=NOW, tickets=tickets)


class TestReceipts:
    def test_one_device_that_has_it_is_enough(self) -> None:
        reminder = sent_to(Ticket("d1", "t1"), Ticket("d2", "t2"))

        outcome = receipts(reminder, t1="DeviceNotRegistered", t2=None)

        assert (outcome.status, outcome.next_look) == (ReminderStatus.DELIVERED, None)
        assert outcome.tickets == (
            Ticket("d1", "t1", "DeviceNotRegistered"),
            Ticket("d2", "t2", None, delivered=True),
        )

    def test_no_device_has_it(self) -> None:
        outcome = receipts(sent_to(Ticket("d1", error="unavailable"), Ticket("d2", "t2")), t2="InvalidCredentials")

        assert outcome.status is ReminderStatus.FAILED
        assert outcome.reason == "it reached no device: InvalidCredentials, unavailable"

    def test_those_not_ready_are_asked_for_again_and_what_is_known_is_kept(self) -> None:
        reminder = sent_to(Ticket("d1", "t1"), Ticket("d2", "t2"))

        outcome = receipts(reminder, t1=None)

        assert outcome.status is ReminderStatus.SENT
        assert outcome.next_look == NOW + timedelta(minutes=10)
        assert outcome.tickets == (Ticket("d1", "t1", delivered=True), Ticket("d2", "t2"))

    def test_after_a_day_there_can_be_none(self) -> None:
        reminder = sent_to(Ticket("d1", "t1"))

        assert receipts(reminder, NOW + RECEIPTS_FOR - timedelta(seconds=1)).next_look
        closed = receipts(reminder, NOW + RECEIPTS_FOR)
        assert (closed.status, closed.next_look, closed.reason) == (ReminderStatus.SENT, None, NO_RECEIPT)

    def test_after_a_day_what_was_delivered_was(self) -> None:
        reminder = sent_to(Ticket("d1", "t1", delivered=True), Ticket("d2", "t2"))

        assert receipts(reminder, NOW + RECEIPTS_FOR).status is ReminderStatus.DELIVERED


ERRORS = st.sampled_from(["DeviceNotRegistered", "MessageTooBig", "InvalidCredentials", "ExpoError", "unknown"])
IDS = st.sampled_from(["t1", "t2", "t3"])
ANSWERS: st.SearchStrategy[Answer] = st.one_of(
    st.builds(PushTicket, st.sampled_from(["t1", "t2"])),
    st.builds(PushTicket, st.none(), ERRORS),
    st.sampled_from([AWAY, PushUnclear("…"), PushRefused(400, "X"), PushRefused(401, "X")]),
)
REMINDERS = st.builds(
    lambda attempts, hours: replace(REMINDER, attempts=attempts, due_at=NOW - timedelta(hours=hours)),
    st.integers(1, 2 * MOST_ATTEMPTS),
    st.floats(0, 72),
)
ENDS = {ReminderStatus.DELIVERED, ReminderStatus.FAILED}


@given(REMINDERS, st.lists(ANSWERS, max_size=5))
def test_what_is_sent_either_comes_to_an_end_with_a_reason_or_is_looked_at_again(
    reminder: Reminder, answers: list[Answer]
) -> None:
    outcome = sent(*answers, reminder=reminder)

    assert outcome.status in {ReminderStatus.SENT, ReminderStatus.SCHEDULED, ReminderStatus.FAILED}
    assert (outcome.next_look is None) == (outcome.status is ReminderStatus.FAILED)
    assert outcome.next_look is None or outcome.next_look > NOW
    assert outcome.reason or outcome.status is ReminderStatus.SENT
    was_taken = any(isinstance(answer, PushTicket) and answer.error is None for answer in answers)
    assert (outcome.status is ReminderStatus.SENT) == (was_taken and reminder.attempts <= MOST_ATTEMPTS)


@given(
    st.lists(st.builds(Ticket, st.just("d"), IDS | st.none(), st.none() | ERRORS), min_size=1),
    st.dictionaries(IDS, st.builds(PushReceipt, st.none() | ERRORS)),
    st.floats(0, 48),
)
def test_receipts_come_to_an_end_within_a_day_and_what_they_said_stays(
    tickets: list[Ticket], found: dict[str, PushReceipt], hours: float
) -> None:
    now = NOW + timedelta(hours=hours)

    first = outcome_of_receipts(sent_to(*tickets), found, now)
    again = outcome_of_receipts(sent_to(*first.tickets), {}, now)

    assert (first.next_look is None) or hours < 24
    assert (first.next_look is None) == (not any(ticket.is_open for ticket in first.tickets) or hours >= 24)
    assert first.status in ENDS or first.status is ReminderStatus.SENT
    assert (again.status, again.tickets) == (first.status, first.tickets)
