"""The functions' only logger: structured lines with the correlation id, without secrets.

Libraries' lines are redacted too: importing this module sets its formatter on the existing handlers, such as Lambda's.
"""

import json
import logging
from functools import partial
from typing import Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from watchkeeper import correlation
from watchkeeper.redaction import redacted

_OUR_OWN = frozenset({"level", "location", "timestamp", "service", "function_arn", "xray_trace_id"})
"""Keys whose values come from the runtime alone."""

_to_json = partial(json.dumps, default=str, separators=(",", ":"))


class RedactingFormatter(LambdaPowertoolsFormatter):
    """JSON lines of redacted values, in ASCII. Everything that is logged passes here, tracebacks too."""

    def format(self, record: logging.LogRecord) -> str:
        try:
            return super().format(record)
        except Exception as error:
            lost = {"level": record.levelname, "message": "a line could not be written", "logger": record.name}
            return _to_json({**lost, "line": record.lineno, "error": type(error).__name__, **_cause()})

    def serialize(self, log: Any) -> str:
        shown = {key: value if key in _OUR_OWN else redacted(value, key) for key, value in log.items()}
        return _to_json({**shown, **_cause()})


def _cause() -> dict[str, str]:
    return {"correlation_id": redacted(correlation.current())} if correlation.current() else {}


def _new_logger() -> Logger:
    logging.raiseExceptions = False  # a handler that fails would print the line unredacted
    return Logger(logger_formatter=RedactingFormatter(utc=True, serialize_stacktrace=False))


def redact_libraries(root: logging.Logger) -> None:
    """Format the lines that other loggers pass up to ``root``, or to the last resort, with our formatter."""
    for handler in (*root.handlers, logging.lastResort):
        if handler:
            handler.setFormatter(logger.registered_formatter)


logger = _new_logger()
"""Its level is ``LOG_LEVEL``, its service ``POWERTOOLS_SERVICE_NAME``."""
redact_libraries(logging.root)
