"""The functions' one logger: structured lines with the correlation id, and one filter nothing secret gets past."""

import json
from functools import partial
from typing import Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from watchkeeper.redaction import redacted

_OUR_OWN = frozenset({"level", "location", "timestamp", "service", "function_arn", "xray_trace_id"})
"""Keys whose values come from the runtime alone."""

_to_json = partial(json.dumps, default=str, separators=(",", ":"), ensure_ascii=False)


class RedactingFormatter(LambdaPowertoolsFormatter):
    """JSON lines of redacted values. Everything that is logged passes here, tracebacks too."""

    def serialize(self, log: Any) -> str:
        return _to_json({key: value if key in _OUR_OWN else redacted(value, key) for key, value in log.items()})


def _new_logger() -> Logger:
    return Logger(logger_formatter=RedactingFormatter(utc=True, serialize_stacktrace=False))


logger = _new_logger()
"""Its level is ``LOG_LEVEL``, its service ``POWERTOOLS_SERVICE_NAME``."""
