"""Control requests: what tests and demonstrations do to a running world and its servers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from local.upstreams.changes import UnknownThing
from local.upstreams.faults import Faults
from local.upstreams.http import CONTROL_PREFIX, Answer, Request, RequestLog
from local.upstreams.live import World

Json = dict[str, Any]
_PATCH_ACTION = re.compile(r"patches/(\d+)/(state|archived|delegate|commit-ref|checks)")


class ServerControl:
    """The control requests every server has: its request log and its faults."""

    def __init__(self, faults: Faults, log: RequestLog) -> None:
        self._faults = faults
        self._log = log

    def __call__(self, request: Request) -> Answer:
        action = request.path.removeprefix(CONTROL_PREFIX).strip("/")
        try:
            status, body = self._act(request.method, action, _body(request))
        except UnknownThing as problem:
            status, body = 404, {"error": str(problem)}
        except (KeyError, TypeError, ValueError) as problem:
            status, body = 400, {"error": f"{type(problem).__name__}: {problem}"}
        return Answer(status, "application/json", json.dumps(body).encode())

    def _act(self, method: str, action: str, body: Json) -> tuple[int, Json]:
        match method, action:
            case "GET", "requests":
                return 200, self._log.as_json()
            case "DELETE", "requests":
                self._log.clear()
                return 200, {}
            case "GET", "faults":
                return 200, {"faults": self._faults.as_json()}
            case "POST", "faults":
                return 201, asdict(self._faults.add(**body))
            case "DELETE", "faults":
                self._faults.clear()
                return 200, {}
        raise UnknownThing(f"no control request {method} {action}")

    def start_over(self) -> None:
        self._faults.clear()
        self._log.clear()


class Control(ServerControl):
    """Those of a server that shows the world. Changes go to `change`, so that they can be recorded."""

    def __init__(
        self,
        world: Callable[[], World],
        faults: Faults,
        log: RequestLog,
        change: Callable[[str, Json], Json],
        reset: Callable[[], None],
    ) -> None:
        super().__init__(faults, log)
        self._world = world
        self._change = change
        self._reset = reset

    def _act(self, method: str, action: str, body: Json) -> tuple[int, Json]:
        match method, action:
            case "GET", "world":
                return 200, dict(self._world().counts())
            case "POST", "reset":
                return 200, self._start_over(body)
            case "POST", "mails" | "patches":
                return 201, self._change(action, body)
        if method == "POST" and (match := _PATCH_ACTION.fullmatch(action)):
            return 200, self._change(match[2], {**body, "patch": int(match[1])})
        return super()._act(method, action, body)

    def _start_over(self, body: Json) -> Json:
        self.start_over()
        if body.get("world"):
            self._reset()
        return dict(self._world().counts())


def _body(request: Request) -> Json:
    found = json.loads(request.body or b"{}")
    if not isinstance(found, dict):
        raise TypeError("the body must be a JSON object")
    return found
