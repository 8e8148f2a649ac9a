"""Run MiniStack: save its state periodically, count all runs of functions, record what roles were allowed to do, and
correct where it behaves differently from AWS.

Executed by the interpreter of MiniStack's own virtual environment: nothing of this repository can be imported here.
MiniStack itself writes its state only on exit, so a crash would lose everything since it was started.
"""

import copy
import hashlib
import json
import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.persistence import save_all
from ministack.core.responses import get_account_id, get_region
from ministack.services import cognito, dynamodb, dynamodb_streams, eventbridge, lambda_svc, sqs, stepfunctions, sts

SHORTEST_PAUSE = 30.0
SAVING_SHARE = 0.05
"""At most this share of the time is spent on saving, however large the state is."""

# Queues are saved before the tables: work may then be done twice after a crash, which is harmless, but is not lost.
FIRST = ("sqs", "lambda", "eventbridge")


SCHEDULES_LOOKED_AT = 1.0
"""Seconds between checks of what is due."""

DECISIONS = "IAM_DECISIONS"
"""The variable that names the file for decisions; without it, nothing is recorded."""

WITHOUT_CRON = "WITHOUT_CRON"
"""The variable that disables schedules with a cron expression."""


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
    let_functions_answer_for_changes()
    keep_changes()
    forget_executions()
    ask_for_machines()
    if os.environ.get(WITHOUT_CRON):
        fire_no_cron()
    if file := os.environ.get(DECISIONS):
        note_decisions(Decisions(Path(file)))
    threading.Thread(target=save_regularly, name="save-regularly", daemon=True).start()
    app.main()


def fire_no_cron() -> None:
    """Schedules with a rate still fire."""
    eventbridge._cron_next_fire = lambda *_: None


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
    """A queue's URL has the port on which it was created. MiniStack itself looks it up by the current port, and would
    never deliver its messages to functions again once the state was moved to another port."""
    made = sqs._queue_url
    sqs._queue_url = lambda name: sqs._queue_name_to_url.get(name) or made(name)


def end_delays() -> None:
    """Deliver delayed messages now, so that nobody has to wait a quarter of an hour."""
    for queue in list(sqs._queues._data.values()):
        for message in list(queue["messages"]):
            if not message.get("receive_count"):
                message["visible_at"] = message["sent_at"]


def count_all_runs() -> None:
    """Let Lambda's metrics count invocations by queues, streams and HTTP requests, like AWS. MiniStack itself counts
    only invocations by name, and asynchronous ones before they run."""
    execute, emit = lambda_svc._execute_function_dispatch, lambda_svc._emit_lambda_metrics

    def executed(function: Any, configuration: Any, *rest: Any) -> Any:
        begin = time.monotonic()
        result = execute(function, configuration, *rest)
        milliseconds = (time.monotonic() - begin) * 1000
        emit(configuration["FunctionName"], duration_ms=milliseconds, error=bool(result.get("error")), throttle=False)
        return result

    def refused(name: str, duration_ms: float, error: bool, throttle: bool) -> None:
        if throttle and not duration_ms:  # reported again, with a duration, if the caller waits for the answer
            emit(name, duration_ms, error, throttle)

    lambda_svc._execute_function_dispatch = executed
    lambda_svc._emit_lambda_metrics = refused


def take_loopback_for_tls() -> None:
    """Policies refuse requests without TLS, which is not used here, where requests do not leave the machine."""
    pin = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, _secure: pin(source_ip, True)


def name_streams() -> None:
    """Reading a table's stream needs a permission on that stream. MiniStack itself requires one on everything."""
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
    """Sending mail needs a permission on the sender's identity. MiniStack itself requires one on everything."""
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
    """Concurrent answers to a sign-in may all find it finished. MiniStack itself fails for all but one."""
    sessions = cognito._challenge_sessions

    class Sessions(type(sessions)):  # type: ignore[misc]
        __slots__ = ()

        def __delitem__(self, token: str) -> None:
            self.pop(token, None)

    sessions.__class__ = Sessions


def keep_sessions_to_their_users() -> None:
    """Only the user a session was begun for may answer it, as on AWS. MiniStack itself does not check the user."""
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


def let_functions_answer_for_changes() -> None:
    """The record of a stream's batch that a function reports is delivered again, with all after it, as on AWS.
    MiniStack itself takes every answer for success, makes all streams wait for each function, and gives up young
    records with old ones."""
    lambda_svc._poll_dynamodb_streams = lambda: sum(start_batch(*found) for found in lambda_svc._iter_all_esms()) > 0


