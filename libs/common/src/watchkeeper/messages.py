"""Shared by all functions behind a queue: the format of messages, and what happens when one fails.

One message is one piece of work. Anything else becomes a dead letter that says what was wrong with it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from watchkeeper import aws, correlation, metrics
from watchkeeper.clock import utc_now
from watchkeeper.dead_letters import dead_letter_writer
from watchkeeper.entry import LambdaContext
from watchkeeper.errors import WatchkeeperError
from watchkeeper.logs import logger

Work = dict[str, Any]

_WORDS = {str: "text", list: "list of texts", int: "number", bool: "flag", dict: "object"}


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a piece of work, with their types; lists hold strings."""

    needed: Mapping[str, type] = field(default_factory=dict)
    optional: Mapping[str, type] = field(default_factory=dict)


Forms = Mapping[str | None, Form]
"""A form for each ``task``; ``None`` stands for work without one."""


class WorkRefused(WatchkeeperError):
    """A message is not valid work for this function; retrying cannot help."""


def work_of(body: str) -> object:
    """The parsed body of a message. Raises ``WorkRefused`` if it is not JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise WorkRefused(f"work is JSON, and this is not: {error}") from error


def checked(work: object, forms: Forms) -> Work:
    """The work, if it has one of the forms. Raises ``WorkRefused`` saying what is wrong."""
    if not isinstance(work, dict):
        raise WorkRefused(f"work is a JSON object, and this is {told(work)}")
    for name, kind in _fields(work, _form(work, forms)).items():
        if not _is(work.get(name), kind):
            raise WorkRefused(f"{name} is {told(work.get(name))}, which is no {_WORDS[kind]}")
    return work


def told(value: object) -> str:
    """A value, shortened for a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


def each_message(
    event: Mapping[str, Any],
    context: LambdaContext,
    do: Callable[[str], None],
    *,
    ready: Callable[[], object],
    margin_seconds: float,
    kept: Callable[[Mapping[str, Any], Exception], object] | None = None,
) -> dict[str, Any]:
    """Process the body of every message; the result names those that failed, and only these are delivered again.

    A message that failed for the last time becomes a dead letter with the reason; ``kept`` is then called with its
    record, and must not raise. Messages that cannot be started with ``margin_seconds`` left are delivered again too;
    the first is always started. An invocation without messages is a deployment's check that the function starts:
    ``ready`` raises if it does not.
    """
    if not event["Records"]:
        ready()
        return {"batchItemFailures": []}
    letters = dead_letter_writer(aws.sqs_client())
    begun: list[str] = []

    def record_handler(record: SQSRecord) -> None:
        if begun and context.get_remaining_time_in_millis() / 1000 < margin_seconds:
            raise _NotBegun
        begun.append(record.message_id)
        with _following(record):
            try:
                _measure_age(record)
                do(record.body)
            except Exception as error:
                metrics.measure(metrics.FAILURES, 1, function=context.function_name)
                is_letter = letters.keep(
                    record.raw_event, error, function=context.function_name, request_id=context.aws_request_id
                )
                fate = "work failed for good; it is a dead letter" if is_letter else "work failed; it comes again"
                logger.exception(fate)
                if not is_letter:
                    raise
                if kept:
                    kept(record.raw_event, error)
            finally:
                metrics.write()  # a function that is killed during the next message writes nothing more

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return dict(process_partial_response(event=dict(event), record_handler=record_handler, processor=processor))


class _NotBegun(Exception):
    """There is no time left for a message."""


def _form(work: Work, forms: Forms) -> Form:
    task = work.get("task")
    form = forms.get(task) if task is None or isinstance(task, str) else None
    if form is None:
        known = ", ".join(task for task in forms if task)
        raise WorkRefused(f"task is {told(task)}; it can be {known or 'left out'}")
    return form


def _fields(work: Work, form: Form) -> dict[str, type]:
    given = {name: kind for name, kind in form.optional.items() if work.get(name) is not None}
    return {**form.needed, **given}


def _is(value: object, kind: type) -> bool:
    if isinstance(value, list):
        return kind is list and all(isinstance(one, str) for one in value)
    return isinstance(value, kind)


@contextmanager
def _following(record: SQSRecord) -> Iterator[None]:
    """Log lines and whatever is sent carry the message's correlation id, log lines also its own id."""
    cause = correlation.of_message(record.raw_event) or correlation.current()
    with correlation.following(cause), logger.append_context_keys(message_id=record.message_id):
        yield


def _measure_age(record: SQSRecord) -> None:
    age = utc_now().timestamp() - int(record.attributes.sent_timestamp) / 1000
    metrics.measure(metrics.QUEUE_AGE, max(0.0, age), queue=record.event_source_arn.rpartition(":")[2])
