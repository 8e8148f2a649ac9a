"""Runs a state machine of the Amazon States Language, as far as ours goes: states of JSONata, and nothing they do not
use. What it would have to leave out it refuses."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any

from jsonata import Jsonata

Json = Any
Service = Callable[[Json], Json]
"""Answers a task's arguments, or raises ``StateFailed``."""

_FIELDS = {
    "Pass": {"Assign", "Output"},
    "Choice": {"Choices", "Default"},
    "Fail": {"Error", "Cause"},
    "Succeed": set(),
    "Task": {"Resource", "Arguments", "TimeoutSeconds", "Retry", "Catch", "Assign", "Output"},
    "Parallel": {"Branches", "Catch"},
    "Map": {"Items", "MaxConcurrency", "ItemProcessor"},
}
_UNSTOPPABLE = ("States.Runtime", "States.DataLimitExceeded")
"""What neither Retry nor Catch sees, whatever they name."""


class StateFailed(Exception):
    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


@dataclass
class Scope:
    """What the states of one level know: the variables of those around them too, which they cannot assign."""

    context: Mapping[str, Json]
    around: Mapping[str, Json] = field(default_factory=dict)
    own: dict[str, Json] = field(default_factory=dict)

    def inner(self) -> "Scope":
        return Scope(self.context, {**self.around, **self.own})

    def evaluate(self, template: Json, states: Mapping[str, Json]) -> Json:
        if isinstance(template, str) and template.startswith("{%"):
            known = {**self.around, **self.own, "states": {**states, "context": self.context}}
            return _evaluated(template.removeprefix("{%").removesuffix("%}").strip(), known)
        if isinstance(template, dict):
            return {name: self.evaluate(value, states) for name, value in template.items()}
        if isinstance(template, list):
            return [self.evaluate(value, states) for value in template]
        return template

    def assign(self, assigned: Mapping[str, Json], states: Mapping[str, Json]) -> None:
        if taken := assigned.keys() & self.around.keys():
            raise StateFailed("States.Runtime", f"{taken} are variables of an outer scope")
        self.own |= {name: self.evaluate(template, states) for name, template in assigned.items()}


@dataclass
class Machine:
    definition: Mapping[str, Json]
    services: Mapping[str, Service]
    """By the task's resource, after ``arn:aws:states:::``."""
    pauses: int = 0
    """Retries there were, none of which is waited for."""

    def run(self, given: Json) -> Json:
        """What the execution ends with. Raises ``StateFailed`` when it fails."""
        assert self.definition["QueryLanguage"] == "JSONata"
        context = {"Execution": {"Name": "execution-1"}, "State": {"EnteredTime": "2026-11-20T21:07:00.123Z"}}
        return self._states(self.definition, given, Scope(context))

    def _states(self, machine: Mapping[str, Json], given: Json, scope: Scope) -> Json:
        name = machine["StartAt"]
        while True:
            state = machine["States"][name]
            given, following = self._state(state, json.loads(json.dumps(given)), scope)
            if following is None:
                return given
            name = following

    def _state(self, state: Mapping[str, Json], given: Json, scope: Scope) -> tuple[Json, str | None]:
        kind = state["Type"]
        assert state.keys() <= {"Type", "Comment", "Next", "End"} | _FIELDS[kind], state.keys()
        if kind == "Fail":
            told = {"input": given}
            raise StateFailed(scope.evaluate(state["Error"], told), scope.evaluate(state["Cause"], told))
        if kind == "Choice":
            return given, self._chosen(state, given, scope)
        attempts: dict[int, int] = {}
        while True:
            try:
                return self._done(state, given, scope), state.get("Next")
            except StateFailed as error:
                if not self._again(state, error, attempts):
                    return self._caught(state, given, scope, error)

    def _chosen(self, state: Mapping[str, Json], given: Json, scope: Scope) -> str:
        for choice in state["Choices"]:
            answer = scope.evaluate(choice["Condition"], {"input": given})
            if not isinstance(answer, bool):
                raise StateFailed("States.QueryEvaluationError", "a condition is true or false")
            if answer:
                return str(choice["Next"])
        return str(state["Default"])

    def _done(self, state: Mapping[str, Json], given: Json, scope: Scope) -> Json:
        states = {"input": given}
        match state["Type"]:
            case "Task":
                service = self.services[state["Resource"].removeprefix("arn:aws:states:::")]
                result = states["result"] = service(scope.evaluate(state["Arguments"], states))
            case "Parallel":
                result = [self._states(branch, given, scope.inner()) for branch in state["Branches"]]
            case "Map":
                result = [
                    self._states(state["ItemProcessor"], item, scope.inner())
                    for item in self._items(state, given, scope)
                ]
            case _:
                result = given
        output = scope.evaluate(state["Output"], states) if "Output" in state else result
        scope.assign(state.get("Assign", {}), states)
        return output

    def _items(self, state: Mapping[str, Json], given: Json, scope: Scope) -> list[Json]:
        items = scope.evaluate(state["Items"], {"input": given})
        if not isinstance(items, list):
            raise StateFailed("States.QueryEvaluationError", "items are a list")
        return items

    def _again(self, state: Mapping[str, Json], error: StateFailed, attempts: dict[int, int]) -> bool:
        """The first retrier that names the error decides."""
        for number, retrier in enumerate(state.get("Retry", [])):
            if _names(retrier, error):
                attempts[number] = attempts.get(number, 0) + 1
                again: bool = attempts[number] <= retrier["MaxAttempts"]
                self.pauses += again
                return again
        return False

    def _caught(
        self, state: Mapping[str, Json], given: Json, scope: Scope, error: StateFailed
    ) -> tuple[Json, str | None]:
        for catcher in state.get("Catch", []):
            if _names(catcher, error):
                told = {"Error": error.error, "Cause": error.cause}
                states = {"input": given, "errorOutput": told}
                scope.assign(catcher.get("Assign", {}), states)
                return scope.evaluate(catcher["Output"], states) if "Output" in catcher else told, catcher["Next"]
        raise error


def _names(rule: Mapping[str, Json], error: StateFailed) -> bool:
    named = rule["ErrorEquals"]
    return error.error not in _UNSTOPPABLE and (error.error in named or named == ["States.ALL"])


@cache
def _parsed(expression: str) -> Jsonata:
    parsed = Jsonata.jsonata(expression)
    parsed.register_lambda("hash", lambda text, algorithm: {"SHA-256": sha256}[algorithm](text.encode()).hexdigest())
    parsed.register_lambda("parse", json.loads)
    return parsed


def _evaluated(expression: str, known: Mapping[str, Json]) -> Json:
    """Whatever goes wrong in an expression is one error, and so is that nothing comes of it."""
    try:
        value = json.loads(json.dumps(_parsed(expression).evaluate(None, dict(known))))
    except Exception as error:
        raise StateFailed("States.QueryEvaluationError", str(error)) from error
    if value is None:
        raise StateFailed("States.QueryEvaluationError", f"nothing comes of {expression}")
    return value
