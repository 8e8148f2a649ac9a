"""What it costs to run: prices times the benchmarks' counts, the templates' resources, and assumptions."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import Any

import yaml

from local.declared import queues
from local.documents import contracts
from local.documents.deployment import definitions, parameters, pool_triggers
from local.documents.packaged import SERVICES, Templates
from local.documents.tables import definitions as tables
from local.workspace import REPOSITORY
from watchkeeper.markets.budget import CALLS_AN_ASSET, CALLS_OF_THE_CALENDAR
from watchkeeper.markets.coverage import AGES
from watchkeeper.markets.events import Reason
from watchkeeper.metrics import CATALOGUE, Metric
from watchkeeper.people.reminders import ReminderStatus

FIGURES = REPOSITORY / "docs" / "costs.json"
"""Prices and assumptions; docs/costs.md says where each is from."""
COUNTED = REPOSITORY / "docs" / "counted.json"
"""The output of the benchmarks `ingest`, `people`, `markets` and `observability`."""

STAGES = ("dev", "staging", "prod")

HOURS = 730
DAYS = 30.4
_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_WEEK = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_PARAMETER = re.compile(r"\$\{param:(\w+)\}")
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_POLLS_AT_ONCE = 5
_POLL_SECONDS = 20
_THOUSAND = 1000
_STREAMED = tuple(f"watchkeeper-test-{name}" for name in ("patches", "series", "discussions"))
"""Tables with a stream, by the names the benchmark gives them."""

Lines = dict[str, tuple[str, float]]
"""By item: the amount, and dollars a month."""


@cache
def figures() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(FIGURES.read_text())
    return loaded


@cache
def counted() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(COUNTED.read_text())["results"]["ingest"]
    return loaded


@cache
def counted_of_people() -> dict[str, Any]:
    """The cost of each operation of a person, by name."""
    loaded: dict[str, Any] = json.loads(COUNTED.read_text())["results"]["people"]["operations"]
    return loaded


@cache
def counted_of_markets() -> dict[str, Any]:
    """The cost of each run of a function of the markets watch, by name."""
    loaded: dict[str, Any] = json.loads(COUNTED.read_text())["results"]["markets"]["operations"]
    return loaded


@cache
def counted_of_observability() -> dict[str, Any]:
    """The costs of commands, facts and projections, by name; and of a value of a metric, on average."""
    loaded: dict[str, Any] = json.loads(COUNTED.read_text())["results"]["observability"]
    return loaded


def price(name: str) -> float:
    return float(figures()["prices"][name])


# A thousand patches, or mails


@dataclass(frozen=True)
class Reading:
    """The benchmark's counts for one kind of item."""

    items: int
    usage: Mapping[str, Any]

    def each(self, unit: str) -> float:
        return float(self.usage[unit]) / self.items

    @property
    def events(self) -> float:
        """At most, that is one for each item written to a table that has a stream."""
        tables = self.usage["by_table"]
        return sum(float(tables[name]["items_written"]) for name in _STREAMED if name in tables) / self.items


