"""What every Lambda function does around its work: correlation id, log context, metrics, and safe error reporting."""

from collections.abc import Callable
from functools import wraps
from time import perf_counter
from typing import Any, Protocol

from watchkeeper import correlation, metrics
from watchkeeper.logs import logger
from watchkeeper.redaction import redacted_error


class LambdaContext(Protocol):
    """The part of Lambda's context that is used."""

    @property
    def aws_request_id(self) -> str: ...

    @property
    def function_name(self) -> str: ...

    @property
    def invoked_function_arn(self) -> str: ...

    def get_remaining_time_in_millis(self) -> int: ...


Handler = Callable[[Any, Any], dict[str, Any]]


def entry_point(handler: Handler) -> Handler:
    """Decorates every handler. Exceptions are raised without secrets, because Lambda's runtime prints them."""

    @wraps(handler)
    def enter(event: object, context: LambdaContext) -> dict[str, Any]:
        with correlation.following(correlation.of_event(event) or context.aws_request_id):
            return _measured(handler, event, context)

    injected: Handler = logger.inject_lambda_context(enter, clear_state=True)
    return injected


def _measured(handler: Handler, event: object, context: LambdaContext) -> dict[str, Any]:
    started, failed = perf_counter(), 0
    try:
        metrics.write()  # left over from an invocation that was cut off
        return handler(event, context)
    except Exception as error:
        failed = 1
        logger.exception("invocation failed")
        raise redacted_error(error) from None  # its causes are in the log
    finally:
        function = context.function_name
        metrics.measure(metrics.INVOCATIONS, 1, function=function)
        metrics.measure(metrics.FAILURES, failed, function=function)
        metrics.measure(metrics.DURATION, (perf_counter() - started) * 1000, function=function)
        metrics.write()
