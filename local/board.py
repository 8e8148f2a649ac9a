"""The board of a stage: the status of its functions, queues, sources, health, breakers, alarms and schedules.

What should exist is read from the services' files, so that a new function or queue appears automatically. Where
something cannot be read, the board says so; the rest is still shown.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from local import declared, maintenance, markets
from local.letters import plain
from local.progress import watched_sources
from local.stages import Stage, StageRefused, asking
from watchkeeper.clock import to_iso
from watchkeeper.dynamodb import Between, Table
from watchkeeper.errors import DatabaseError
from watchkeeper.eventsourcing.read_models import ReadModels
from watchkeeper.markets.coverage import NEVER
from watchkeeper.observability.models import RAISED, AlertState, AlertStatus, Health, HealthStatus
from watchkeeper.observability.projections import ALERTS, ERRORS, HEALTH_BOARD
from watchkeeper.people.reminders import SHARDS, ReminderKey, ReminderRepository
from watchkeeper.progress import KERNEL, MARKETS, ProgressRepository, Source

CLIENTS = ("cloudwatch", "dynamodb", "events", "lambda", "logs", "sqs")
AT_ONCE = 8
LATE_AFTER = timedelta(hours=3)
"""As in the scheduler's `check-freshness`."""
REMINDERS_LATE_AFTER = timedelta(minutes=30)
"""As in the alarm `reminders-late`."""
RECEIPTS_LATE_AFTER = timedelta(hours=1)
"""Four runs of `check-push-receipts`."""
MARKETS_LATE_AFTER: Mapping[str, timedelta] = {
    "alpaca:assets": timedelta(hours=50),
    "alphavantage:earnings-calendar": timedelta(hours=50),
    "alphavantage:news": timedelta(hours=32),
}
"""As in the scheduler's `check-coverage`."""
LAST_HOUR = timedelta(hours=1)
LAST_DAY = timedelta(days=1)
ERRORS_COUNTED = 1000
"""At most."""
ALERTS_READ = 500
"""At most: resolved ones stay for 30 days."""
LATELY = timedelta(minutes=10)
PERIOD = 300
QUERIES_AT_ONCE = 500
ABSENT = ("ResourceNotFoundException", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue")
UNKNOWN = "?"
NONE = "-"
NOT_DEPLOYED = "not deployed"

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Row:
    """One item; `trouble` says briefly why it needs attention."""

    cells: tuple[str, ...]
    trouble: str = ""


@dataclass(frozen=True)
class Section:
    title: str
    columns: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    remark: str = ""
    """Text in addition to the rows, or instead of them."""
    unread: str = ""
    """Why a part of it could not be read."""

    @property
    def troubles(self) -> list[str]:
        found = [f"{row.cells[0]} {row.trouble}" for row in self.rows if row.trouble]
        return [*found, *([f"{self.title.lower()} unread"] if self.unread else [])]


@dataclass(frozen=True)
class Look:
    """One look at a stage. Clients are created in advance: they may be used, but not created, in several threads."""

    origin: Stage
    clients: Mapping[str, Any]
    now: datetime
    refusals: list[str] = field(default_factory=list)

    @property
    def stage(self) -> str:
        return self.origin.stage

    def name(self, thing: str) -> str:
        return self.origin.name(thing)

    def client(self, service: str) -> Any:
        return self.clients[service]

    def attempt(self, read: Callable[[], T]) -> T | None:
        """Nothing if that is refused; the reason is kept."""
        try:
            with asking(self.origin):
                return read()
        except (StageRefused, DatabaseError) as refusal:
            self.refusals.append(str(refusal))
        except Exception as surprise:  # one broken part must not hide the rest
            self.refusals.append(f"not understood: {type(surprise).__name__}: {surprise}")
        return None


def read_board(stage: Stage, now: datetime) -> list[Section]:
    """Raises `StageRefused` when nothing at all can be read."""
    with asking(stage):
        clients = {service: stage.client(service) for service in CLIENTS}
    sections = in_parallel(lambda section: _read(section, Look(stage, clients, now)), SECTIONS.items())
    if all(section.unread for section in sections):
        raise StageRefused(sections[0].unread)
    return sections


def _read(described: "tuple[str, Callable[[Look], Section]]", look: Look) -> Section:
    title, read = described
    section = look.attempt(lambda: read(look)) or Section(title)
    return replace(section, title=title, unread="; ".join(dict.fromkeys(look.refusals)))


def in_parallel(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(function, items))


# Functions


@dataclass(frozen=True)
class Runs:
    """Of one function, as AWS counted them."""

    count: int
    errors: int
    throttled: int
    mean: float
    longest: float
    """Both in milliseconds."""

    @property
    def troubles(self) -> Iterator[str]:
        if self.errors:
            yield f"{self.errors} failed"
        if self.throttled:
            yield f"{self.throttled} throttled"


def _functions(look: Look) -> Section:
    names = tuple(declared.functions())
    runs = look.attempt(lambda: _runs(look, names)) or {}
    last = look.attempt(lambda: dict(zip(names, in_parallel(lambda name: _last_run(look, name), names), strict=True)))
    rows = [_function(name, runs.get(name), (last or {}).get(name, UNKNOWN)) for name in names]
    return Section("", ("runs", "failed", "throttled", "mean", "longest", "last run"), tuple(rows), "in the last hour")


def _function(name: str, runs: Runs | None, last: str) -> Row:
    if last == NOT_DEPLOYED:
        return Row((name,), NOT_DEPLOYED)
    if runs is None:
        return Row((name, *[UNKNOWN] * 5, last))
    durations = (milliseconds(runs.mean), milliseconds(runs.longest)) if runs.count else (NONE, NONE)
    counts = (str(runs.count), str(runs.errors), str(runs.throttled))
    return Row((name, *counts, *durations, last), ", ".join(runs.troubles))


def _runs(look: Look, names: Sequence[str]) -> dict[str, Runs]:
    counted = {name: [_of_function(look.name(name), *metric) for metric in COUNTED] for name in names}
    values = read_metrics(look, [metric for metrics in counted.values() for metric in metrics], LAST_HOUR)
    return {name: _counted([values[metric] for metric in metrics]) for name, metrics in counted.items()}


COUNTED = (
    ("Invocations", "Sum"),
    ("Errors", "Sum"),
    ("Throttles", "Sum"),
    ("Duration", "Sum"),
    ("Duration", "SampleCount"),
    ("Duration", "Maximum"),
)


def _of_function(function: str, name: str, statistic: str) -> "Metric":
    return Metric("AWS/Lambda", name, "FunctionName", function, statistic)


def _counted(values: Sequence[Sequence[float]]) -> Runs:
    """Of the values of `COUNTED`."""
    runs, errors, throttled, total, samples = (sum(some) for some in values[:5])
    return Runs(
        int(runs), int(errors), int(throttled), total / samples if samples else 0.0, max(values[5], default=0.0)
    )


def _last_run(look: Look, function: str) -> str:
    """According to the log, which on AWS may be some minutes behind."""
    request = {"orderBy": "LastEventTime", "descending": True, "limit": 1}
    group = f"/aws/lambda/{look.name(function)}"
    answer = present(lambda: look.client("logs").describe_log_streams(logGroupName=group, **request))
    if answer is None:
        return NOT_DEPLOYED
    moments = [stream["lastEventTimestamp"] for stream in answer["logStreams"] if "lastEventTimestamp" in stream]
    return ago(look.now - datetime.fromtimestamp(max(moments) / 1000, UTC)) if moments else "never"


# Queues


@dataclass(frozen=True)
class Depth:
    ready: int
    taken: int
    delayed: int

    @property
    def messages(self) -> int:
        return self.ready + self.taken + self.delayed


def _queues(look: Look) -> Section:
    names = [queue.name for queue in declared.queues() if queue.has_dead_letters]
    oldest = look.attempt(lambda: _oldest(look, names)) or {}
    rows = [_queue(name, depth, oldest.get(name, UNKNOWN)) for name, depth in _depths(look, names)]
    return Section("", ("ready", "taken", "delayed", "oldest"), tuple(rows))


def _queue(name: str, depth: Depth | None, oldest: str) -> Row:
    if depth is None:
        return Row((name,), NOT_DEPLOYED)
    return Row((name, str(depth.ready), str(depth.taken), str(depth.delayed), oldest if depth.messages else NONE))


def _dead_letters(look: Look) -> Section:
    names = [queue.name for queue in declared.queues() if not queue.has_dead_letters]
    return Section("", ("messages",), tuple(_letters(name, depth) for name, depth in _depths(look, names)))


def _letters(name: str, depth: Depth | None) -> Row:
    if depth is None:
        return Row((name,), NOT_DEPLOYED)
    count = depth.messages
    return Row((name, str(count)), f"holds {count} dead letter{'s' * (count > 1)}" if count else "")


def _depths(look: Look, names: Sequence[str]) -> list[tuple[str, Depth | None]]:
    return list(zip(names, in_parallel(lambda name: present(lambda: _depth(look, name)), names), strict=True))


def _depth(look: Look, name: str) -> Depth:
    sqs = look.client("sqs")
    kinds = ("Messages", "MessagesNotVisible", "MessagesDelayed")
    attributes = [f"ApproximateNumberOf{kind}" for kind in kinds]
    url = sqs.get_queue_url(QueueName=look.name(name))["QueueUrl"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=attributes)["Attributes"]
    return Depth(*(int(answer[attribute]) for attribute in attributes))


def _oldest(look: Look, names: Sequence[str]) -> dict[str, str]:
    """How long the oldest message has waited, where AWS reports it."""
    metric = ("AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName")
    asked = {name: Metric(*metric, look.name(name), "Maximum") for name in names}
    ages = read_metrics(look, list(asked.values()), LATELY)
    return {name: age(timedelta(seconds=ages[one][0])) if ages[one] else UNKNOWN for name, one in asked.items()}


# Sources


def _sources(look: Look) -> Section:
    stored = {source.name: source for source in _progress(look).sources()}
    watched = look.attempt(lambda: watched_sources(look))
    names = sorted(stored.keys() | set(watched or ()))
    of_interest = names if watched is None else watched
    rows = [_source(stored.get(name, Source(name)), name in of_interest, look.now) for name in names]
    return Section("", ("phase", "age", "fetched", "stored", "refused"), (*rows, *_market_sources(look)))


def _market_sources(look: Look) -> Iterator[Row]:
    """All of them are always watched."""
    stored = {source.name: source for source in _progress(look, MARKETS).sources()}
    for name in sorted(stored.keys() | MARKETS_LATE_AFTER.keys()):
        late_after = MARKETS_LATE_AFTER.get(name)
        yield _source(stored.get(name, Source(name)), late_after is not None, look.now, late_after or LATE_AFTER)


def _progress(look: Look, watch: str = KERNEL) -> ProgressRepository:
    return ProgressRepository(Table(look.client("dynamodb"), look.name("progress")), watch)


def _source(source: Source, watched: bool, now: datetime, late_after: timedelta = LATE_AFTER) -> Row:
    run = source.run
    counts = (run.fetched, run.stored, run.refused) if run else (NONE, NONE, NONE)
    since = age(now - source.last_success) if source.last_success else NONE
    phase = source.phase if watched else "not watched"
    troubles = "; ".join(_source_troubles(source, now, late_after)) if watched else ""
    return Row((source.name, phase, since, *map(str, counts)), troubles)


def _source_troubles(source: Source, now: datetime, late_after: timedelta) -> Iterator[str]:
    since = source.last_success or source.failing_since or (source.run.started_at if source.run else None)
    if since is None:
        yield "never read"
    elif now - since > late_after:
        yield "late"
    if source.blocked_since:
        yield f"blocked for {age(now - source.blocked_since)}"
    if source.error:
        yield f"fails: {source.error}"
    if source.gaps:
        yield f"has {len(source.gaps)} gap{'s' * (len(source.gaps) > 1)}: {source.gaps[0].reason}"


# Markets


def _markets(look: Look) -> Section:
    rows = (_calls(look), _window(look), _coverage(look))
    return Section("", ("state",), tuple(row for row in rows if row))


def _calls(look: Look) -> Row | None:
    """Of AlphaVantage's calls of the day; nothing if that cannot be read."""
    found = look.attempt(lambda: markets.calls(look, look.now))
    if found is None:
        return None
    spent = found.spent
    pause = datetime.fromtimestamp(spent.paused_until, UTC)
    trouble = f"are refused until {to_iso(pause)}" if pause > look.now else ""
    told = f"{spent.used} of {found.limits.per_day} used ({spent.news} for news), {found.left} left"
    return Row(("calls of AlphaVantage", told), trouble)


def _window(look: Look) -> Row | None:
    """The maintenance window, which is never trouble: it is intended."""

    def read() -> str:
        window = maintenance.maintenance_of(look, maintenance.days_of(look))
        said, state = window.said(), "on" if window.is_on(look.now) else "off"
        return f"{state}: {maintenance.spoken(said)}" if said and said.until > look.now else state

    state = look.attempt(read)
    return Row(("maintenance window", state)) if state else None


def _coverage(look: Look) -> Row:
    """How much of the assets is known; counted every hour."""
    found = look.attempt(lambda: markets.coverage(look))
    if found is None:
        return Row(("assets pollenated", NONE))
    newest = ago(look.now - found.newest) if found.newest else "never"
    asked = found.total - found.assets[NEVER]
    return Row(("assets pollenated", f"{asked} of {found.total}, {found.fresh} within 90 days, the last {newest}"))


# Reminders


def _reminders(look: Look) -> Section:
    """What the processors would find now; where they do not run, nothing is late."""
    reminders = ReminderRepository(Table(look.client("dynamodb"), look.name("people")))
    runs = bool(declared.parameter(look.stage, "schedulesEnabled"))
    kinds = (
        ("to be sent", reminders.due, REMINDERS_LATE_AFTER),
        ("to ask Expo about", reminders.awaiting_receipts, RECEIPTS_LATE_AFTER),
    )
    rows = [_waiting(name, find, look.now, after if runs else None) for name, find, after in kinds]
    return Section("", ("now", "late"), tuple(rows))


def _waiting(
    name: str, find: Callable[[int, datetime], Iterable[ReminderKey]], now: datetime, late_after: timedelta | None
) -> Row:
    waiting = _found(find, now)
    late = _found(find, now - late_after) if late_after else 0
    return Row((name, str(waiting), str(late)), f"has {late} late" if late else "")


def _found(find: Callable[[int, datetime], Iterable[ReminderKey]], until: datetime) -> int:
    return sum(1 for shard in range(SHARDS) for _ in find(shard, until))


# Health: from the system's own facts, as the observability watch sees them


def _health(look: Look) -> Section:
    view = ReadModels(Table(look.client("dynamodb"), look.name("read-models"))).view()
    ill = [Health.of(kept.record) for kept in view.rows(HEALTH_BOARD)]
    first = list(islice(view.rows(ALERTS), ALERTS_READ + 1))
    alerts = [AlertStatus.of(kept.record) for kept in first[:ALERTS_READ]]
    since = Between(low=to_iso(look.now - LAST_DAY))
    errors = sum(1 for _ in islice(view.rows(ERRORS, between=since), ERRORS_COUNTED))
    rows = [
        *(_component(one, look.now) for one in ill if one.status is not HealthStatus.HEALTHY),
        *(_alert(one, look.now) for one in alerts if one.state in RAISED),
        *([_more_alerts()] if len(first) > ALERTS_READ else []),
        *([_errors(errors)] if errors else []),
    ]
    return Section("", ("state", "since"), tuple(rows), f"{len(ill)} components are healthy, and no alert is open")


def _component(health: Health, now: datetime) -> Row:
    reasons = "; ".join(plain(reason.text) for reason in health.reasons)
    return Row((health.component, health.status, ago(now - health.since)), f"is {health.status}: {reasons}")


def _alert(alert: AlertStatus, now: datetime) -> Row:
    """An acknowledged alert needs no attention: somebody knows about it."""
    name = f"{plain(alert.rule_name)}, {alert.series}"
    since = ago(now - alert.raised_at) if alert.raised_at else NONE
    return Row((name, alert.state, since), f"is {alert.severity}" if alert.state is AlertState.OPEN else "")


def _more_alerts() -> Row:
    return Row(("alerts", f"at least {ALERTS_READ}"), "are at /api/v1/observability/alerts")


def _errors(count: int) -> Row:
    told = f"{count}" if count < ERRORS_COUNTED else f"{count} and more"
    return Row(("errors of the last day", told), "are at /api/v1/observability/errors")


# Breakers, alarms and schedules


def _breakers(look: Look) -> Section:
    """One row for every upstream that has failed since the table was created."""
    pages = look.client("dynamodb").get_paginator("scan").paginate(TableName=look.name("breakers"), ConsistentRead=True)
    items = sorted((item for page in pages for item in page["Items"]), key=lambda item: str(item["id"]["S"]))
    rows = tuple(_breaker(item, look.now) for item in items)
    return Section("", ("state", "since"), rows, "" if rows else "none has ever opened")


def _breaker(item: Mapping[str, Any], now: datetime) -> Row:
    state = str(item["state"]["S"]).lower().replace("_", "-")
    opened = item.get("opened_at", {}).get("N")
    since = ago(now - datetime.fromtimestamp(float(opened), UTC)) if opened else NONE
    return Row((str(item["id"]["S"]), state, since), f"is {state}" if state != "closed" else "")


def _alarms(look: Look) -> Section:
    pages = look.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=look.name(""))
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
    ringing = [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]
    rows = tuple(_alarm(look, alarm) for alarm in ringing)
    quiet = f"none of {len(alarms)} rings" if alarms else "none deployed"
    return Section("", ("since",), rows, "" if rows else quiet)


