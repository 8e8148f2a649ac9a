"""What a handler must not import: a cold start reads all of it before the first event.

How long imports take is measured by benchmarks/imports.py; here is what would undo it unseen. A module that a function
comes to need at its first event is imported there.
"""

import json

import pytest

from benchmarks.functions import handler_modules, run_fresh

HANDLERS = handler_modules()
EVERYWHERE = {
    "aws_xray_sdk": "makes a session and a client of its own while it is imported; Lambda traces without it",
    "aws_lambda_powertools.utilities.parser": "brings models of every event of AWS",
    "pydantic_settings": "costs as much as pydantic again; the settings are a few variables",
    "pkg_resources": "looks through everything installed",
    "vaderSentiment": "reads its dictionary when the first mail is judged",
}
BOTO3 = "its resources and s3transfer come with it; clients are botocore's"
PYDANTIC = "models of requests and events are not needed to read and keep facts"
REQUESTS = "asks no server; AWS is reached by botocore"
PAGES = "comes with the first page or drawing that somebody asks for"
ROUTING = "answers no requests over HTTP"
BOTOCORE = "asks AWS for nothing"
RETRIES = "botocore tries again by itself"
OUTRUN = "only a command that others were faster than pauses, and it loads that then"
BREAKER = (
    *("ingest/fetch-patches", "ingest/fetch-discussions", "ingest/fetch-threads", "ingest/refresh-discussions"),
    *("ingest/sync-assets", "ingest/sync-earnings-calendar", "ingest/sync-news-sentiment"),
)
"""They get boto3 with the circuit breaker of Powertools, whose store on DynamoDB imports it."""
NO_HTTP = {"pydantic": PYDANTIC, "aws_lambda_powertools.event_handler": ROUTING}
BY_FUNCTION = {name: {"pydantic": PYDANTIC} for name in BREAKER} | {
    "ingest/publish-changes": {"boto3": BOTO3, "requests": REQUESTS},
    "ingest/publish-facts": {"boto3": BOTO3, "requests": REQUESTS, "pydantic": PYDANTIC, "stamina": RETRIES},
    "ingest/publish-events": {"boto3": BOTO3, "requests": REQUESTS, "pydantic": PYDANTIC, "stamina": RETRIES},
    "ingest/evaluate-alerts": {"boto3": BOTO3, "requests": REQUESTS, "pydantic": PYDANTIC},
    "ingest/record-facts": {"boto3": BOTO3, "requests": REQUESTS, "pydantic": PYDANTIC},
    "ingest/rebuild-read-model": {"boto3": BOTO3, "requests": REQUESTS, "pydantic": PYDANTIC, "stamina": RETRIES},
    "ingest/mark-earnings-processed": {"boto3": BOTO3, "requests": REQUESTS, "stamina": RETRIES},
    "api/observability-commands": {"stamina": OUTRUN},
    "api/erase": NO_HTTP,
    "api/watch-access": NO_HTTP,
    "api/pre-sign-up": NO_HTTP | {"botocore.session": BOTOCORE},
    "api/define-auth-challenge": NO_HTTP | {"botocore.session": BOTOCORE},
    "api/create-auth-challenge": NO_HTTP,
    "api/verify-auth-challenge": NO_HTTP,
    "scheduler/check-freshness": {"requests": REQUESTS, "pydantic": PYDANTIC},
    "scheduler/check-coverage": {"requests": REQUESTS, "pydantic": PYDANTIC},
    "scheduler/check-dead-letters": {"requests": REQUESTS, "pydantic": PYDANTIC},
    "scheduler/dead-letters": {"requests": REQUESTS, "pydantic": PYDANTIC},
    "scheduler/process-reminders": {"pydantic": PYDANTIC},
    "scheduler/check-push-receipts": {"pydantic": PYDANTIC},
    "scheduler/trigger-earnings-pollenation": {"requests": REQUESTS},
    "scheduler/trigger-regular-pollenation": {"requests": REQUESTS},
}
_TELL = """
import json, sys
from importlib import import_module
told, known = {}, set()
for module in sys.argv[1:]:
    import_module(module)
    told[module] = sorted({*sys.modules} - known)
    known.update(sys.modules)
print(json.dumps(told))
"""
BY_SERVICE = {
    "ingest": {"aws_lambda_powertools.event_handler": ROUTING},
    "api": {"boto3": BOTO3, "requests": REQUESTS, "stamina": RETRIES, "jinja2": PAGES, "segno": PAGES},
    "scheduler": {"boto3": BOTO3, "aws_lambda_powertools.event_handler": ROUTING},
}

NEEDED = {"api/observability-commands": {"stamina": "decides a command again when another one was faster"}}
"""By each of its events, so that nothing is gained by importing it later."""


def forbidden(function: str) -> dict[str, str]:
    service = function.partition("/")[0]
    found = EVERYWHERE | BY_SERVICE[service] | BY_FUNCTION.get(function, {})
    return {module: why for module, why in found.items() if module not in NEEDED.get(function, {})}


def alike() -> list[list[str]]:
    """The functions that may not import the same: what one process imports of them all tells of each."""
    groups: dict[frozenset[str], list[str]] = {}
    for function in HANDLERS:
        groups.setdefault(frozenset(forbidden(function)), []).append(function)
    return list(groups.values())


@pytest.mark.parametrize("functions", alike(), ids=" ".join)
def test_a_handler_imports_nothing_that_slows_its_start(functions: list[str]) -> None:
    loaded = imported(*(HANDLERS[function] for function in functions))

    for function in functions:
        assert HANDLERS[function] in loaded[HANDLERS[function]]
    slow = {(function, module): why for function in functions for module, why in forbidden(function).items()}
    assert {found: why for found, why in slow.items() if found[1] in loaded[HANDLERS[found[0]]]} == {}


def imported(*modules: str) -> dict[str, list[str]]:
    """What each of them brings, imported one after the other in a process of their own; and what was there before."""
    return dict(json.loads(run_fresh("-c", _TELL, *modules)))


def test_every_function_is_looked_at() -> None:
    services = {name.partition("/")[0] for name in HANDLERS}

    assert services == set(BY_SERVICE)
    assert {*BY_FUNCTION, *NEEDED} <= set(HANDLERS), "a function that is gone"


def test_a_module_that_slows_the_start_would_be_seen() -> None:
    assert "boto3" in imported("boto3")["boto3"]


def test_a_module_is_laid_to_the_first_that_brings_it() -> None:
    loaded = imported("gzip", "tarfile", "shutil")

    assert "zlib" in loaded["gzip"]
    assert "tarfile" in loaded["tarfile"]
    assert "tarfile" not in loaded["shutil"]
