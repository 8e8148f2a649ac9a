"""Two processors at once, against an Expo that fails: every reminder is sent once, and none is lost."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from moto import mock_aws

from local.upstreams.expo import Failing, Rule, share_of
from scheduler.push.expo import PushTicket
from scheduler.push.outcomes import outcome_of_sending
from scheduler.push.sending import LEASE
from tests.integration.account import lay_tables
from tests.integration.faults import forget_clients
from tests.integration.scheduler.push.conftest import NOON, Post
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.clock import to_iso
from watchkeeper.dynamodb import Item, Table
from watchkeeper.errors import ConditionFailed
from watchkeeper.people.devices import Device, Platform
from watchkeeper.people.reminders import (
    Outcome,
    Reminder,
    ReminderKey,
    ReminderRepository,
    ReminderStatus,
    cancelled,
    put_off,
    scheduled,
)
from watchkeeper.people.table import KEYS

FAILING = 0.05
REFUSED = 0.02


def test_each_is_sent_once_and_none_is_lost(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both begin with the same shards, and see the same reminders before either has claimed one."""
    monkeypatch.setattr("scheduler.push.shards.random.sample", lambda shards, _: list(shards))
    both_have_seen, due = threading.Barrier(2), post.reminders.due

    def seen(shard: int, now: datetime) -> Iterator[ReminderKey]:
        keys = list(due(shard, now))
        with suppress(threading.BrokenBarrierError):
            both_have_seen.wait(0.2 if keys else 0)
        both_have_seen.reset()
        return iter(keys)

    monkeypatch.setattr(post.reminders, "due", seen)
    names = post.crowd(100)
    refused = {name for name in names if share_of(f"ExponentPushToken[phone-{name}]") < REFUSED}
    assert refused
    post.office.rules.append(Rule("DeviceNotRegistered", share=REFUSED))
    post.office.fail(Failing(FAILING, seed=1))

    missed = 0
    for _ in range(4):
        with ThreadPoolExecutor(2) as runs:
            tallies = [run.result() for run in [runs.submit(post.processor().run, lambda: 300.0) for _ in range(2)]]
        missed += sum(tally.missed for tally in tallies)
        post.pass_time(minutes=5)

    assert missed > len(names) / 4, "they were after the same ones"
    assert Counter(post.shown) == dict.fromkeys(set(names) - refused, 1)
    statuses = {name: post.status(name, f"user-{name}") for name in names}
    assert {name for name, status in statuses.items() if status is ReminderStatus.FAILED} == refused
    assert set(statuses.values()) <= {ReminderStatus.SENT, ReminderStatus.FAILED}
    assert all(tally.statuses == {} for tally in tallies), "nothing is left for the last runs"