def _alarm(look: Look, alarm: Mapping[str, Any]) -> Row:
    since = alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"]
    return Row((alarm["AlarmName"].removeprefix(look.name("")), ago(look.now - since)), "rings")


def _schedules(look: Look) -> Section:
    pages = look.client("events").get_paginator("list_rules").paginate(NamePrefix=look.name(""))
    rules = {rule["Name"]: rule for page in pages for rule in page["Rules"]}
    wanted = bool(declared.parameter(look.stage, "schedulesEnabled"))
    rows = [_schedule(name, rules.get(look.name(name)), wanted) for name in declared.schedules()]
    return Section("", ("state", "when"), tuple(rows))


def _schedule(name: str, rule: Mapping[str, Any] | None, wanted: bool) -> Row:
    if rule is None:
        return Row((name,), NOT_DEPLOYED)
    enabled = rule["State"] == "ENABLED"
    trouble = "" if enabled is wanted else f"is {rule['State'].lower()}, against stages.yml"
    return Row((name, rule["State"].lower(), rule["ScheduleExpression"]), trouble)


SECTIONS: Mapping[str, Callable[[Look], Section]] = {
    "Functions": _functions,
    "Queues": _queues,
    "Dead letters": _dead_letters,
    "Sources": _sources,
    "Markets": _markets,
    "Reminders": _reminders,
    "Health": _health,
    "Breakers": _breakers,
    "Alarms": _alarms,
    "Schedules": _schedules,
}