def thousand() -> str:
    """The costs of reading a thousand patches and a thousand mails, the first time and again."""
    rows = [_thousand(title, reading) for title, reading in _readings()]
    head = [
        "| 1,000 | write units | read units | upstream requests | tables, $ | functions, $ | events, $ | sum, $ |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def _readings() -> Iterator[tuple[str, Reading]]:
    result = counted()
    for noun, kind in (("patches", "patches"), ("mails", "discussions")):
        first, hour, again = (result[phase][kind] for phase in ("first_load", "hour", "unchanged"))
        yield f"{noun}, in a first load", Reading(first["new"], first)
        yield f"{noun}, as they come", Reading(hour["new"], hour)
        yield f"{noun}, read again", Reading(result[noun], again)


def _thousand(title: str, reading: Reading) -> str:
    writes, reads, requests = (
        _THOUSAND * reading.each(unit) for unit in ("write_units", "read_units", "upstream_requests")
    )
    seconds = requests / float(_settings("prod")["requestsPerSecond"])
    stored = writes * price("write_unit") + reads * price("read_unit")
    worked = _lambda("prod", "fetchMemory", 0, seconds)
    told = _THOUSAND * reading.events * price("event")
    amounts = " | ".join(_usd(dollars) for dollars in (stored, worked, told, stored + worked + told))
    return f"| {title} | {writes:,.0f} | {reads:,.0f} | {requests:,.0f} | {amounts} |"


# The markets


def markets() -> str:
    """What each run of a function of the markets watch uses, and what its units cost."""
    head = [
        "| run | of | write units | read units | requests to AWS | to upstreams | tables, $ |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *(_run(title, cost) for title, cost in counted_of_markets().items())])


def _run(title: str, cost: Mapping[str, Any]) -> str:
    units = " | ".join(f"{cost[unit]:,.0f}" for unit in ("write_units", "read_units", "requests", "upstream_requests"))
    dollars = cost["write_units"] * price("write_unit") + cost["read_units"] * price("read_unit")
    return f"| {title} | {cost['items']:,} | {units} | {_usd(dollars)} |"


# What is observed


def observability() -> str:
    """What each command and fact uses, and what its units cost."""
    head = [
        "| what is done | write units | read units | requests to AWS | events | tables, $ |",
        "|---|---|---|---|---|---|",
    ]
    counted = counted_of_observability()
    facts = {f"record the fact {name}": cost for name, cost in counted["facts"].items()}
    return "\n".join([*head, *(_command(title, cost) for title, cost in (counted["operations"] | facts).items())])


def _command(title: str, cost: Mapping[str, float]) -> str:
    amounts = (
        f"{cost['write_units']:,.0f} | {cost['read_units']:,.1f} | {cost['requests']:,.0f} | {cost['events']:,.0f}"
    )
    return f"| {title} | {amounts} | {_micro(_units(cost))} |"


def projections() -> str:
    """What follows from each event: its rows, and the execution that writes them."""
    head = [
        "| event | rows | write units | read units | tables, $ | an execution, $ | on the bus, $ |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join(
        [*head, *(_projection(name, cost) for name, cost in counted_of_observability()["projections"].items())]
    )


def _projection(name: str, cost: Mapping[str, float]) -> str:
    amounts = f"{cost['rows']} | {cost['write_units']} | {cost['read_units']:.0f}"
    return f"| {name} | {amounts} | {_micro(_units(cost))} | {_micro(_execution())} | {_micro(price('event'))} |"


def _units(cost: Mapping[str, float]) -> float:
    return cost["write_units"] * price("write_unit") + cost["read_units"] * price("read_unit")


def _execution() -> float:
    """The state machine is billed per execution, and by memory and time, in tenths of a second."""
    observed = _observed()
    gigabytes = observed["megabytes_of_an_execution"] / 1024
    seconds = ceil(10 * observed["seconds_of_an_execution"]) / 10
    return float(price("execution") + gigabytes * seconds * price("execution_gigabyte_second"))


# A month of a stage


def stages(templates: Templates) -> str:
    """A month of each stage of AWS, line by line; the amounts are those of prod."""
    months = {stage: _month(stage, templates) for stage in STAGES}
    rows = []
    for name, (amount, _) in months["prod"].items():
        dollars = " | ".join(_usd(months[stage][name][1]) for stage in STAGES)
        rows.append(f"| {name} | {amount} | {dollars} |")
    sums = " | ".join(f"**{_usd(sum(dollars for _, dollars in months[stage].values()))}**" for stage in STAGES)
    head = [f"| what | on prod | {', $ | '.join(STAGES)}, $ |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows, f"| **sum** | | {sums} |"])


def provisioned() -> str:
    """What the minimum provisioned capacity of every table and index costs, regardless of use."""
    millions = _floor() / price("write_unit") / 1_000_000
    return (
        f"The floor of {len(_facts())} tables and {_indexes()} indexes is {_floor():.2f} $ a month, regardless of use. "
        f"On demand, the same money is {millions:.0f} million write units."
    )


def _month(stage: str, templates: Templates) -> Lines:
    return {
        **_tables(stage, templates),
        **_functions(stage),
        **_people(stage),
        **_markets(stage),
        **_observability(stage),
        **_backups(stage, templates),
        **_messages(stage, templates),
        **_observation(stage, templates),
    }


def _tables(stage: str, templates: Templates) -> Lines:
    settings, volume = _settings(stage), _volume()
    writes = _written(stage)
    reads = _kernel_requests(stage) * volume["read_units_of_a_request"] + _read_again(stage)
    used = f"{writes:,.0f} write units, {reads:,.0f} read units"
    on_demand = writes * price("write_unit") + reads * price("read_unit")
    kept = volume["stored_gigabytes"]
    recovery = price("recovery_gigabyte") if settings["pointInTimeRecovery"] else 0
    provisioned = settings["billingMode"] == "PROVISIONED"
    return {
        "tables of facts, used": (used, _floor() + _raised_floor(templates) if provisioned else on_demand),
        "tables of facts, kept": (f"{kept} GB", kept * (price("table_gigabyte") + recovery)),
    }


def _functions(stage: str) -> Lines:
    calls, seconds = _readings_of(stage)
    requests, checks = _requests(stage), _times(stage, "check-freshness")
    volume, person, times = _volume(), _person(), _signed_in(stage)
    answering, checking = requests * volume["seconds_of_a_request"], checks * volume["seconds_of_a_check"]
    triggers = times * person["triggers_of_a_sign_in"]
    pushes = _pushes(stage)
    of_api = (
        _lambda(stage, "readMemory", requests, answering)
        + _lambda(stage, "signInMemory", 0, times * person["seconds_of_a_sign_in"])
        + _lambda(stage, "triggerMemory", triggers, triggers * person["seconds_of_a_trigger"])
    )
    of_scheduler = _lambda(stage, "watchMemory", checks, checking) + _lambda(
        stage, "pushMemory", pushes, pushes * volume["seconds_of_a_check"]
    )
    return {
        "functions of ingest": (f"{calls:,.0f} calls", _lambda(stage, "fetchMemory", calls, seconds)),
        "functions of api": (f"{requests + triggers:,.0f} calls", of_api),
        "functions of scheduler": (f"{checks + pushes:,.0f} calls", of_scheduler),
    }


def _people(stage: str) -> Lines:
    """The costs of the people who use the stage in a month. Tables and bucket are on demand on every stage."""
    settings, person, people = _settings(stage), _person(), _of_people(stage)
    sent = people * person["reminders"]
    writes = people * _done("write_units") + sent * person["write_units_of_a_sent_reminder"]
    reads = people * _done("read_units") + sent * person["read_units_of_a_sent_reminder"]
    reads += _pushes(stage) * person["read_units_of_a_push_run"]
    kept = people * person["stored_kilobytes"] / 1_000_000
    recovery = price("recovery_gigabyte") if settings["pointInTimeRecovery"] else 0
    stored = writes * price("write_unit") + reads * price("read_unit") + kept * (price("table_gigabyte") + recovery)
    active = price("user_plus") if settings["userPoolTier"] == "PLUS" else price("user_essentials")
    return {
        "tables of people": (f"{writes:,.0f} write units, {reads:,.0f} read units, {kept} GB", stored),
        "user pool": (f"{people:,} people, {settings['userPoolTier']}", people * active),
        "mails with codes": (f"{_signed_in(stage):,}", _signed_in(stage) * price("mail")),
        "photos": _photos(people),
    }


def _photos(people: int) -> tuple[str, float]:
    person = _person()
    taken, seen = people * person["photos"], people * person["photo_views"]
    kept = taken * person["photo_megabytes"] * person["photo_months_kept"] / 1000
    sent = seen * person["photo_megabytes"] / 1000
    moved = taken * price("object_write") + seen * price("object_read") + sent * price("internet_gigabyte")
    return f"{kept:,.0f} GB, {sent:,.0f} GB of them downloaded", kept * price("object_gigabyte") + moved


def _markets(stage: str) -> Lines:
    """On demand on every stage. The functions that read a company's fundamentals wait for the upstream's rate limit."""
    market, pollenations = _market(), _pollenations(stage)
    writes, reads = (_used_by_markets(stage, unit) for unit in ("write_units", "read_units"))
    reads += _market_requests(stage) * market["read_units_of_a_request"]
    stored = writes * price("write_unit") + reads * price("read_unit")
    kept, indexed = _market_gigabytes(stage, "octets"), _market_gigabytes(stage, "index_octets")
    recovery = kept * price("recovery_gigabyte") if _settings(stage)["pointInTimeRecovery"] else 0.0
    runs = {name: _times(stage, name) for name in market["seconds_of_a_run"]}
    worked = sum(_megabytes(name, times, times * market["seconds_of_a_run"][name]) for name, times in runs.items())
    worked += _megabytes(_POLLENATING, pollenations, pollenations * _seconds_of_a_pollenation(stage))
    calls = sum(runs.values()) + pollenations
    return {
        "tables of the markets, used": (f"{writes:,.0f} write units, {reads:,.0f} read units", stored),
        "tables of the markets, kept": (
            f"{kept:.1f} GB, and {indexed:.1f} GB of indexes",
            (kept + indexed) * price("table_gigabyte") + recovery,
        ),
        "functions of the markets": (f"{calls:,.0f} calls, {pollenations:,.0f} of them pollenations", worked),
    }


def _used_by_markets(stage: str, unit: str) -> float:
    """Every day all volumes change, and each overview, which includes the price; and every quarter the figures."""
    market, pollenations = _market(), _pollenations(stage)
    with_figures = _with_figures(stage)
    new_quarters = min(market["companies"] / 3 * _share(stage), with_figures)
    used = _times(stage, "sync-assets") * _each("assets, all volumes changed", unit) * market["assets"]
    used += _times(stage, "sync-earnings-calendar") * counted_of_markets()["calendar, unchanged"][unit]
    used += market["new_reports"] * _share(stage) * _each("calendar, first load", unit)
    used += pollenations * _each("pollenation, unchanged", unit)
    used += with_figures * market["units_of_an_overview"][unit]
    used += new_quarters * (_each("pollenation, a new quarter", unit) - _each("pollenation, unchanged", unit))
    used += _times(stage, "sync-news-sentiment") * market["articles_of_an_hour"] * market["units_of_an_article"][unit]
    looks = {
        "trigger-earnings-pollenation": "trigger after reports",
        "trigger-regular-pollenation": "trigger of the day",
        "check-coverage": "coverage",
    }
    return float(used + sum(_times(stage, name) * counted_of_markets()[run][unit] for name, run in looks.items()))


def _each(run: str, unit: str) -> float:
    cost = counted_of_markets()[run]
    return float(cost[unit] / cost["items"])


_POLLENATING = "pollenate-asset"


def _pollenations(stage: str) -> float:
    """Per month: the calls the stage may make that news and the calendar leave; and no asset twice a day."""
    settings = _settings(stage)
    others = _number(settings["alphavantageNewsPerDay"]) + CALLS_OF_THE_CALENDAR
    a_day = (_number(settings["alphavantagePerDay"]) - others) // CALLS_AN_ASSET
    return _times(stage, "trigger-regular-pollenation") * float(min(a_day, _market()["assets"]))


def _with_figures(stage: str) -> float:
    """Pollenations of a month that find a company's figures; there are none of funds."""
    return _pollenations(stage) * float(_market()["companies"] / _market()["assets"])


def _seconds_of_a_pollenation(stage: str) -> float:
    """Concurrent workers share the calls per second and per minute."""
    settings, events = _settings(stage), definitions("ingest")[_POLLENATING]["events"]
    workers = next(event["sqs"]["maximumConcurrency"] for event in events if "sqs" in event)
    pace = min(_number(settings["alphavantagePerSecond"]), _number(settings["alphavantagePerMinute"]) / 60)
    return float(workers * CALLS_AN_ASSET / pace)


def _market_gigabytes(stage: str, of: str) -> float:
    """After a year: of ``octets``, or of ``index_octets``; fundamentals have no index."""
    market = _market()
    counted = {
        "assets, first load": market["assets"],
        "calendar, first load": market["new_reports"] * 12,
        "news, first load": market["articles_of_an_hour"] * 12 * _times(stage, "sync-news-sentiment"),
    }
    octets = sum(number * _each(name, of) for name, number in counted.items())
    if of == "octets":
        pollenated = 12 * _with_figures(stage)
        octets += 1000 * min(pollenated, market["companies"]) * market["kilobytes_of_a_company"]
        octets += 1000 * pollenated * market["kilobytes_of_an_overview"]
    return float(octets) / 1_000_000_000


def _observability(stage: str) -> Lines:
    """The costs of the facts about the system itself while nothing fails. On demand on every stage."""
    facts, events = _facts_told(stage), _events_sourced(stage)
    writes, reads = (_used_by_observability(stage, unit) for unit in ("write_units", "read_units"))
    kept = _events_gigabytes(stage)
    recovery = price("recovery_gigabyte") if _settings(stage)["pointInTimeRecovery"] else 0
    observed, counts = _observed(), _times(stage, _COUNTING)
    seconds = sum(facts.values()) * observed["seconds_of_a_fact"]
    seconds += events * (observed["seconds_of_a_publication"] + observed["seconds_of_an_evaluation"])
    calls = sum(facts.values()) + 2 * events
    worked = _lambda(stage, "publishMemory", calls, seconds)
    worked += _lambda(stage, "watchMemory", counts, counts * observed["seconds_of_a_count"])
    return {
        "tables of observability, used": (
            f"{writes:,.0f} write units, {reads:,.0f} read units",
            writes * price("write_unit") + reads * price("read_unit"),
        ),
        "tables of observability, kept": (f"{kept:.1f} GB", kept * (price("table_gigabyte") + recovery)),
        "functions of observability": (f"{calls + counts:,.0f} calls", worked),
        "executions that project": (f"{events:,.0f}", events * _execution()),
    }


_COUNTING = "check-dead-letters"


def _facts_told(stage: str) -> Mapping[str, float]:
    """By type: readings and runs that end, the ages of sources, and queues without dead letters."""
    of_letters = [queue for queue in queues() if not queue.has_dead_letters]
    syncs = sum(_times(stage, name) for name in ("sync-assets", "sync-earnings-calendar", "sync-news-sentiment"))
    ages = (
        _times(stage, "check-freshness") * _sources_of_kernel() + _times(stage, "check-coverage") * _SOURCES_OF_MARKETS
    )
    return {
        "RunFinished": _runs(stage) + syncs,
        "SourceAged": ages,
        "DeadLettersCounted": _times(stage, _COUNTING) * len(of_letters),
    }


def _events_sourced(stage: str) -> float:
    """All of them of metrics: nothing fails, so that no health changes."""
    told = counted_of_observability()["facts"]
    return sum(number * float(told[name]["events"]) for name, number in _facts_told(stage).items())


def _used_by_observability(stage: str, unit: str) -> float:
    """Units of the facts, including what a longer history adds to each event; of the rows, and of evaluating events
    with the existing rules."""
    counted = counted_of_observability()
    events = _events_sourced(stage)
    facts = sum(number * float(counted["facts"][name][unit]) for name, number in _facts_told(stage).items())
    longer = float(counted["over_time"][unit]) - float(counted["operations"]["record a value"][unit])
    evaluated = float(counted["operations"]["hold a value against a rule"][unit])
    return facts + events * (longer + float(counted["projections"]["MetricRecorded"][unit]) + evaluated)


def _events_gigabytes(stage: str) -> float:
    """After a year; events are kept for ever."""
    return float(12 * _events_sourced(stage) * _observed()["kilobytes_of_an_event"]) / 1_000_000


def _backups(stage: str, templates: Templates) -> Lines:
    """Of the whole of each table, each night."""
    plans = _properties(templates, "AWS::Backup::BackupPlan") if _settings(stage)["backups"] else []
    rules = [rule for plan in plans for rule in plan["BackupPlan"]["BackupPlanRule"]]
    copies = sum(rule["Lifecycle"]["DeleteAfterDays"] for rule in rules)
    people = _of_people(stage) * _person()["stored_kilobytes"] / 1_000_000
    kept = _volume()["stored_gigabytes"] + people + _market_gigabytes(stage, "octets") + _events_gigabytes(stage)
    return {"backups": (f"{copies} copies of {kept:.1f} GB", copies * kept * price("backup_gigabyte"))}


def _messages(stage: str, templates: Templates) -> Lines:
    polls, requests = _polls(), _requests(stage)
    secrets = _count(templates, "AWS::SecretsManager::Secret")
    pollenations = _pollenations(stage)
    facts = sum(_facts_told(stage).values())
    messages = polls + 3 * (_readings_of(stage)[0] + pollenations + facts)
    volume = _volume()
    events = (volume["patches"] * (1 + volume["changes_of_a_patch"]) + volume["mails"]) * _share(stage) + pollenations
    events += facts + _events_sourced(stage)
    return {
        "HTTP API": (f"{requests:,} requests", requests * price("http_request")),
        "queues": (f"{messages:,.0f} requests, mostly polls", messages * price("sqs_request")),
        "events": (f"{events:,.0f} entries", events * price("event")),
        "secrets": (f"{secrets}", secrets * price("secret")),
    }


def _observation(stage: str, templates: Templates) -> Lines:
    settings, calls = _settings(stage), _calls(stage)
    metrics, routes = (
        _custom_metrics(),
        _count(templates, "AWS::ApiGatewayV2::Route") * figures()["metrics_of_a_gateway_route"],
    )
    dashboards = _count(templates, "AWS::CloudWatch::Dashboard")
    gigabytes = calls * _volume()["log_kilobytes_of_a_call"] / 1_000_000
    kept = gigabytes * settings["logRetention"] / DAYS
    logs = gigabytes * price("log_gigabyte") + kept * price("log_gigabyte_kept")
    traces = calls * price("trace") if settings["tracing"] else 0.0
    return {
        "metrics of ours": (f"{metrics}", metrics * _share(stage) * price("custom_metric")),
        "metrics of the API's routes": (f"{routes}", routes * _share(stage) * price("custom_metric")),
        "alarms": _alarms(settings, templates),
        "alarms that scale the tables": _scaling_alarms(settings, templates),
        "dashboards": (f"{dashboards}", dashboards * price("dashboard")),
        "logs": (f"{gigabytes:.1f} GB, kept for {settings['logRetention']} days", logs),
        "traces": (f"{calls:,.0f}", traces),
    }


def _alarms(settings: Mapping[str, Any], templates: Templates) -> tuple[str, float]:
    """An alarm is billed by the metrics it evaluates; those that judge a deployment, each at a fixed price."""
    if not settings["alarmsEnabled"]:
        return "none", 0.0
    watched = sum(_metrics_of(alarm) for alarm in _properties(templates, "AWS::CloudWatch::Alarm"))
    judging = _count(templates, "AWS::CloudWatch::CompositeAlarm") if settings["rollbackMinutes"] else 0
    single = _count(templates, "AWS::CloudWatch::Alarm")
    amount = f"{single} of {watched} metrics, and {judging} of alarms"
    return amount, watched * price("alarm") + judging * price("composite_alarm")


def _metrics_of(alarm: Mapping[str, Any]) -> int:
    return sum("MetricStat" in one for one in alarm.get("Metrics", [])) or 1


def _scaling_alarms(settings: Mapping[str, Any], templates: Templates) -> tuple[str, float]:
    if settings["billingMode"] != "PROVISIONED":
        return "none", 0.0
    policies = _count(templates, "AWS::ApplicationAutoScaling::ScalingPolicy")
    alarms = policies * figures()["alarms_of_a_scaling_policy"]
    return f"{alarms}", alarms * price("alarm")


def _custom_metrics() -> int:
    """As many as there would be if each were written in every hour, and nothing failed."""
    return sum(values_of(metric) for metric in CATALOGUE)


def values_of(metric: Metric) -> int:
    """The number of dimension values for which a metric is written while nothing fails."""
    if metric.name in figures()["functions_that_measure"]:
        return int(figures()["functions_that_measure"][metric.name])
    return _VALUES[metric.dimension]()


_SOURCES_OF_MARKETS = 3
"""Assets, earnings calendar and news."""


def _sources() -> int:
    return _sources_of_kernel() + _SOURCES_OF_MARKETS


def _sources_of_kernel() -> int:
    return len([name for kind in ("projects", "lists") for name in _watched(kind)])


def _watched(kind: str) -> list[str]:
    """The names stages.yml gives unless a variable says otherwise."""
    found = re.search(r"'(.*)'", str(parameters()[kind]))
    return found[1].split(",") if found else []


def _unasked_functions() -> int:
    """Those that something starts, and not only an operator."""
    known = ((name, one) for service in SERVICES for name, one in definitions(service).items())
    return sum(bool(one.get("events")) or name in pool_triggers() for name, one in known)


def _work_queues() -> int:
    functions = (one for service in SERVICES for one in definitions(service).values())
    return sum("sqs" in event for one in functions for event in one.get("events", []))


def _upstreams() -> int:
    """By their addresses; Alpaca has two."""
    return sum(name.endswith("Url") and name not in ("publicUrl", "alpacaDataUrl") for name in parameters())


_VALUES: Mapping[tuple[str, ...], Callable[[], int]] = {
    (): lambda: 1,
    ("age",): lambda: len(AGES),
    ("reason",): lambda: len(Reason),
    ("function",): _unasked_functions,
    ("function", "outcome"): lambda: 0,
    ("upstream",): _upstreams,
    ("upstream", "outcome"): _upstreams,
    ("source",): _sources,
    ("queue",): _work_queues,
    ("outcome",): lambda: len(ReminderStatus) - 2,  # a run never ends as sending or cancelled
    ("route",): lambda: len(contracts.paths()),
}


def _lambda(stage: str, memory: str, calls: float, seconds: float) -> float:
    return _computed(int(_settings(stage)[memory]), calls, seconds)


def _megabytes(function: str, calls: float, seconds: float) -> float:
    """Of a function that has the same memory on every stage."""
    found = next(definitions(service)[function] for service in SERVICES if function in definitions(service))
    return _computed(int(found["memorySize"]), calls, seconds)


def _computed(megabytes: int, calls: float, seconds: float) -> float:
    gigabytes = megabytes / 1024
    return calls * price("lambda_call") + seconds * gigabytes * price("lambda_gigabyte_second")


def _volume() -> Mapping[str, Any]:
    volume: Mapping[str, Any] = figures()["assumed_month"]
    return volume


def _market() -> Mapping[str, Any]:
    market: Mapping[str, Any] = figures()["assumed_month_of_the_markets"]
    return market


def _observed() -> Mapping[str, Any]:
    observed: Mapping[str, Any] = figures()["assumed_month_of_observability"]
    return observed


def _person() -> Mapping[str, Any]:
    person: Mapping[str, Any] = figures()["assumed_month_of_a_person"]
    return person


def _of_people(stage: str) -> int:
    """Who uses the stage in a month."""
    return int(figures()["assumed_stages"][stage]["people"])


def _signed_in(stage: str) -> int:
    return int(_of_people(stage) * _person()["operations"]["log in"])


def _done(unit: str) -> float:
    """Units of the tables that one person takes in a month."""
    month: Mapping[str, int] = _person()["operations"]
    return sum(times * float(counted_of_people()[name][unit]) for name, times in month.items())


def _requests(stage: str) -> int:
    """Those about the facts of both watches, and those of people."""
    return (
        _kernel_requests(stage)
        + _market_requests(stage)
        + int(_of_people(stage) * sum(_person()["operations"].values()))
    )


def _kernel_requests(stage: str) -> int:
    return int(figures()["assumed_stages"][stage]["api_requests"])


def _market_requests(stage: str) -> int:
    return int(figures()["assumed_stages"][stage]["market_requests"])


def _share(stage: str) -> float:
    """Of the month in which something runs."""
    return float(figures()["assumed_stages"][stage]["hours_used"]) / HOURS


def _calls(stage: str) -> float:
    triggers = _signed_in(stage) * _person()["triggers_of_a_sign_in"]
    timed = _times(stage, "check-freshness") + _pushes(stage)
    markets = sum(_times(stage, name) for name in _market()["seconds_of_a_run"]) + _pollenations(stage)
    observing = _times(stage, _COUNTING) + sum(_facts_told(stage).values()) + 2 * _events_sourced(stage)
    return float(_readings_of(stage)[0] + _requests(stage) + triggers + timed + markets + observing)


def _pushes(stage: str) -> float:
    """Runs that look for reminders to send, and for receipts; few find any."""
    return _times(stage, "process-reminders") + _times(stage, "check-push-receipts")


def _written(stage: str) -> float:
    """Units of new facts, of patches rewritten while their state and checks change, and of progress."""
    volume = _volume()
    patches, mails = (
        Reading(counted()["hour"][kind]["new"], counted()["hour"][kind]).each("write_units")
        for kind in ("patches", "discussions")
    )
    new = volume["patches"] * (1 + volume["changes_of_a_patch"]) * patches + volume["mails"] * mails
    return float(new * _share(stage) + _readings_of(stage)[0] * volume["progress_units_of_a_reading"])


def _read_again(stage: str) -> float:
    """Units of what the nightly full reading finds unchanged."""
    again = Reading(counted()["patches"], counted()["unchanged"]["patches"])
    patches = _times(stage, "fetch-patches", "full") * float(_volume()["patches_kept"])
    return patches * again.each("read_units")


def _readings_of(stage: str) -> tuple[float, float]:
    """Calls and seconds of the fetching functions: each schedule hands out one message a source."""
    volume = _volume()
    recent = sum(_times(stage, name, "recent") for name in definitions("ingest"))
    full = sum(_times(stage, name, "full") for name in definitions("ingest"))
    seconds = recent * volume["seconds_of_a_recent_reading"] + full * volume["seconds_of_a_full_reading"]
    return recent + full + _runs(stage), _sources_of_kernel() / 2 * seconds


def _runs(stage: str) -> float:
    """Readings of one source each."""
    times = sum(_times(stage, name, mode) for name in definitions("ingest") for mode in ("recent", "full"))
    return times * _sources_of_kernel() / 2


def _times(stage: str, function: str, mode: str | None = None) -> float:
    """How often a function's schedules of that mode come in a month."""
    found = next(definitions(service)[function] for service in SERVICES if function in definitions(service))
    schedules = [event["eventBridge"] for event in found.get("events", []) if "eventBridge" in event]
    chosen = [one["schedule"] for one in schedules if one.get("input", {}).get("mode") == mode]
    return sum(times_a_month(_resolved(stage, schedule)) for schedule in chosen) * _share(stage)


def times_a_month(expression: str) -> float:
    """Of a rate, or of a cron expression that comes once a day, or hourly, on all days or those it names."""
    if found := _RATE.fullmatch(expression):
        return HOURS * 3600 / (int(found[1]) * _UNITS[found[2]])
    _, hour, _, _, weekday, _ = expression.removeprefix("cron(").removesuffix(")").split()
    return DAYS * (24 if hour == "*" else 1) * _days_of_a_week(weekday) / 7


def _days_of_a_week(named: str) -> int:
    """Of ``*``, ``SUN`` or ``MON-SAT``."""
    if named in ("*", "?"):
        return len(_WEEK)
    first, _, last = named.partition("-")
    return _WEEK.index(last or first) - _WEEK.index(first) + 1


def _polls() -> float:
    """Lambda asks each queue it works for with some long polls at a time."""
    return _work_queues() * _POLLS_AT_ONCE * ceil(HOURS * 3600 / _POLL_SECONDS)


def _floor() -> float:
    capacity = yaml.safe_load((REPOSITORY / "services/ingest/resources/capacity.yml").read_text())["PROVISIONED"]
    writes = capacity["WriteCapacityUnits"] * price("provisioned_write_hour")
    reads = capacity["ReadCapacityUnits"] * price("provisioned_read_hour")
    return float((len(_facts()) + _indexes()) * (writes + reads) * HOURS)


def _raised_floor(templates: Templates) -> float:
    """What the hours cost in which a table's floor is higher: those of the nightly full reading."""
    targets = _properties(templates, "AWS::ApplicationAutoScaling::ScalableTarget")
    nights = [target["ScheduledActions"] for target in targets if "ScheduledActions" in target]
    return sum(_night(*actions) for actions in nights) * price("provisioned_read_hour") * DAYS


def _night(raised: Mapping[str, Any], lowered: Mapping[str, Any]) -> float:
    """Units times hours."""
    high, low = (action["ScalableTargetAction"]["MinCapacity"] for action in (raised, lowered))
    return float((high - low) * (_hour(lowered["Schedule"]) - _hour(raised["Schedule"])))


def _hour(expression: str) -> float:
    """Of the day, of a schedule such as ``cron(45 2 * * ? *)``."""
    minute, hour = expression.removeprefix("cron(").split()[:2]
    return int(hour) + int(minute) / 60


def _indexes() -> int:
    return sum(len(table.get("GlobalSecondaryIndexes", [])) for table in _facts().values())


def _facts() -> Mapping[str, Mapping[str, Any]]:
    """The tables that prod provisions; those of people and of the markets are on demand."""
    return {name: table for name, table in tables("ingest").items() if table["BillingMode"] != "PAY_PER_REQUEST"}


@cache
def _settings(stage: str) -> Mapping[str, Any]:
    """A stage's parameters, with the defaults for those it does not name."""
    params = yaml.safe_load((REPOSITORY / "stages.yml").read_text())["params"]
    return {**params["default"], **params[stage]}


def _resolved(stage: str, value: str) -> str:
    return _PARAMETER.sub(lambda found: str(_settings(stage)[found[1]]), value)


def _number(setting: object) -> float:
    """Of a parameter, which a variable may be able to change."""
    return float(str(setting))


def _properties(templates: Templates, kind: str) -> list[Mapping[str, Any]]:
    resources = (one for template in templates.values() for one in template["Resources"].values())
    return [one.get("Properties", {}) for one in resources if one["Type"] == kind]


def _count(templates: Templates, kind: str) -> int:
    return len(_properties(templates, kind))


def _micro(dollars: float) -> str:
    """Of what is done by the million."""
    return f"{dollars:.7f}"


def _usd(dollars: float) -> str:
    return f"{dollars:.4f}" if 0 < dollars < 0.1 else f"{dollars:.2f}"