class Claims(RuleBasedStateMachine):
    """Runs that claim, send, settle and die in any order, while owners change their minds."""

    names = ("r1", "r2", "r3")

    @initialize()
    def make(self) -> None:
        self.mock = mock_aws()
        self.mock.start()
        forget_clients()
        lay_tables()
        self.table = Table(aws.dynamodb_client(), table_name("people"))
        self.reminders = ReminderRepository(self.table)
        self.now = NOON
        self.claims = 0
        self.held: dict[str, tuple[str, Reminder]] = {}
        """By reminder: who has it by a lease that has not run out, and what he got."""
        self.leases: dict[str, datetime] = {}
        self.stale: list[tuple[str, Reminder]] = []
        """Claims whose lease ran out, of runs that live on."""
        for name in self.names:
            self.table.write([scheduled(Reminder(name, "u1", "Taste it", "", NOON, NOON))], keys=KEYS)

    def teardown(self) -> None:
        self.mock.stop()
        forget_clients()

    def items(self) -> dict[str, Item]:
        return {str(item["SK"]).partition("#")[2]: item for item in self.table.query({"PK": "USER#u1"})}

    def is_due(self, name: str) -> bool:
        item = self.items()[name]
        is_in_the_index = str(item.get("GSI1PK", "")).startswith("DUE#")
        return is_in_the_index and str(item["GSI1SK"]).partition("#")[0] <= to_iso(self.now)

    @rule(name=st.sampled_from(names))
    def claim(self, name: str) -> None:
        """Whatever the index says: it may be late."""
        is_due = self.is_due(name)
        self.claims += 1
        holder = f"run-{self.claims}"
        try:
            reminder = self.reminders.claim(ReminderKey("u1", name), holder, now=self.now, lease=LEASE)
        except ConditionFailed:
            assert not is_due
            return
        assert is_due
        assert name not in self.held, "two had it at once"
        self.held[name] = (holder, reminder)
        self.leases[name] = self.now + LEASE

    @rule(name=st.sampled_from(names), answer=st.sampled_from([PushTicket("t"), PushTicket(error="unknown"), None]))
    def settle(self, name: str, answer: PushTicket | None) -> None:
        if name in self.held:
            holder, reminder = self.held[name]
            outcome = self.outcome(reminder, answer)
            try:
                self.reminders.finish(reminder, holder, outcome, now=self.now)
            except ConditionFailed:
                assert self.reminders.get("u1", name).due_at != reminder.due_at, "only who put it off took it away"
            self.held.pop(name, None)

    @rule(answer=st.sampled_from([PushTicket("t"), None]))
    def settle_too_late(self, answer: PushTicket | None) -> None:
        """By a run that was slow: it must not undo what another has done since."""
        if self.stale:
            holder, reminder = self.stale.pop()
            before = self.reminders.get("u1", reminder.id)
            try:
                self.reminders.finish(reminder, holder, self.outcome(reminder, answer), now=self.now)
            except ConditionFailed:
                assert self.reminders.get("u1", reminder.id) == before
            else:
                assert before.attempts == reminder.attempts, "nobody had claimed it since"

    @rule(name=st.sampled_from(names))
    def die(self, name: str) -> None:
        """Without a word; the lease stays."""
        if name in self.held:
            del self.held[name]

    @rule(name=st.sampled_from(names), hours=st.integers(0, 2))
    def put_off(self, name: str, hours: int) -> None:
        reminder = self.reminders.get("u1", name)
        if reminder.status is not ReminderStatus.CANCELLED:
            self.table.write([put_off(reminder, self.now + timedelta(hours=hours, seconds=1))], keys=KEYS)
            self.held.pop(name, None)

    @rule(name=st.sampled_from(names))
    def cancel(self, name: str) -> None:
        reminder = self.reminders.get("u1", name)
        try:
            self.table.write([cancelled(reminder, "by its owner", self.now)], keys=KEYS)
        except ConditionFailed:
            assert reminder.status is not ReminderStatus.SCHEDULED

    @rule(minutes=st.sampled_from([1, 5, 7, 60]))
    def pass_time(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        for name in [name for name in self.held if self.leases[name] <= self.now]:
            self.stale.append(self.held.pop(name))

    @invariant()
    def nothing_is_lost(self) -> None:
        """What has not come to its end is where it is found when its lease or its pause is over."""
        for item in self.items().values() if hasattr(self, "table") else ():
            is_open = item["reminder_status"] in (ReminderStatus.SCHEDULED, ReminderStatus.SENDING)
            assert is_open == str(item.get("GSI1PK", "")).startswith("DUE#")
            if is_open:
                assert str(item["GSI1SK"]) < to_iso(self.now + timedelta(hours=5))

    def outcome(self, reminder: Reminder, answer: PushTicket | None) -> Outcome:
        device = Device("ExponentPushToken[x]", "u1", Platform.IOS, "phone", NOON)
        return outcome_of_sending(reminder, [(device, answer)] if answer else [], self.now)


def test_a_reminder_has_one_holder_at_a_time_and_is_never_out_of_sight(aws_environment: None) -> None:
    run_state_machine_as_test(
        Claims,
        settings=settings(
            max_examples=8, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
