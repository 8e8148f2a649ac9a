"""One model for all dead letters, whichever service wrote them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any

from watchkeeper import correlation
from watchkeeper.dead_letters import FAILURE, LONGEST_MESSAGE, Failure, sent_at

EXCERPT = 200
_NAME_IN_ARN = {"lambda": 6, "sqs": 5, "states": 6}
NEVER_SAID = "SQS moved it: the function was killed, ran out of time, or could not say why it failed"
NOT_PROJECTED = "the state machine could not project it; the errors of the observability watch say why"


class Kind(StrEnum):
    WORK = "work"
    """A message of a work queue."""
    INVOCATION = "invocation"
    """An asynchronous invocation that Lambda gave up on."""
    CHANGES = "changes"
    """Records of a table's stream that a function could not process; the letter refers to them without holding them."""
    SCHEDULE = "schedule"
    """An invocation that EventBridge could not deliver."""
    EVENT = "event"
    """An event that EventBridge could not send to a work queue."""
    PROJECTION = "projection"
    """An event for a state machine, which failed, or which EventBridge could not start."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What failed, why, where and when; ``None`` where the letter does not say."""

    queue: str
    kind: Kind
    work: Any
    """The function's input, which is what a redrive sends."""
    raw: Mapping[str, Any]
    """The SQS message."""
    function: str | None = None
    """Without the project and stage prefix, if it is one of ours."""
    target: str | None = None
    """The work queue it never reached, likewise without prefix."""
    error: str | None = None
    message: str | None = None
    failed_at: str | None = None
    sent_at: str | None = None
    """When the failed message was sent, or the first of the changes was made: not necessarily when the work began, as
    it may have been deferred."""
    receives: int | None = None
    """The number of attempts."""
    correlation_id: str | None = None

    @property
    def id(self) -> str:
        return str(self.raw.get("MessageId", ""))

    @property
    def body(self) -> str:
        return str(self.raw.get("Body", ""))

    def summary(self) -> dict[str, Any]:
        work = self.work if isinstance(self.work, str) else json.dumps(self.work, separators=(",", ":"))
        return {**self._facts(), "message": _shortened(self.message), "work": _shortened(work)}

    def whole(self) -> dict[str, Any]:
        """Everything, with the raw record where it says more than ``work``."""
        record = {} if self.kind is Kind.WORK else {"record": _parsed(self.body), "attributes": _attributes(self.raw)}
        return {**self._facts(), "message": _shortened(self.message, LONGEST_MESSAGE), "work": self.work, **record}

    def identity(self) -> dict[str, str | None]:
        """What a log line says about it; its own correlation id is logged beside that of the operator's request."""
        facts = self._facts()
        return {name: facts[name] for name in ("id", "function", "error", "correlation_id")}

    def _facts(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "queue": self.queue,
            "kind": self.kind.value,
            "function": _shortened(self.function),
            "error": _shortened(self.error),
            "failed_at": _shortened(self.failed_at),
            "sent_at": _shortened(self.sent_at),
            "receives": self.receives,
            "correlation_id": self.correlation_id,
        }


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the messages of one dead-letter queue."""

    queue: str
    function: str | None
    """The function that processes this queue; ``None`` for the queue of all other failures."""
    prefix: str
    """The prefix of the names of our functions."""
    machine: str | None = None
    """ARN of the state machine that this queue's letters are events for; ``None`` for any other queue."""

    def read(self, message: Mapping[str, Any]) -> Letter:
        """Never fails: an unrecognised message becomes a letter of kind ``unknown``."""
        attributes, body = _attributes(message), _parsed(str(message.get("Body", "")))
        if self.function is not None:
            return self._work(message, attributes, body)
        if self.machine is not None:
            return self._projection(message, body)
        if "RULE_ARN" in attributes and "TARGET_ARN" in attributes:
            return self._schedule(message, attributes, body)
        record = _mapping(body)
        if _mapping(record.get("requestContext")):
            if _mapping(record.get("DDBStreamBatchInfo")):
                return self._changes(message, record)
            if "requestPayload" in record:
                return self._invocation(message, record)
        return Letter(queue=self.queue, kind=Kind.UNKNOWN, work=body, raw=message, failed_at=_sent_at(message))

    def _work(self, message: Mapping[str, Any], attributes: Mapping[str, str], body: Any) -> Letter:
        failure = Failure.from_json(attributes.get(FAILURE, ""))
        correlation_id = correlation.accepted(attributes.get(correlation.ATTRIBUTE))
        if failure is None:
            return Letter(
                queue=self.queue,
                kind=Kind.WORK,
                work=body,
                raw=message,
                function=self.function,
                message=NEVER_SAID,
                sent_at=_sent_at(message),
                correlation_id=correlation_id,
            )
        return Letter(
            queue=self.queue,
            kind=Kind.WORK,
            work=body,
            raw=message,
            function=self._short(failure.function) or self.function,
            error=failure.error,
            message=failure.message,
            failed_at=failure.at,
            sent_at=failure.sent_at,
            receives=failure.receives,
            correlation_id=correlation_id or correlation.accepted(failure.request_id),
        )

    def _projection(self, message: Mapping[str, Any], body: Any) -> Letter:
        event = _mapping(body)
        return Letter(
            queue=self.queue,
            kind=Kind.PROJECTION,
            work=body,
            raw=message,
            function=self._named("states", str(self.machine)),
            message=NOT_PROJECTED,
            failed_at=_sent_at(message),
            sent_at=_text(event.get("time")),
            correlation_id=correlation.of_event(event),
        )

    def _invocation(self, message: Mapping[str, Any], record: Mapping[str, Any]) -> Letter:
        context, answer = _mapping(record["requestContext"]), _mapping(record.get("responsePayload"))
        payload = record["requestPayload"]
        return Letter(
            queue=self.queue,
            kind=Kind.INVOCATION,
            work=payload,
            raw=message,
            function=self._named("lambda", context.get("functionArn")),
            error=_text(answer.get("errorType")) or _text(context.get("condition")),
            message=_text(answer.get("errorMessage")) or _text(context.get("condition")),
            failed_at=_text(record.get("timestamp")) or _sent_at(message),
            receives=_number(context.get("approximateInvokeCount")),
            correlation_id=correlation.of_event(_mapping(payload)) or correlation.accepted(context.get("requestId")),
        )

    def _changes(self, message: Mapping[str, Any], record: Mapping[str, Any]) -> Letter:
        context, answer = _mapping(record["requestContext"]), _mapping(record.get("responsePayload"))
        batch = _mapping(record["DDBStreamBatchInfo"])
        return Letter(
            queue=self.queue,
            kind=Kind.CHANGES,
            work=batch,
            raw=message,
            function=self._named("lambda", context.get("functionArn")),
            error=_text(answer.get("errorType")) or _text(context.get("condition")),
            message=_text(answer.get("errorMessage"))
            or f"{batch.get('batchSize')} changes of {_table(batch)} were given up; the function's log says why",
            failed_at=_text(record.get("timestamp")) or _sent_at(message),
            sent_at=_text(batch.get("approximateArrivalOfFirstRecord")),
            receives=_number(context.get("approximateInvokeCount")),
            correlation_id=correlation.accepted(context.get("requestId")),
        )

    def _schedule(self, message: Mapping[str, Any], attributes: Mapping[str, str], body: Any) -> Letter:
        arn = attributes["TARGET_ARN"]
        target, machine = self._named("sqs", arn), self._named("states", arn)
        return Letter(
            queue=self.queue,
            kind=Kind.EVENT if target else Kind.PROJECTION if machine else Kind.SCHEDULE,
            work=_detail(body) if target else body,
            raw=message,
            function=self._named("lambda", arn) or machine,
            target=target,
            error=attributes.get("ERROR_CODE"),
            message=attributes.get("ERROR_MESSAGE"),
            failed_at=_sent_at(message),
            receives=_number(attributes.get("RETRY_ATTEMPTS")),
            correlation_id=correlation.of_event(_mapping(body)),
        )

    def _named(self, service: str, arn: object) -> str | None:
        """The resource name in an ARN of that service. The ARN of a function may end with a version."""
        parts, place = arn.split(":") if isinstance(arn, str) else [], _NAME_IN_ARN[service]
        return self._short(parts[place]) if len(parts) > place and parts[2] == service else None

    def _short(self, name: str) -> str:
        return name.removeprefix(self.prefix)