# What they have in common


class Metric(NamedTuple):
    """One of AWS's own metrics about one item."""

    namespace: str
    name: str
    dimension: str
    thing: str
    statistic: str

    def query(self, identifier: str) -> dict[str, Any]:
        dimensions = [{"Name": self.dimension, "Value": self.thing}]
        metric = {"Namespace": self.namespace, "MetricName": self.name, "Dimensions": dimensions}
        return {"Id": identifier, "MetricStat": {"Metric": metric, "Period": PERIOD, "Stat": self.statistic}}


def read_metrics(look: Look, metrics: Sequence[Metric], span: timedelta) -> dict[Metric, list[float]]:
    """The values of the span, the newest first."""
    chunks = [metrics[at : at + QUERIES_AT_ONCE] for at in range(0, len(metrics), QUERIES_AT_ONCE)]
    return {metric: values for chunk in chunks for metric, values in _read_metrics(look, chunk, span).items()}


def _read_metrics(look: Look, metrics: Sequence[Metric], span: timedelta) -> dict[Metric, list[float]]:
    named = {f"m{number}": metric for number, metric in enumerate(metrics)}
    pages = (
        look.client("cloudwatch")
        .get_paginator("get_metric_data")
        .paginate(
            MetricDataQueries=[metric.query(name) for name, metric in named.items()],
            StartTime=look.now - span,
            EndTime=look.now,
            ScanBy="TimestampDescending",
        )
    )
    found: dict[Metric, list[float]] = {metric: [] for metric in metrics}
    for page in pages:
        for result in page["MetricDataResults"]:
            found[named[result["Id"]]] += result["Values"]
    return found


def present(read: Callable[[], T]) -> T | None:
    """Nothing if the item does not exist."""
    try:
        return read()
    except ClientError as error:
        if error.response["Error"]["Code"] in ABSENT:
            return None
        raise


def age(span: timedelta) -> str:
    """Approximately, in words."""
    seconds = max(0, int(span.total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def ago(span: timedelta) -> str:
    return f"{age(span)} ago"


def milliseconds(value: float) -> str:
    return f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.0f} ms"
