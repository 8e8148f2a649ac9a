"""The roles of functions and state machines grant what is used and nothing else: what they were allowed and denied
while all other tests ran, compared with what they grant. These tests come last, and only make sense after all
others."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from local.functions import log_lines
from local.upstreams import HWMON
from tests.e2e.roles import Actor, Function, Machine, Permission, deployed_functions, deployed_machines
from tests.e2e.system import System
from tests.e2e.waiting import wait_for


class Unseen(NamedTuple):
    """Permissions that are used where the local cloud does not ask for them."""

    reason: str
    actions: frozenset[str]
    resources: Callable[[Actor], set[str]]

    def explains(self, actor: Actor, permission: Permission) -> bool:
        return permission.action in self.actions and permission.resource in self.resources(actor)


def own_log(actor: Actor) -> set[str]:
    granted = {permission.resource for permission in actor.granted}
    return {resource for resource in granted if f":log-group:/aws/lambda/{actor.name}:" in resource}


UNSEEN = (
    Unseen(
        "Lambda writes what a function prints",
        frozenset({"logs:CreateLogStream", "logs:PutLogEvents", "logs:TagResource"}),
        own_log,
    ),
    Unseen(
        "Lambda takes messages from the queue a function is connected to",
        frozenset({"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}),
        lambda actor: actor.sources_of("sqs"),
    ),
    Unseen(
        "Lambda reads the stream a function is connected to",
        frozenset(
            {"dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream", "dynamodb:ListStreams"}
        ),
        lambda actor: actor.sources_of("dynamodb"),
    ),
    Unseen(
        "Lambda sends what a function failed on to the queue that is configured for it",
        frozenset({"sqs:SendMessage"}),
        lambda actor: actor.destinations(),
    ),
    Unseen(
        "Step Functions has what a machine fails on written to its log",
        frozenset(
            {
                "logs:CreateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:DescribeLogGroups",
                "logs:DescribeResourcePolicies",
                "logs:GetLogDelivery",
                "logs:ListLogDeliveries",
                "logs:PutResourcePolicy",
                "logs:UpdateLogDelivery",
            }
        ),
        lambda actor: {"*"} if isinstance(actor, Machine) else set(),
    ),
)


TAKEN_AWAY = ("fetch-patches", "dynamodb:BatchWriteItem", "patches")
"""The function, action and table of the test below that takes a permission away."""


@pytest.fixture(scope="module")
def functions(system: System) -> list[Function]:
    return deployed_functions(system.cloud)


@pytest.fixture(scope="module")
def actors(system: System, functions: list[Function]) -> list[Actor]:
    return [*functions, *deployed_machines(system.cloud)]


def used_out_of_sight(actor: Actor, permission: Permission) -> bool:
    return any(unseen.explains(actor, permission) for unseen in UNSEEN)


def unused(actor: Actor) -> Iterator[str]:
    called = actor.called(allowed=True)
    for permission in sorted(actor.granted):
        seen = any(permission.covers(call) for call in called)
        if not seen and not used_out_of_sight(actor, permission):
            yield f"{actor.name} never used {permission.action} on {permission.resource}"


@pytest.mark.usefixtures("whole_suite")
def test_nobody_may_do_what_they_never_do(actors: list[Actor]) -> None:
    found = [line for actor in actors for line in unused(actor)]

    assert not found, "\n".join(found)


@pytest.mark.usefixtures("whole_suite")
def test_nobody_is_denied_what_they_try(system: System, actors: list[Actor]) -> None:
    found = [(one.name, *call) for one in actors for call in sorted(one.called(allowed=False))]
    function, action, table = TAKEN_AWAY
    provoked = (system.cloud.name(function), action, f":table/{system.cloud.name(table)}")

    lines = [" ".join(call) for call in found if not (call[:2] == provoked[:2] and call[2].endswith(provoked[2]))]
    assert not lines, "\n".join(lines)


def test_everybody_has_a_role_of_their_own_with_nothing_attached(actors: list[Actor]) -> None:
    assert {type(actor) for actor in actors} == {Function, Machine}
    assert len({actor.role for actor in actors}) == len(actors) >= 8
    assert [(actor.name, policy) for actor in actors for policy in actor.attached] == []
    assert all(actor.granted for actor in actors)


def test_what_is_used_out_of_sight_is_granted_to_somebody(actors: list[Actor]) -> None:
    granted = [(actor, permission) for actor in actors for permission in actor.granted]

    needless = [unseen.reason for unseen in UNSEEN if not any(unseen.explains(*pair) for pair in granted)]
    assert needless == []


def test_work_that_is_denied_comes_again_and_is_done_once_it_is_permitted(system: System) -> None:
    name, action, table = TAKEN_AWAY
    [function] = [one for one in deployed_functions(system.cloud) if one.name == system.cloud.name(name)]
    tracked = system.upstreams.world.tracker.patches.values()
    patch = next(one for one in tracked if one.project.link_name == HWMON and one.state == "under-review")
    system.upstreams.change("state", {"patch": patch.id, "state": "rejected", "user": "tdahl"})

    given_up = system.queues.depth("patches-dlq")
    denied = Permission(action, f"*:table/{system.cloud.name(table)}")
    with system.awaited(f"patchwork:{HWMON}"), system.queues.retrying_after(3, "patches"), function.without(denied):
        system.hand_out([f"patchwork:{HWMON}"], "recent")
        wait_for("the refusal", lambda: is_denied(function, action))
        assert system.api.read(f"patches/{patch.id}")["state"] == "under-review"
        assert system.queues.depth("patches").taken == 1
    system.settle()

    assert system.api.read(f"patches/{patch.id}")["state"] == "rejected"
    assert system.queues.depth("patches-dlq") == given_up
    failures = [line for line in log_lines(system.cloud, name, 1000, False) if "work failed" in line]
    assert "AccessDenied" in failures[-1]


def is_denied(function: Function, action: str) -> bool:
    return any(call.action == action for call in function.called(allowed=False))
