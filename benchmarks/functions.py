"""The deployed functions as the benchmarks run them: their handlers, their environment, what Lambda hands them."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import yaml
from aws_lambda_powertools.utilities.typing import LambdaContext

from benchmarks import REPOSITORY, SERVICES, SOURCES
from tests.integration.tables import table_name

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "POWERTOOLS_SERVICE_NAME": "benchmark",
    "LOG_LEVEL": "INFO",
    "PATCHES_TABLE": table_name("patches"),
    "SERIES_TABLE": table_name("series"),
    "DISCUSSIONS_TABLE": table_name("discussions"),
    "THREADING_TABLE": table_name("threading"),
    "PROGRESS_TABLE": table_name("progress"),
    "BREAKERS_TABLE": table_name("breakers"),
    "ASSETS_TABLE": table_name("assets"),
    "EARNINGS_CALENDAR_TABLE": table_name("earningsCalendar"),
    "NEWS_SENTIMENT_TABLE": table_name("newsSentiment"),
    "FOUNDATIONAL_DATA_TABLE": table_name("foundationalData"),
    "ALPHAVANTAGE_PER_DAY": "25",
    "PEOPLE_TABLE": table_name("people"),
    "SIGN_IN_TABLE": table_name("sign-in"),
    "EVENT_STORE_TABLE": table_name("event-store"),
    "READ_MODELS_TABLE": table_name("read-models"),
    "REQUESTS_END_SECONDS": "10",
    "PHOTOS_BUCKET": "photos",
    "ERASURES_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/erasures",
    "USER_POOL_ID": "us-east-1_benchmark",
    "USER_POOL_CLIENT_ID": "benchmark",
    "MAIL_FROM": "sign-in@example.org",
    "PUBLIC_URL": "https://api.example.org",
    "BODIES_BUCKET": "bodies",
    "EVENT_BUS": "events",
    "PATCHES_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/patches",
    "DISCUSSIONS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/discussions",
    "THREADS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/threads",
    "DEAD_LETTERS_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/dead-letters",
    "MAX_RECEIVES": "5",
    "DEAD_LETTER_QUEUES": "{}",
    "CURSOR_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:cursor",
    "PATCHWORK_URL": "https://patchwork.kernel.org",
    "LORE_URL": "https://lore.kernel.org",
    "EXPO_URL": "https://exp.host",
    "CORS_ORIGINS": "*",
    "AWS_BUDGET": "people",
    "PROJECTS": "linux-hwmon,linux-leds",
    "LISTS": "linux-hwmon,linux-leds",
    "CONTACT": "benchmarks@example.org",
    "REQUESTS_PER_SECOND": "100000",
}
"""All settings of all functions. No request is meant to leave this machine."""


class Context(LambdaContext):
    """What Lambda tells a function about its call, with all the time it wants."""

    def __init__(self, request_id: str = "52fdfc07-2182-154f-163f-5f0f9a621d72") -> None:
        self._function_name = "benchmark"
        self._memory_limit_in_mb = 512
        self._invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:benchmark"
        self._aws_request_id = request_id

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 900_000


def handler_modules() -> dict[str, str]:
    """``<service>/<function>`` and the module its handler is in, of every deployed function."""
    return {
        f"{service}/{name}": function["handler"].rpartition(".")[0]
        for service in SERVICES
        for name, function in _functions(service).items()
    }


def memory_of(name: str) -> int:
    """Megabytes of a function that has the same in every stage; named as above."""
    service, _, function = name.partition("/")
    return int(_functions(service)[function]["memorySize"])


def _functions(service: str) -> Mapping[str, Any]:
    definitions: dict[str, Any] = yaml.safe_load((REPOSITORY / "services" / service / "functions.yml").read_text())
    return definitions


@contextmanager
def environment(**settings: str) -> Iterator[None]:
    """The functions' environment with these settings, and nothing of this machine's AWS profile."""
    before = dict(os.environ)
    for name in [name for name in before if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update({**ENVIRONMENT, **settings})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def run_fresh(*arguments: str, **settings: str) -> str:
    """What an interpreter of its own prints for these arguments, in the functions' environment."""
    path = os.pathsep.join(map(str, SOURCES))
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**ENVIRONMENT, "PYTHONPATH": path, "PATH": os.environ.get("PATH", ""), **settings},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout
