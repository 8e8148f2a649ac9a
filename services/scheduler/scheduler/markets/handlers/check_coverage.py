"""``check-coverage``: every hour, counts the assets by age, and publishes the age of each source, in metrics and on the
bus; with the action ``count``, stores and publishes nothing."""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from scheduler.facts import publisher, tell_ages
from scheduler.markets.checking import CoverageCheck
from scheduler.markets.orders import only_counts
from scheduler.markets.settings import text
from watchkeeper import aws
from watchkeeper.clock import utc_now
from watchkeeper.dynamodb import Table
from watchkeeper.entry import LambdaContext, entry_point
from watchkeeper.markets.coverage import CoverageRepository
from watchkeeper.markets.repositories.assets import AssetRepository
from watchkeeper.progress import MARKETS, ProgressRepository


@entry_point
def handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    if only_counts(event):
        return {"assets": dict(_check().count().assets)}
    coverage, sources = _check().run()
    tell_ages(sources, publisher(), run=context.aws_request_id, now=utc_now())
    return {"assets": dict(coverage.assets), "stale": [one.source for one in sources if one.stale]}


@cache
def _check() -> CoverageCheck:
    progress, assets = (
        Table(aws.dynamodb_client(), text(os.environ, f"{name}_TABLE")) for name in ("PROGRESS", "ASSETS")
    )
    return CoverageCheck(AssetRepository(assets), CoverageRepository(progress), ProgressRepository(progress, MARKETS))