def start_batch(account: str, region: str, mapping: Any) -> bool:
    """Give a stream's function the next batch, unless it is processing one of that stream; whether there was any."""

    def start() -> bool:
        lambda_svc._request_account_id.set(account)
        lambda_svc._request_region.set(region)
        if batch := next_batch(mapping):
            lambda_svc._dispatch_esm_batch(mapping["UUID"], batch.hand_over)
        return batch is not None

    return copy_context().run(start)


def next_batch(mapping: Any) -> "Batch | None":
    name, stream, table = mapping["UUID"], mapping["EventSourceArn"], table_of(mapping)
    function, _ = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
    is_there = dynamodb._tables.get(table, {}).get("LatestStreamArn") == stream
    rests = lambda_svc._esm_inflight.get(name) or lambda_svc._esm_backoff_until.get(name, 0) > time.time()
    if not is_there or not function or not mapping.get("Enabled", True) or rests:
        return None
    lambda_svc._init_stream_position(name, stream, mapping.get("StartingPosition"))
    oldest, position = dynamodb.stream_start_position(table), lambda_svc._dynamodb_stream_positions[name]
    if not oldest <= position <= dynamodb.stream_end_position(table):
        position = oldest  # the record at its position is gone
    size = min(mapping.get("BatchSize", 100), Batch.sizes.get(name, sys.maxsize))
    records = dynamodb.stream_records_since(table, position, size)
    return Batch(mapping, function, position, records) if records else None


def table_of(mapping: Any) -> str:
    """The table whose stream triggers a function; none if something else triggers it."""
    source = str(mapping["EventSourceArn"])
    return source.split("/")[1] if ":dynamodb:" in source else ""


