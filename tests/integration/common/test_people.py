"""What people own: devices and their owners, reminders and their states, accounts and their end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from ulid import ULID

from tests.integration.conftest import empty_cloud
from tests.integration.faults import Faults
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.dynamodb import Delete, Put, Table, Update
from watchkeeper.errors import ConditionFailed, ItemNotFound
from watchkeeper.people.accounts import TOLD, AccountRepository, Deletion
from watchkeeper.people.devices import PUSH_TOKEN, Device, DeviceRepository, Platform, device_id, registered, removed
from watchkeeper.people.reminders import (
    KEPT,
    SHARDS,
    Outcome,
    Reminder,
    ReminderKey,
    ReminderRepository,
    ReminderStatus,
    Ticket,
    after_put_off,
    cancelled,
    not_scheduled,
    put_off,
    scheduled,
)
from watchkeeper.people.table import KEYS, STEP

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEASE = 7 * MINUTE
ADA, BOB = "ada", "bob"


@pytest.fixture
def table(tables: None) -> Table:
    return Table(aws.dynamodb_client(), table_name("people"))


Write = Callable[[Put | Update | Delete], None]


@pytest.fixture
def write(table: Table) -> Write:
    return lambda one: table.write([one], keys=KEYS)


# Devices


@pytest.fixture
def devices(table: Table) -> DeviceRepository:
    return DeviceRepository(table)


def device(name: str, user: str = ADA, at: datetime = NOW) -> Device:
    return Device(f"ExpoPushToken[{name}]", user, Platform.ANDROID, f"{name}'s phone", at)


def test_a_persons_devices_come_oldest_first(write: Write, devices: DeviceRepository) -> None:
    old, new = device("a", at=NOW - MINUTE), device("b")
    for one in (new, device("c", BOB), old):
        write(registered(one))

    assert devices.of_user(ADA) == [old, new]


def test_whoever_registers_a_device_last_has_it_alone(write: Write, devices: DeviceRepository) -> None:
    write(registered(device("a")))
    write(registered(device("a", BOB)))

    assert devices.of_user(ADA) == []
    assert devices.of_user(BOB) == [device("a", BOB)]


def test_only_its_owner_removes_a_device(write: Write, devices: DeviceRepository) -> None:
    write(registered(device("a")))

    with pytest.raises(ConditionFailed):
        write(removed(BOB, device("a").id))
    assert devices.of_user(ADA) == [device("a")]
    write(removed(ADA, device("a").id))
    assert devices.of_user(ADA) == []
    with pytest.raises(ConditionFailed):
        write(removed(ADA, device("a").id))


def test_a_device_that_is_switched_off_says_why(write: Write, devices: DeviceRepository) -> None:
    write(registered(device("a")))

    devices.switch_off([device("a"), device("gone")], "DeviceNotRegistered")

    assert devices.of_user(ADA) == [replace(device("a"), active=False, off_reason="DeviceNotRegistered")]


@pytest.mark.parametrize("anew", [device("a", BOB), device("a", at=NOW + MINUTE)], ids=["another's", "again"])
def test_a_device_that_was_registered_since_stays_on(write: Write, devices: DeviceRepository, anew: Device) -> None:
    write(registered(device("a")))
    write(registered(anew))

    devices.switch_off([device("a")], "DeviceNotRegistered")

    assert devices.of_user(anew.user) == [anew]


def test_the_id_of_a_device_does_not_tell_its_token() -> None:
    assert len(device_id("ExpoPushToken[a]")) == 32
    assert device_id("ExpoPushToken[a]") != device_id("ExpoPushToken[b]")


@pytest.mark.parametrize(
    ("token", "is_one"),
    [
        ("ExponentPushToken[xxxxxxxxxxxxxxxxxxxxxx]", True),
        ("ExpoPushToken[a-b_c]", True),
        ("4f9c0e3a-1111-4222-8333-0123456789AB", True),
        ("ExponentPushTokenGARBAGE", False),
        ("ExpoPushToken[]", False),
        ("ExpoPushToken[a]]", False),
        ("ExpoPushToken[a\n]", False),
        ("4f9c0e3a11114222833301234567890ab", False),
    ],
)
def test_the_forms_of_push_tokens(token: str, is_one: bool) -> None:
    assert bool(PUSH_TOKEN.fullmatch(token)) is is_one


# Accounts


def test_the_first_request_for_a_deletion_holds(table: Table) -> None:
    accounts = AccountRepository(table)

    assert accounts.deletion(ADA) is None
    assert accounts.request_deletion(ADA, NOW) == Deletion(NOW)
    assert accounts.request_deletion(ADA, NOW + MINUTE) == Deletion(NOW)
    assert accounts.deletion(ADA) == Deletion(NOW)
    assert accounts.deletion(BOB) is None


def test_a_finished_deletion_is_told_for_a_week(table: Table) -> None:
    accounts = AccountRepository(table)
    accounts.request_deletion(ADA, NOW)

    accounts.finish_deletion(ADA, NOW + MINUTE)

    assert accounts.deletion(ADA) == Deletion(NOW, NOW + MINUTE)
    assert accounts.request_deletion(ADA, NOW + 2 * MINUTE) == Deletion(NOW, NOW + MINUTE)
    item = table.get({"PK": "USER#ada", "SK": "DELETION"})
    assert item is not None
    assert item["TTL"] == int((NOW + MINUTE + TOLD).timestamp())


def test_a_deletion_nobody_asked_for_is_not_finished(table: Table) -> None:
    with pytest.raises(ConditionFailed):
        AccountRepository(table).finish_deletion(ADA, NOW)

    assert AccountRepository(table).deletion(ADA) is None


def test_all_of_a_person_goes_but_what_tells_of_it(table: Table) -> None:
    accounts = AccountRepository(table)
    table.batch_put(
        [{"PK": f"USER#{user}", "SK": f"EVENT#{n:03}"} for user in (ADA, BOB) for n in range(120)], keys=KEYS
    )
    accounts.request_deletion(ADA, NOW)

    assert sum(accounts.remove_all(ADA)) == 120

    assert [item["SK"] for item in table.query({"PK": "USER#ada"})] == ["DELETION"]
    assert len(list(table.query({"PK": "USER#bob"}))) == 120
    assert list(accounts.remove_all(ADA)) == []


def test_no_more_of_a_person_is_read_than_is_removed_at_once(faults: Faults, table: Table) -> None:
    accounts = AccountRepository(table)
    table.batch_put(({"PK": "USER#ada", "SK": f"EVENT#{n:03}"} for n in range(150)), keys=KEYS)
    accounts.request_deletion(ADA, NOW)

    with faults.injected(lambda _: None, operation="Query"):
        assert list(accounts.remove_all(ADA)) == [100, 50]

    looks = 3  # one a step, and one that finds nothing
    assert [send.body["Limit"] for send in faults.sends] == [STEP + 1] * looks


# Reminders


@pytest.fixture
def reminders(table: Table) -> ReminderRepository:
    return ReminderRepository(table)


def reminder(due: datetime = NOW, user: str = ADA, **given: str) -> Reminder:
    made = Reminder(str(ULID()), user, "Taste it", "", due, NOW - MINUTE)
    return replace(made, **given)  # type: ignore[arg-type]


def key_of(one: Reminder) -> ReminderKey:
    return ReminderKey(one.user, one.id)


def due(reminders: ReminderRepository, now: datetime) -> set[str]:
    return {key.id for shard in range(SHARDS) for key in reminders.due(shard, now)}


def test_a_reminder_comes_back_as_it_was(write: Write, reminders: ReminderRepository) -> None:
    one = reminder(batch="01B", kind="taste", body="äöü 🍋")
    write(scheduled(one))

    assert reminders.get(ADA, one.id) == one
    assert list(reminders.of_user(ADA)) == [one]
    assert reminders.get_many([key_of(one), ReminderKey(BOB, one.id)]) == [one]
    with pytest.raises(ItemNotFound):
        reminders.get(BOB, one.id)
    with pytest.raises(ConditionFailed):
        write(scheduled(one))


def test_reminders_are_due_from_their_second_on(write: Write, reminders: ReminderRepository) -> None:
    one = reminder()
    write(scheduled(one))

    assert due(reminders, NOW - timedelta(seconds=1)) == set()
    assert due(reminders, NOW) == {one.id}


def test_reminders_are_spread_over_all_shards(write: Write, reminders: ReminderRepository) -> None:
    for _ in range(100):
        write(scheduled(reminder()))

    sizes = [len(list(reminders.due(shard, NOW))) for shard in range(SHARDS)]
    assert sum(sizes) == 100
    assert min(sizes) > 0


def test_one_that_is_cancelled_while_it_is_sent_stays_with_its_sender(
    write: Write, reminders: ReminderRepository
) -> None:
    one = reminder()
    write(scheduled(one))
    claimed = reminders.claim(key_of(one), "run", now=NOW, lease=LEASE)

    with pytest.raises(ConditionFailed):
        write(cancelled(one, "why", NOW))
    with pytest.raises(ConditionFailed):
        write(put_off(one, NOW + LEASE))
    assert claimed.status is ReminderStatus.SENDING


def test_what_is_to_be_not_scheduled_may_be_anything_else(
    table: Table, write: Write, reminders: ReminderRepository
) -> None:
    one = reminder()

    def check() -> None:
        table.write([not_scheduled(key_of(one)), Put({"PK": "USER#ada", "SK": "OTHER"})], keys=KEYS)

    check()
    write(scheduled(one))
    with pytest.raises(ConditionFailed):
        check()
    reminders.claim(key_of(one), "run", now=NOW, lease=LEASE)
    check()


def test_one_that_is_gone_is_claimed_and_finished_by_nobody(write: Write, reminders: ReminderRepository) -> None:
    one = reminder()
    write(scheduled(one))
    claimed = reminders.claim(key_of(one), "run", now=NOW, lease=LEASE)
    reminders.remove_many([key_of(one)])

    with pytest.raises(ConditionFailed):
        reminders.finish(claimed, "run", Outcome(ReminderStatus.SENT, NOW + MINUTE), now=NOW)
    with pytest.raises(ConditionFailed):
        reminders.claim(key_of(one), "run", now=NOW + LEASE, lease=LEASE)
    with pytest.raises(ConditionFailed):
        write(put_off(one, NOW + LEASE))
    assert list(reminders.of_user(ADA)) == []


def test_receipts_are_noted_once(write: Write, reminders: ReminderRepository) -> None:
    one = reminder()
    write(scheduled(one))
    claimed = reminders.claim(key_of(one), "run", now=NOW, lease=LEASE)
    sent = Outcome(ReminderStatus.SENT, NOW + LEASE, sent_at=NOW, tickets=(Ticket("d", "t"),))
    reminders.finish(claimed, "run", sent, now=NOW)
    stored = reminders.get(ADA, one.id)
    done = Outcome(ReminderStatus.DELIVERED, tickets=(Ticket("d", "t", delivered=True),))

    with pytest.raises(ConditionFailed):
        reminders.note_receipts(stored, done, now=NOW)
    reminders.note_receipts(stored, done, now=NOW + LEASE)

    with pytest.raises(ConditionFailed):
        reminders.note_receipts(stored, done, now=NOW + LEASE)
    assert reminders.get(ADA, one.id).status is ReminderStatus.DELIVERED
    assert not [key for shard in range(SHARDS) for key in reminders.awaiting_receipts(shard, NOW + LEASE)]


def test_receipts_of_one_that_a_later_version_wrote_are_noted(
    table: Table, write: Write, reminders: ReminderRepository
) -> None:
    """What its tickets hold beside what is read of them stands in nobody's way."""
    one = reminder()
    write(scheduled(one))
    claimed = reminders.claim(key_of(one), "run", now=NOW, lease=LEASE)
    reminders.finish(
        claimed, "run", Outcome(ReminderStatus.SENT, NOW, sent_at=NOW, tickets=(Ticket("d", "t"),)), now=NOW
    )
    stored = reminders.get(ADA, one.id)
    more = {"tickets": '[{"device":"d","id":"t","error":null,"delivered":false,"more":1}]'}
    table.update({"PK": "USER#ada", "SK": f"REMINDER#{one.id}"}, more, keys=KEYS)

    reminders.note_receipts(stored, Outcome(ReminderStatus.DELIVERED, tickets=stored.tickets), now=NOW)

    assert reminders.get(ADA, one.id).status is ReminderStatus.DELIVERED


