"""Load the data of the markets watch, as its schedules would over a day, and report the progress."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from local.cloud import FunctionFailed, LocalCloud
from local.keys import budget_of
from local.maintenance import days_of, maintenance_of
from local.progress import Waiting, source_progress, waiting_in
from local.stages import Stage, asking
from watchkeeper.dynamodb import Table
from watchkeeper.markets.budget import CALLS_AN_ASSET, Limits, Spent, left
from watchkeeper.markets.coverage import NEVER, Coverage, CoverageRepository
from watchkeeper.markets.models import Earnings
from watchkeeper.markets.repositories.earnings import EarningsRepository
from watchkeeper.progress import MARKETS

SYNCS = ("sync-assets", "sync-earnings-calendar", "sync-news-sentiment")
TRIGGERS = ("trigger-earnings-pollenation", "trigger-regular-pollenation")
COUNT = "check-coverage"
QUEUE = "pollenation"
WITH_LIMITS = TRIGGERS[1]
"""A function whose settings have the number of calls."""

PAUSE = 0.5
SILENCE = 2.0
"""At least this many seconds between two lines about the queue."""
ARRIVAL = 5.0
"""At most this many seconds until a trigger's events are in the queue."""
PATIENCE = 45.0
"""Seconds without a change in the queue after which it is no longer waited for."""
AHEAD = timedelta(days=120)

Tell = Callable[[str], None]


@dataclass
class Collected:
    """The outcome."""

    failures: list[str] = field(default_factory=list)
    waiting: int = 0
    """Assets that are left in the queue."""

    @property
    def finished(self) -> bool:
        """Work that waits for the calls of another hour or day is not a failure: it continues automatically."""
        return not self.failures


def collect(cloud: LocalCloud, seconds: float | None, tell: Tell) -> Collected:
    """Run what the schedules run, in their order, and wait until the assets they chose are pollenated."""
    collected = Collected()
    if is_maintenance(cloud):
        collected.failures.append("it is the maintenance window; to read the markets now: make maintenance OPEN=1h")
        return collected
    deadline = time.monotonic() + (seconds or float("inf"))
    for function in SYNCS:
        _run(cloud, function, collected)
    for source in source_progress(cloud, MARKETS):
        tell(str(source))
    for trigger in TRIGGERS:  # the second chooses among those the first did not
        if needed := _needed(cloud, trigger, collected, tell):
            collected.waiting = _follow(cloud, needed, deadline, tell)
    _run(cloud, COUNT, collected)
    return collected


def is_maintenance(cloud: LocalCloud) -> bool:
    """Raises `StageRefused`."""
    with asking(cloud):
        return maintenance_of(cloud, days_of(cloud)).is_on(datetime.now(UTC))


def _run(cloud: LocalCloud, function: str, collected: Collected) -> dict[str, object]:
    """Its answer; nothing if it failed."""
    try:
        answer = cloud.invoke(function, {})
    except FunctionFailed as failure:
        collected.failures.append(str(failure))
        return {}
    if answer.get("outcome") == "left":
        collected.failures.append(f"{function}: there were no calls left for it")
    return dict(answer)


def _needed(cloud: LocalCloud, trigger: str, collected: Collected, tell: Tell) -> int:
    answer = _run(cloud, trigger, collected)
    needed, left_out = (int(str(answer.get(name, 0))) for name in ("needed", "left_out"))
    if answer:
        later = f", {left_out} more when there are calls for them" if left_out else ""
        tell(f"{trigger:<30} {needed} assets{later}")
    return needed


def _follow(cloud: LocalCloud, needed: int, deadline: float, tell: Tell) -> int:
    """How many are left in the queue when nothing is being processed or the time is up."""
    begin = changed = time.monotonic()
    silent_until = begin
    last: Waiting | None = None
    came = not needed
    while True:
        now, queue = time.monotonic(), waiting_in(cloud, QUEUE)
        came = came or not queue.is_at_rest or now - begin > ARRIVAL
        if queue != last:
            changed, last = now, queue
            if not queue.is_at_rest and now >= silent_until:
                silent_until = now + SILENCE
                tell(f"left in the queue: {queue}")
        if (came and queue.is_at_rest) or now > deadline or now - changed > PATIENCE:
            return queue.ready + queue.taken + queue.delayed
        time.sleep(PAUSE)


# Summary


@dataclass(frozen=True)
class Calls:
    """Of AlphaVantage, today."""

    spent: Spent
    limits: Limits

    @property
    def left(self) -> int:
        return left(self.spent, self.limits)


def calls(stage: Stage, now: datetime) -> Calls:
    """With the limits in the settings of the deployed functions."""
    configuration = stage.client("lambda").get_function_configuration(FunctionName=stage.name(WITH_LIMITS))
    told = configuration["Environment"]["Variables"]
    limits = Limits(
        per_second=float(told["ALPHAVANTAGE_PER_SECOND"]),
        per_minute=int(told["ALPHAVANTAGE_PER_MINUTE"]),
        per_day=int(told["ALPHAVANTAGE_PER_DAY"]),
        news_per_day=int(told["ALPHAVANTAGE_NEWS_PER_DAY"]),
    )
    return Calls(budget_of(stage, limits).spent(now), limits)


def coverage(stage: Stage) -> Coverage | None:
    return CoverageRepository(Table(stage.client("dynamodb"), stage.name("progress"))).get()


def summary(stage: Stage, now: datetime) -> Iterator[str]:
    """A summary of the markets' data, line by line. Raises `StageRefused`."""
    with asking(stage):
        yield from _told(stage, now)


def _told(stage: Stage, now: datetime) -> Iterator[str]:
    counted, today = coverage(stage), calls(stage, now)
    yield "The markets:"
    if counted:
        pollenated = counted.total - counted.assets[NEVER]
        yield f"  {counted.total} assets, {pollenated} of them pollenated with {CALLS_AN_ASSET} calls each"
    upcoming = _upcoming(stage, now)
    processed = sum(report.processed_at is not None for report in upcoming)
    yield f"  {len(upcoming)} reports from today on in {AHEAD.days} days, {processed} of them processed already"
    yield f"  {_news(stage)} news about an asset"
    yield f"  {today.spent.used} of {today.limits.per_day} calls of the day used"


def _upcoming(stage: Stage, now: datetime) -> list[Earnings]:
    calendar = EarningsRepository(Table(stage.client("dynamodb"), stage.name("earningsCalendar")))
    today = now.astimezone(UTC).date()
    return [report for _, report in calendar.between(today, today + AHEAD) if report.withdrawn_at is None]


def _news(stage: Stage) -> int:
    """For each asset that an article names, one; all are counted, which a local cloud has few enough of."""
    scan = stage.client("dynamodb").get_paginator("scan")
    return sum(int(page["Count"]) for page in scan.paginate(TableName=stage.name("newsSentiment"), Select="COUNT"))
