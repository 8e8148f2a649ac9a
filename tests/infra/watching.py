"""What a packaged service has that must be watched, and what its alarms and its dashboard actually watch.

A series is what CloudWatch keeps apart: a namespace, a metric and dimensions. References are written as `Fn::Sub`
writes them, for that is how dashboards hold them.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.infra.packages import Package
from watchkeeper.metrics import NAMESPACE

RULES: Mapping[str, Mapping[str, Any]] = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "alarms.yml").read_text()
)
"""The table of alarms, by the name of the rule."""

SHOWN: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "function": {"AWS/Lambda": ("Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions")},
    "stream function": {"AWS/Lambda": ("IteratorAge",)},
    "asynchronous function": {"AWS/Lambda": ("DestinationDeliveryFailures",)},
    "schedule": {"AWS/Events": ("Invocations", "FailedInvocations", "InvocationsFailedToBeSentToDlq")},
    "event rule": {"AWS/Events": ("Invocations", "FailedInvocations", "InvocationsFailedToBeSentToDlq")},
    "http api": {"AWS/ApiGateway": ("Count", "4xx", "5xx", "Latency")},
    "table": {
        "AWS/DynamoDB": (
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
            "ReadThrottleEvents",
            "WriteThrottleEvents",
        )
    },
    "state machine": {
        "AWS/States": (
            "ExecutionsStarted",
            "ExecutionsFailed",
            "ExecutionsTimedOut",
            "ExecutionTime",
        )
    },
    "work queue": {"AWS/SQS": ("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage")},
    "dead-letter queue": {"AWS/SQS": ("ApproximateNumberOfMessagesVisible",)},
    "upstream": {NAMESPACE: ("UpstreamLatency", "BreakerOpen")},
    "keyed upstream": {NAMESPACE: ("UpstreamRefused",)},
    "push service": {NAMESPACE: ("ReminderWait", "PushCredentialErrors", "DevicesSwitchedOff", "UpstreamLatency")},
}
"""What a dashboard shows of each kind of thing, by namespace."""

OF_MARKETS = ("alpaca:assets", "alphavantage:earnings-calendar", "alphavantage:news")
"""What the markets watch reads as a whole."""
FUNDAMENTALS = "alphavantage:fundamentals"
"""What it reads asset by asset."""

Dimensions = frozenset[tuple[str, str]]
Subject = frozenset[Dimensions]
"""One set of dimensions, or several that are added up: a table and its indexes."""


@dataclass(frozen=True)
class Series:
    namespace: str
    metric: str
    dimensions: Dimensions


def dimensions(**values: str) -> Dimensions:
    return frozenset(values.items())


def subjects(package: Package, kind: str) -> set[Subject]:
    """Everything of a kind that the package has."""
    return {frozenset(found) for found in _KINDS[kind](package)}


def wanted_alarms(package: Package, rule: Mapping[str, Any]) -> set[Subject]:
    if rule.get("service", package.service) != package.service:
        return set()
    return subjects(package, rule["watches"])


def calling(package: Package) -> dict[str, Mapping[str, Any]]:
    """The alarms that tell somebody, by logical id; those that judge a deployment tell nobody."""
    found = package.properties("AWS::CloudWatch::Alarm").items()
    return {name: alarm for name, alarm in found if alarm.get("AlarmActions")}


def alarms_of(package: Package, rule: Mapping[str, Any]) -> dict[Subject, Mapping[str, Any]]:
    """The packaged alarms on a rule's metric, by what they watch, if that is of the rule's kind."""
    watched = [(alarm, measured(alarm)) for alarm in calling(package).values()]
    found = {
        frozenset(one.dimensions for one in series): alarm
        for alarm, series in watched
        if {(one.namespace, one.metric) for one in series} == {(rule["namespace"], rule["metric"])}
    }
    return {subject: found[subject] for subject in subjects(package, rule["watches"]) & found.keys()}


def threshold(rule: Mapping[str, Any], alarm: Mapping[str, Any]) -> float:
    """The rule's, unless it has another one for what this alarm watches."""
    own = {f"watchkeeper-prod-{name}-": limit for name, limit in rule.get("thresholds", {}).items()}
    return float(next((limit for name, limit in own.items() if alarm["AlarmName"].startswith(name)), rule["threshold"]))


