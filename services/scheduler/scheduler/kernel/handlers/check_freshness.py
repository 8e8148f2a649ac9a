"""``check-freshness``: every quarter of an hour, publishes the age of each source, in metrics and on the bus."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from scheduler.facts import publisher, tell_ages
from scheduler.kernel.freshness import Freshness, freshness
from watchkeeper import aws
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.errors import ConfigurationError
from watchkeeper.logs import logger
from watchkeeper.metrics import FRESHNESS_AGE, measure
from watchkeeper.progress import ProgressRepository


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001 -- Lambda's signature
    now = utc_now()
    found = list(freshness(_progress().sources(), _watched(), now))
    for one in found:
        _report(one)
    tell_ages(found, publisher(), run=context.aws_request_id, now=now)
    return {"sources": len(found), "stale": [one.source for one in found if one.stale]}


def _report(one: Freshness) -> None:
    measure(FRESHNESS_AGE, one.age, source=one.source)
    if one.stale or one.blocked:
        logger.warning("source is not fresh", source=one.source, age=round(one.age), blocked=one.blocked)


@cache
def _watched() -> frozenset[str]:
    configured = (("patchwork", os.environ.get("PROJECTS", "")), ("lore", os.environ.get("LISTS", "")))
    return frozenset(
        f"{kind}:{name.strip()}" for kind, names in configured for name in names.split(",") if name.strip()
    )


@cache
def _progress() -> ProgressRepository:
    table = os.environ.get("PROGRESS_TABLE")
    if not table:
        raise ConfigurationError("PROGRESS_TABLE is not set")
    return ProgressRepository(Table(aws.dynamodb_client(), table))
