"""The functions' roles hold what is used and nothing else: what they were allowed and denied while all other tests ran,
against what they were granted. These tests are the last ones, and make sense only after all the others."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from local.functions import log_lines
from local.upstreams import HWMON
from tests.e2e.roles import Function, Permission, deployed_functions
from tests.e2e.system import System
from tests.e2e.waiting import wait_for


class Unseen(NamedTuple):
    """Permissions that are used where the local cloud does not ask for them."""

    reason: str
    actions: frozenset[str]
    resources: Callable[[Function], set[str]]

    def explains(self, function: Function, permission: Permission) -> bool:
        return permission.action in self.actions and permission.resource in self.resources(function)


def own_log(function: Function) -> set[str]:
    granted = {permission.resource for permission in function.granted}
    return {resource for resource in granted if f":log-group:/aws/lambda/{function.name}:" in resource}


UNSEEN = (
    Unseen(
        "Lambda writes what a function prints",
        frozenset({"logs:CreateLogStream", "logs:PutLogEvents", "logs:TagResource"}),
        own_log,
    ),
    Unseen(
        "Lambda takes messages from the queue a function is connected to",
        frozenset({"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}),
        lambda function: function.sources_of("sqs"),
    ),
    Unseen(
        "Lambda reads the stream a function is connected to",
        frozenset(
            {"dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream", "dynamodb:ListStreams"}
        ),
        lambda function: function.sources_of("dynamodb"),
    ),
    Unseen(
        "Lambda sends what a function failed on to the queue that is configured for it",
        frozenset({"sqs:SendMessage"}),
        Function.destinations,
    ),
)


TAKEN_AWAY = ("fetch-patches", "dynamodb:BatchWriteItem", "patches")
"""The function, action and table of the test below that takes a permission away."""


@pytest.fixture(scope="module")
def functions(system: System) -> list[Function]:
    return deployed_functions(system.cloud)


def used_out_of_sight(function: Function, permission: Permission) -> bool:
    return any(unseen.explains(function, permission) for unseen in UNSEEN)


def unused(function: Function) -> Iterator[str]:
    called = function.called(allowed=True)
    for permission in sorted(function.granted):
        seen = any(permission.covers(call) for call in called)
        if not seen and not used_out_of_sight(function, permission):
            yield f"{function.name} never used {permission.action} on {permission.resource}"


@pytest.mark.usefixtures("whole_suite")
def test_no_function_may_do_what_it_never_does(functions: list[Function]) -> None:
    found = [line for function in functions for line in unused(function)]

    assert not found, "\n".join(found)


@pytest.mark.usefixtures("whole_suite")
def test_no_function_is_denied_what_it_tries(system: System, functions: list[Function]) -> None:
    found = [(one.name, *call) for one in functions for call in sorted(one.called(allowed=False))]
    function, action, table = TAKEN_AWAY
    provoked = (system.cloud.name(function), action, f":table/{system.cloud.name(table)}")

    lines = [" ".join(call) for call in found if not (call[:2] == provoked[:2] and call[2].endswith(provoked[2]))]
    assert not lines, "\n".join(lines)


def test_every_function_has_a_role_of_its_own_with_nothing_attached(functions: list[Function]) -> None:
    assert len({function.role for function in functions}) == len(functions) >= 8
    assert [(function.name, policy) for function in functions for policy in function.attached] == []
    assert all(function.granted for function in functions)


def test_what_is_used_out_of_sight_is_granted_to_somebody(functions: list[Function]) -> None:
    granted = [(function, permission) for function in functions for permission in function.granted]

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
