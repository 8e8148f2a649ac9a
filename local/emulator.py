"""Run MiniStack: save its state now and then, count all runs of functions, and note what roles were allowed to do.

Executed by the interpreter of MiniStack's own virtual environment: nothing of this repository can be imported here.
MiniStack by itself writes its state only on the way out, so a crash would lose everything since it was started.
"""

import json
import logging
import os
import signal
import threading
import time
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.persistence import save_all
from ministack.core.responses import get_account_id
from ministack.services import cognito, dynamodb_streams, eventbridge, lambda_svc, sqs

SHORTEST_PAUSE = 30.0
SAVING_SHARE = 0.05
"""At most this part of the time goes into saving, however large the state has grown."""

# Queues are saved before the tables: work may then be done twice after a crash, which is harmless, but is not lost.
FIRST = ("sqs", "lambda", "eventbridge")


SCHEDULES_LOOKED_AT = 1.0
"""Seconds between two looks at what is due."""

DECISIONS = "IAM_DECISIONS"
"""The variable that names the file for what was decided; without it, nothing is noted."""


def main() -> None:
    eventbridge._SCHEDULER_TICK_INTERVAL = SCHEDULES_LOOKED_AT
    signal.signal(signal.SIGUSR1, lambda *_: end_delays())
    count_all_runs()
    take_loopback_for_tls()
    name_streams()
    name_senders()
    find_queues_by_name()
    end_sessions_once()
    keep_sessions_to_their_users()
    if file := os.environ.get(DECISIONS):
        note_decisions(Decisions(Path(file)))
    threading.Thread(target=save_regularly, name="save-regularly", daemon=True).start()
    app.main()


def save_regularly() -> None:
    pause = SHORTEST_PAUSE
    while True:
        time.sleep(pause)
        begin = time.monotonic()
        try:
            save()
        except Exception:
            logging.getLogger("emulator").exception("The state could not be saved this time")
        pause = max(SHORTEST_PAUSE, (time.monotonic() - begin) / SAVING_SHARE)


def save() -> None:
    states = app._build_persistence_save_dict()
    order = sorted(states, key=lambda name: (name not in FIRST, name))
    save_all({name: states[name] for name in order})


def find_queues_by_name() -> None:
    """A queue's URL has the port it was made on. MiniStack by itself looks for it by the port of now, and would never
    hand its messages to functions again, once the state was taken to another port."""
    made = sqs._queue_url
    sqs._queue_url = lambda name: sqs._queue_name_to_url.get(name) or made(name)


def end_delays() -> None:
    """Deliver now what was sent to be delivered later: nobody has to wait for a quarter of an hour to see it."""
    for queue in list(sqs._queues._data.values()):
        for message in list(queue["messages"]):
            if not message.get("receive_count"):
                message["visible_at"] = message["sent_at"]