def unwatched(package: Package) -> dict[str, set[Subject]]:
    """What lacks an alarm, by the rule that asks for it."""
    lacking = {name: wanted_alarms(package, rule) - alarms_of(package, rule).keys() for name, rule in RULES.items()}
    return {name: found for name, found in lacking.items() if found}


def measured(alarm: Mapping[str, Any]) -> list[Series]:
    """The series an alarm looks at, without the expression that adds them up."""
    return [_series(metric) for metric in metrics(alarm)]


def metrics(alarm: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Each with `Period` and `Statistic`, wherever the alarm has them."""
    if "Metrics" not in alarm:
        return [alarm]
    parts = [part["MetricStat"] for part in alarm["Metrics"] if "MetricStat" in part]
    return [{**part["Metric"], "Period": part["Period"], "Statistic": part["Stat"]} for part in parts]


def widgets(package: Package) -> list[Mapping[str, Any]]:
    (dashboard,) = package.properties("AWS::CloudWatch::Dashboard").values()
    body = json.loads(dashboard["DashboardBody"]["Fn::Sub"])
    found: list[Mapping[str, Any]] = body["widgets"]
    return found


def shown(package: Package) -> set[Series]:
    """Every series of the dashboard; searches are none, for what they find is not known here."""
    return {line for widget in widgets(package) for line in _lines(widget)}


def invisible(package: Package) -> set[Series]:
    """What the dashboard should show and does not."""
    wanted = {
        Series(namespace, metric, one)
        for kind, by_namespace in SHOWN.items()
        for namespace, names in by_namespace.items()
        for metric in names
        for subject in subjects(package, kind)
        for one in subject
    }
    return wanted - shown(package)


def _lines(widget: Mapping[str, Any]) -> Iterator[Series]:
    for line in widget["properties"].get("metrics", []):
        texts = [part for part in line if isinstance(part, str)]
        if texts:
            yield Series(texts[0], texts[1], frozenset(zip(texts[2::2], texts[3::2], strict=True)))


def _series(metric: Mapping[str, Any]) -> Series:
    pairs = frozenset((one["Name"], _text(one["Value"])) for one in metric["Dimensions"])
    return Series(metric["Namespace"], metric["MetricName"], pairs)


def _text(value: Any) -> str:
    match value:
        case {"Ref": str(resource)}:
            return f"${{{resource}}}"
        case {"Fn::GetAtt": [str(resource), str(attribute)]}:
            return f"${{{resource}.{attribute}}}"
    return str(value)


def _functions(package: Package) -> Iterator[list[Dimensions]]:
    return ([dimensions(FunctionName=f"${{{name}}}")] for name in package.functions)


def _api_functions(package: Package) -> Iterator[list[Dimensions]]:
    return ([dimensions(FunctionName=f"${{{name}}}")] for name in package.answering)


def _stream_functions(package: Package) -> Iterator[list[Dimensions]]:
    mappings = _all(package, "AWS::Lambda::EventSourceMapping")
    called = {one["FunctionName"]["Fn::GetAtt"][0] for one in mappings if "StartingPosition" in one}
    return ([dimensions(FunctionName=f"${{{name}}}")] for name in called)


def _asynchronous_functions(package: Package) -> Iterator[list[Dimensions]]:
    kept = [one for one in _all(package, "AWS::Lambda::EventInvokeConfig") if "OnFailure" in one["DestinationConfig"]]
    return ([dimensions(FunctionName=f"${{{one['FunctionName']['Ref']}}}")] for one in kept)


def _schedules(package: Package) -> Iterator[list[Dimensions]]:
    rules = package.properties("AWS::Events::Rule").items()
    return ([dimensions(RuleName=f"${{{name}}}")] for name, rule in rules if "ScheduleExpression" in rule)


def _event_rules(package: Package) -> Iterator[list[Dimensions]]:
    rules = package.properties("AWS::Events::Rule").values()
    passing_on = [rule for rule in rules if "EventBusName" in rule]
    return ([dimensions(EventBusName=_text(one["EventBusName"]), RuleName=one["Name"])] for one in passing_on)


def _http_apis(package: Package) -> Iterator[list[Dimensions]]:
    return ([dimensions(ApiId=f"${{{name}}}")] for name in package.resources("AWS::ApiGatewayV2::Api"))


def _tables(package: Package) -> Iterator[list[Dimensions]]:
    for name, table in package.properties("AWS::DynamoDB::Table").items():
        indexes = [index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])]
        yield [
            dimensions(TableName=f"${{{name}}}"),
            *(dimensions(TableName=f"${{{name}}}", GlobalSecondaryIndexName=index) for index in indexes),
        ]


def _state_machines(package: Package) -> Iterator[list[Dimensions]]:
    machines = package.resources("AWS::StepFunctions::StateMachine")
    return ([dimensions(StateMachineArn=f"${{{name}}}")] for name in machines)


def _work_queues(package: Package) -> Iterator[list[Dimensions]]:
    queues = package.properties("AWS::SQS::Queue").items()
    return (_queue(name) for name, queue in queues if "RedrivePolicy" in queue)


def _dead_letter_queues(package: Package) -> Iterator[list[Dimensions]]:
    queues = package.properties("AWS::SQS::Queue").items()
    return (_queue(name) for name, queue in queues if "RedrivePolicy" not in queue)


def _queue(name: str) -> list[Dimensions]:
    return [dimensions(QueueName=f"${{{name}.QueueName}}")]


def _upstreams(package: Package) -> Iterator[list[Dimensions]]:
    """Whose address a function has that shares the circuit breakers."""
    found = {
        variable.removesuffix("_URL").lower()
        for environment in _environments(package)
        if "BREAKERS_TABLE" in environment
        for variable, value in environment.items()
        if variable.endswith("_URL") and str(value).startswith("http")
    }
    return ([_ours(package, upstream=name)] for name in found | _names_with_keys(package))


def _keyed_upstreams(package: Package) -> Iterator[list[Dimensions]]:
    return ([_ours(package, upstream=name)] for name in _names_with_keys(package))


def _names_with_keys(package: Package) -> set[str]:
    """Whose key is in a secret that holds its addresses, too."""
    secrets = package.properties("AWS::SecretsManager::Secret").values()
    return {one["Name"].rpartition("-")[2] for one in secrets if "http" in str(one.get("SecretString"))}


def _push_services(package: Package) -> Iterator[list[Dimensions]]:
    if any(str(environment.get("EXPO_URL", "")).startswith("http") for environment in _environments(package)):
        yield [_ours(package, upstream="expo")]


def _sources(package: Package) -> Iterator[list[Dimensions]]:
    found = {
        f"{kind}:{name}"
        for environment in _environments(package)
        for kind, variable in (("patchwork", "PROJECTS"), ("lore", "LISTS"))
        for name in environment.get(variable, "").split(",")
        if name
    }
    return ([_ours(package, source=name)] for name in found)


def _market_sources(package: Package) -> Iterator[list[Dimensions]]:
    return ([_ours(package, source=name)] for name in OF_MARKETS if _is_watching_markets(package))


def _market_tables(package: Package) -> Iterator[list[Dimensions]]:
    names = (*OF_MARKETS, FUNDAMENTALS)
    return ([_ours(package, source=name)] for name in names if _is_watching_markets(package))


def _is_watching_markets(package: Package) -> bool:
    """Whether it reads them, or looks after them."""
    names = {
        function["FunctionName"].removeprefix("watchkeeper-").partition("-")[2]
        for function in package.functions.values()
    }
    watching = {"ingest": "sync-assets", "scheduler": "check-coverage", "api": "markets"}
    return watching[package.service] in names


def _ours(package: Package, **own: str) -> Dimensions:
    return dimensions(stage=package.state["service"]["provider"]["stackTags"]["stage"], service=package.service, **own)


def _environments(package: Package) -> list[Mapping[str, Any]]:
    return [function.get("Environment", {}).get("Variables", {}) for function in package.functions.values()]


def _all(package: Package, kind: str) -> list[Mapping[str, Any]]:
    return list(package.properties(kind).values())


_KINDS = {
    "function": _functions,
    "api function": _api_functions,
    "stream function": _stream_functions,
    "asynchronous function": _asynchronous_functions,
    "schedule": _schedules,
    "event rule": _event_rules,
    "http api": _http_apis,
    "table": _tables,
    "state machine": _state_machines,
    "work queue": _work_queues,
    "dead-letter queue": _dead_letter_queues,
    "upstream": _upstreams,
    "keyed upstream": _keyed_upstreams,
    "push service": _push_services,
    "source": _sources,
    "market source": _market_sources,
    "market table": _market_tables,
}