@dataclass(frozen=True)
class Batch:
    """Changes of a table that a function gets together."""

    sizes: ClassVar[dict[str, int]] = {}
    """How many at the most, where the last batch failed: half of it, so that in the end one fails alone."""

    mapping: Any
    function: Any
    position: int
    records: list[Any]

    def hand_over(self) -> None:
        wanted = lambda_svc._apply_filter_criteria(self.records, self.mapping)
        result = lambda_svc._execute_function(self.function, {"Records": wanted}) if wanted else {}
        failed = self._first_failed(result)
        self._go_on_at(failed)
        if failed == len(self.records):
            self.sizes.pop(self.mapping["UUID"], None)
        elif self._is_too_old(self.records[failed]):
            stream, left = self.mapping["EventSourceArn"], self.records[failed:]
            args = (self.mapping, self.function, left, stream, result, "MaxRecordAgeExceeded")
            lambda_svc._send_ddb_stream_failure_record(*args)
            self._go_on_at(len(self.records))
        else:
            self.sizes[self.mapping["UUID"]] = max(1, len(self.records) // 2)
            lambda_svc._esm_backoff_until[self.mapping["UUID"]] = time.time() + lambda_svc._ESM_BACKOFF_SECONDS

    def _first_failed(self, result: Any) -> int:
        """Its position among the records; their number when none has it."""
        if result.get("error"):
            return 0
        body = result.get("body")
        if not isinstance(body, dict) or "ReportBatchItemFailures" not in self.mapping["FunctionResponseTypes"]:
            return len(self.records)
        places = {record["dynamodb"]["SequenceNumber"]: place for place, record in enumerate(self.records)}
        named = [failure["itemIdentifier"] for failure in body.get("batchItemFailures") or ()]
        return min((places.get(name, 0) for name in named), default=len(self.records))

    def _go_on_at(self, place: int) -> None:
        lambda_svc._dynamodb_stream_positions[self.mapping["UUID"]] = self.position + place

    def _is_too_old(self, record: Any) -> bool:
        age = time.time() - record["dynamodb"]["ApproximateCreationDateTime"]
        return bool(0 < int(self.mapping.get("MaximumRecordAgeInSeconds") or -1) < age)


def keep_changes() -> None:
    """What a function was not given yet is part of the state. MiniStack by itself keeps how far each function is, and
    nothing of what there is: none would be given anything until there is more again than ever was."""

    def saved() -> Any:
        streams = type(dynamodb._stream_records)()
        for (account, region, table), records in dynamodb._stream_records.all_items():
            oldest = dynamodb._stream_trimmed.get_scoped(account, region, table, 0)
            wanted = min(positions_in(account, region, table, oldest), default=oldest + len(records))
            streams.set_scoped(account, region, table, {"from": wanted, "records": records[max(0, wanted - oldest) :]})
        return {"streams": streams}

    def restored(state: Any) -> None:
        for place, stream in state["streams"].all_items() if state else ():
            dynamodb._stream_trimmed.set_scoped(*place, stream["from"])
            dynamodb._stream_records.set_scoped(*place, stream["records"])

    dynamodb_streams.get_state = saved
    dynamodb_streams.load_persisted_state = restored


def positions_in(account: str, region: str, table: str, oldest: int) -> Iterator[int]:
    """The positions of the functions that a table's stream triggers."""
    for *place, mapping in lambda_svc._iter_all_esms():
        if place == [account, region] and table_of(mapping) == table:
            yield lambda_svc._dynamodb_stream_positions.get_scoped(account, region, mapping["UUID"], oldest)


def forget_executions() -> None:
    """AWS keeps no executions of an EXPRESS machine. MiniStack itself keeps all of them, in memory and in its state,
    and publishes them on the default bus."""
    run, tell = stepfunctions._run_execution, stepfunctions._emit_execution_status_event
    executions = stepfunctions._executions
    plain = type(executions)

    def ran(arn: str) -> None:
        run(arn)
        execution = executions.get(arn)
        if not execution or not is_express(execution) or execution.get("sync"):
            return
        executions.pop(arn, None)
        if execution["status"] == "FAILED":
            error, cause = execution.get("error"), execution.get("cause")
            logging.getLogger("emulator").warning("%s failed: %s: %s", arn, error, cause)

    def told(execution: Any) -> None:
        if not is_express(execution):
            tell(execution)

    class Executions(plain):  # type: ignore[misc,valid-type]
        __slots__ = ()

        def __deepcopy__(self, memo: Any) -> Any:
            """A copy to be saved, while others begin and end."""
            kept = plain()
            for key, execution in list(self._data.items()):
                if not is_express(execution):
                    kept._data[key] = copy.deepcopy(execution, memo)
            return kept

    executions.__class__ = Executions
    stepfunctions._run_execution = ran
    stepfunctions._emit_execution_status_event = told


def is_express(execution: Any) -> bool:
    machine = execution["stateMachineArn"]
    _, _, _, region, account, *_ = machine.split(":")
    return bool(stepfunctions._state_machines.get_scoped(account, region, machine, {}).get("type") == "EXPRESS")


ASKED_OF = {
    "dynamodb": lambda arguments: [f"table/{arguments['TableName']}"],
    "events": lambda arguments: [f"event-bus/{last_of(entry['EventBusName'])}" for entry in arguments["Entries"]],
    "sqs": lambda arguments: [last_of(arguments["QueueUrl"])],
}
"""The resources a task of a state machine does something to, by the service."""


def last_of(name: str) -> str:
    """Of an ARN or URL."""
    return name.rpartition("/")[2]


def ask_for_machines() -> None:
    """A state machine's calls need permissions of its role. MiniStack itself requires none."""
    run, invoke = stepfunctions._run_execution, stepfunctions._invoke_resource
    key: ContextVar[str] = ContextVar("key")

    def ran(arn: str) -> None:
        machine = stepfunctions._state_machines.get(stepfunctions._executions[arn]["stateMachineArn"])
        key.set(session_of(machine) if machine else "")
        run(arn)

    def invoked(resource: str, arguments: Any) -> Any:
        service, task = resource.split(":")[5:7]
        action = f"{service}:{task[0].upper()}{task[1:]}"
        for thing in ASKED_OF.get(service, lambda _: [])(arguments):
            asked = f"arn:aws:{service}:{get_region()}:{get_account_id()}:{thing}"
            denied = iam_evaluator.enforce(key.get(), action, service, get_region(), resource_arn=asked)
            if denied is not None:
                raise stepfunctions._ExecutionError(f"{service}.AccessDeniedException", f"{action} on {asked}")
        return invoke(resource, arguments)

    stepfunctions._run_execution = ran
    stepfunctions._invoke_resource = invoked


def session_of(machine: Any) -> str:
    """The access key of a session of the machine's role that has the machine's name."""
    role, name = last_of(machine["roleArn"]), machine["name"]
    key = f"ASIA{hashlib.sha256(machine['stateMachineArn'].encode()).hexdigest()[:16].upper()}"
    arn = f"arn:aws:sts::{get_account_id()}:assumed-role/{role}/{name}"
    secret = secrets.token_hex()  # that nobody signs with
    sts.register_session(key, {"Arn": arn, "UserId": f"{role}:{name}", "SecretAccessKey": secret})
    return key


class Decisions:
    """What the sessions of roles were allowed and denied, each once, as lines of JSON that are written immediately:
    the process may be killed at any time."""

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