def encodable(answer: dict[str, Any]) -> dict[str, Any]:
    """The response with question marks for lone surrogates, which JSON can escape but UTF-8 cannot encode."""
    encoded: dict[str, Any] = json.loads(json.dumps(answer, ensure_ascii=False).encode(errors="replace"))
    return encoded


def _attributes(message: Mapping[str, Any]) -> dict[str, str]:
    """Message attributes that are strings or numbers."""
    found = _mapping(message.get("MessageAttributes")).items()
    return {str(name): value["StringValue"] for name, value in found if _text(_mapping(value).get("StringValue"))}


def _sent_at(message: Mapping[str, Any]) -> str | None:
    return sent_at(_mapping(message.get("Attributes")))


def _parsed(body: str) -> Any:
    """The text itself if it is not JSON, or JSON that cannot be serialised again: too deeply nested, or a number that
    overflows.

    Not with orjson, which turns long integers into floats and rejects lone surrogates: work is redriven unchanged.
    """
    try:
        parsed = json.loads(body, parse_float=_finite, parse_constant=_finite)
        json.dumps([[[[parsed]]]])  # responses nest it deeper still
    except (ValueError, RecursionError):
        return body
    return parsed


def _finite(number: str) -> float:
    value = float(number)
    if not isfinite(value):
        raise ValueError(f"{number} is not a JSON number")
    return value


def _detail(event: Any) -> Any:
    """The part of an event that rules send to queues, whether the letter holds the whole event or that part alone."""
    return event["detail"] if isinstance(event, Mapping) and "detail-type" in event and "detail" in event else event


def _table(batch: Mapping[str, Any]) -> str:
    parts = str(batch.get("streamArn")).split("/")
    return parts[1] if len(parts) > 1 else "a table"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> int | None:
    try:
        return int(value) if isinstance(value, str | int | float) else None
    except (ValueError, OverflowError):
        return None


def _shortened(text: str | None, length: int = EXCERPT) -> str | None:
    """Also encodable, for log lines."""
    if text is None:
        return None
    short = text if len(text) <= length else f"{text[: length - 1]}…"
    return short.encode(errors="replace").decode()