def count_all_runs() -> None:
    """Let the metrics of Lambda count what queues, streams and HTTP requests start, as AWS does. MiniStack by itself
    counts only what is invoked by name, and of that what is not waited for before it was run."""
    execute, emit = lambda_svc._execute_function_dispatch, lambda_svc._emit_lambda_metrics

    def executed(function: Any, configuration: Any, *rest: Any) -> Any:
        begin = time.monotonic()
        result = execute(function, configuration, *rest)
        milliseconds = (time.monotonic() - begin) * 1000
        emit(configuration["FunctionName"], duration_ms=milliseconds, error=bool(result.get("error")), throttle=False)
        return result

    def refused(name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        if throttle and not duration_ms:  # told once more, with a duration, to who waits for the answer
            emit(name, duration_ms, error, throttle)

    lambda_svc._execute_function_dispatch = executed
    lambda_svc._emit_lambda_metrics = refused


def take_loopback_for_tls() -> None:
    """Policies refuse requests without TLS; there is none here, where requests do not leave the machine."""
    pin = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, _secure: pin(source_ip, True)


def name_streams() -> None:
    """Reading a table's stream takes a permission on that stream. MiniStack by itself asks for one on everything."""
    resource = iam_actions.extract_resource_arn

    def found(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> Any:
        stream = stream_of(body) if service == "dynamodbstreams" else None
        return stream or resource(service, method, path, headers, body, *rest)

    iam_actions.extract_resource_arn = found


def stream_of(body: bytes) -> str | None:
    """The ARN a request names, or the iterator in it was made for."""
    try:
        request = json.loads(body)
        iterator = request.get("ShardIterator")
        named = dynamodb_streams._decode_iterator(iterator)["arn"] if iterator else request.get("StreamArn")
    except (ValueError, TypeError, AttributeError, KeyError):
        return None
    return named if isinstance(named, str) else None


def name_senders() -> None:
    """Sending mail takes a permission on who sends it. MiniStack by itself asks for one on everything."""
    resource = iam_actions.extract_resource_arn

    def found(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> Any:
        domain = sending_domain(body) if service == "ses" else None
        if not domain:
            return resource(service, method, path, headers, body, *rest)
        _, region, account = rest
        return f"arn:aws:ses:{region}:{account}:identity/{domain}"

    iam_actions.extract_resource_arn = found


def sending_domain(body: bytes) -> str | None:
    """Of a request to send a mail. AWS takes the address itself where that is verified, and else its domain."""
    sources = parse_qs(body.decode(errors="replace")).get("Source", [])
    return parseaddr(sources[0])[1].rpartition("@")[2] if sources else None


def end_sessions_once() -> None:
    """Answers to a sign-in that come at once may all find it at its end. MiniStack by itself fails for all but one."""
    sessions = cognito._challenge_sessions

    class Sessions(type(sessions)):  # type: ignore[misc]
        __slots__ = ()

        def __delitem__(self, token: str) -> None:
            self.pop(token, None)

    sessions.__class__ = Sessions


def keep_sessions_to_their_users() -> None:
    """A session is answered by the user it was begun for, as on AWS. MiniStack by itself does not look who is named."""
    respond = cognito._respond_to_auth_challenge

    def responded(request: dict[str, Any]) -> Any:
        session = cognito._challenge_sessions.get(request.get("Session"))
        pool = cognito._user_pools.get(session["pool_id"]) if session else None
        if pool:
            named, _ = cognito._resolve_user(pool, request.get("ChallengeResponses", {}).get("USERNAME"))
            owner, _ = cognito._resolve_user(pool, session["username"])
            if named is not owner:
                return cognito.error_response_json("NotAuthorizedException", "Invalid session for the user.", 400)
        return respond(request)

    cognito._respond_to_auth_challenge = responded


class Decisions:
    """What the sessions of roles were allowed and denied, each once, as lines of JSON that are written at once: the
    process may be killed at any moment."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: set[tuple[str, str, str, bool]] = set()
        self._lock = threading.Lock()

    def note(self, access_key: str, action: str, resource: str, allowed: bool) -> None:
        decision = (access_key, action, resource, allowed)
        if decision in self._known:
            return
        principal = iam_evaluator.resolve_principal(access_key, get_account_id())
        with self._lock:
            if decision not in self._known:
                self._known.add(decision)
                self._write(principal, action, resource, allowed)

    def _write(self, principal: Any, action: str, resource: str, allowed: bool) -> None:
        if getattr(principal, "type", None) != "AssumedRole":
            return
        _, role, session = principal.arn.rsplit("/", 2)
        noted = {"role": role, "session": session, "action": action, "resource": resource, "allowed": allowed}
        with self._file.open("a") as file:
            file.write(json.dumps(noted) + "\n")


def note_decisions(decisions: Decisions) -> None:
    """MiniStack asks `enforce` about every action on every resource of a signed call, and looks it up each time."""
    decide = iam_evaluator.enforce

    def enforce(access_key_id: str, iam_action: str, *rest: Any, resource_arn: str = "*", **more: Any) -> Any:
        denied = decide(access_key_id, iam_action, *rest, resource_arn=resource_arn, **more)
        if not isinstance(denied, iam_evaluator.AuthError):
            decisions.note(access_key_id, iam_action, resource_arn, allowed=denied is None)
        return denied

    iam_evaluator.enforce = enforce


if __name__ == "__main__":
    main()