def test_what_one_run_has_noted_a_slower_one_does_not_undo(write: Write, reminders: ReminderRepository) -> None:
    one = reminder()
    write(scheduled(one))
    claimed = reminders.claim(key_of(one), "run", now=NOW, lease=LEASE)
    two = (Ticket("d1", "t1"), Ticket("d2", "t2"))
    reminders.finish(claimed, "run", Outcome(ReminderStatus.SENT, NOW, sent_at=NOW, tickets=two), now=NOW)
    stored = reminders.get(ADA, one.id)
    known = (replace(two[0], delivered=True), two[1])
    reminders.note_receipts(stored, Outcome(ReminderStatus.SENT, NOW + LEASE, tickets=known), now=NOW)

    with pytest.raises(ConditionFailed):
        reminders.note_receipts(stored, Outcome(ReminderStatus.SENT, NOW + LEASE, tickets=two), now=NOW + MINUTE)
    assert reminders.get(ADA, one.id).tickets == known


@dataclass
class Known:
    """What must be true of the reminder, kept beside it."""

    reminder: Reminder
    holder: str | None = None
    look: datetime | None = None
    place: str = "DUE"
    ended: bool = field(default=False)


class ReminderMachine(RuleBasedStateMachine):
    """Two senders, an owner, and time: whatever they do in whatever order, a reminder is held by one of them, and found
    again for as long as it is not at its end."""

    table: Table

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.repository = ReminderRepository(self.table)
        made = reminder(NOW + MINUTE)
        self.known = Known(made, look=made.due_at)
        self.sent = 0
        self._write(scheduled(made))

    def _write(self, one: Put | Update) -> None:
        self.table.write([one], keys=KEYS)

    def _tried(self, act: Callable[[], object]) -> bool:
        try:
            act()
        except ConditionFailed:
            return False
        return True

    @rule(minutes=st.integers(1, 10))
    def time_passes(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule(holder=st.sampled_from(["one", "two"]))
    def claim(self, holder: str) -> None:
        known, key = self.known, key_of(self.known.reminder)
        claimed = self._tried(lambda: self.repository.claim(key, holder, now=self.now, lease=LEASE))

        may = known.place == "DUE" and known.look is not None and (known.look <= self.now or known.holder == holder)
        assert claimed is may
        if claimed:
            attempts = known.reminder.attempts + 1
            known.reminder = replace(known.reminder, status=ReminderStatus.SENDING, attempts=attempts)
            known.holder, known.look = holder, self.now + LEASE

    @rule(
        holder=st.sampled_from(["one", "two"]),
        status=st.sampled_from(["sent", "scheduled", "failed"]),
    )
    def finish(self, holder: str, status: str) -> None:
        known, is_last = self.known, status == "failed"
        look = None if is_last else self.now + 5 * MINUTE
        tickets = (Ticket("device", "ticket"),) if status == "sent" else ()
        outcome = Outcome(ReminderStatus(status), look, "why", self.now if tickets else None, tickets)
        done = self._tried(lambda: self.repository.finish(known.reminder, holder, outcome, now=self.now))

        assert done is (known.holder == holder and known.reminder.status is ReminderStatus.SENDING)
        if done:
            known.holder, known.look, known.ended = None, look, is_last
            known.place = "RECEIPT" if status == "sent" else "DUE"
            changed = replace(known.reminder, status=outcome.status, reason="why")
            known.reminder = replace(changed, sent_at=outcome.sent_at, tickets=tickets) if tickets else changed

    @rule(delivered=st.booleans())
    def note_receipts(self, delivered: bool) -> None:
        known = self.known
        status = ReminderStatus.DELIVERED if delivered else ReminderStatus.FAILED
        outcome = Outcome(status, None, None, None, (Ticket("device", "ticket", delivered=delivered),))
        noted = self._tried(lambda: self.repository.note_receipts(known.reminder, outcome, now=self.now))

        is_open = known.reminder.status is ReminderStatus.SENT
        assert noted is (is_open and known.look is not None and known.look <= self.now)
        if noted:
            known.reminder = replace(known.reminder, status=status, reason=None, tickets=outcome.tickets)
            known.look, known.ended = None, True

    @rule()
    def cancel(self) -> None:
        known = self.known
        done = self._tried(lambda: self._write(cancelled(known.reminder, "owner", self.now)))

        assert done is (known.reminder.status is ReminderStatus.SCHEDULED)
        if done:
            known.reminder = replace(known.reminder, status=ReminderStatus.CANCELLED, reason="owner")
            known.look, known.ended = None, True

    @rule(minutes=st.integers(1, 30))
    @precondition(lambda self: self.known.reminder.status not in (ReminderStatus.SENDING, ReminderStatus.CANCELLED))
    def put_off(self, minutes: int) -> None:
        known, due_at = self.known, self.now + minutes * MINUTE
        self._write(put_off(known.reminder, due_at))

        self.known = Known(after_put_off(known.reminder, due_at), look=due_at)

    @rule(minutes=st.integers(1, 30))
    def put_off_what_has_changed_since(self, minutes: int) -> None:
        """Nobody puts off what they have not seen."""
        stale = replace(self.known.reminder, due_at=self.known.reminder.due_at - MINUTE)

        assert not self._tried(lambda: self._write(put_off(stale, self.now + minutes * MINUTE)))

    @invariant()
    def it_is_as_it_must_be(self) -> None:
        assert self.repository.get(ADA, self.known.reminder.id) == self.known.reminder

    @invariant()
    def it_is_found_when_it_is_to_be_looked_at_and_never_after_its_end(self) -> None:
        one, key = self.known, key_of(self.known.reminder)
        find = self.repository.due if one.place == "DUE" else self.repository.awaiting_receipts
        found = [key for shard in range(SHARDS) for key in find(shard, self.now)]

        assert found == ([key] if one.look and one.look <= self.now else [])

    @invariant()
    def it_is_forgotten_only_after_its_end(self) -> None:
        item = self.table.get({"PK": "USER#ada", "SK": f"REMINDER#{self.known.reminder.id}"})
        assert item is not None
        assert ("TTL" in item) is self.known.ended
        if self.known.ended:
            assert int(item["TTL"]) <= int((self.now + KEPT).timestamp())

    def teardown(self) -> None:
        if hasattr(self, "known"):
            self.repository.remove_many([key_of(self.known.reminder)])


def test_a_reminder_keeps_its_rules_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    few = settings(max_examples=12, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    with empty_cloud(monkeypatch):
        table = Table(aws.dynamodb_client(), table_name("people"))
        run_state_machine_as_test(type("Machine", (ReminderMachine,), {"table": table}), settings=few)
