"""The services, drawn from the packaged templates as a mermaid flow chart.

The chart shows what a template names and what a role allows: nothing else is known here. What is the same for all is
stated once below the chart, and where a function reads, or sends to, several things of a kind, one line leads to or
from the whole group.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

Template = Mapping[str, Any]

FAILURES = "failures"
"""The queue for what is given up; drawn without the lines to it."""

_MANY = 3
"""From this many on, lines to or from things of a kind become one."""

_ARROWS: Mapping[str, str] = {
    "triggers": "-->",
    "writes": "-->",
    "fails": "--x",
    "streams": "==>",
    "reads": "-.->",
    "looks up changes of": "-.->",
}
"""How a meaning is drawn; any other is stated in words."""
_LOOKS_UP = "looks up changes of"

_KINDS: Mapping[str, tuple[str, str]] = {
    "AWS::Lambda::Function": ("function", "FunctionName"),
    "AWS::DynamoDB::Table": ("table", "TableName"),
    "AWS::SQS::Queue": ("queue", "QueueName"),
    "AWS::S3::Bucket": ("bucket", "BucketName"),
    "AWS::Events::EventBus": ("bus", "Name"),
    "AWS::StepFunctions::StateMachine": ("machine", "StateMachineName"),
    "AWS::SecretsManager::Secret": ("secret", "Name"),
    "AWS::ApiGatewayV2::Api": ("api", "Name"),
    "AWS::Cognito::UserPool": ("pool", "UserPoolName"),
}
_GROUPS: Mapping[str, str] = {"table": "tables", "queue": "queues"}
"""Kinds that stand together in a box of their own."""
_SHAPES: Mapping[str, tuple[str, str]] = {
    "function": ("[", "]"),
    "table": ("[(", ")]"),
    "queue": ("[[", "]]"),
    "bucket": ("[/", "/]"),
    "bus": ("{{", "}}"),
    "machine": ("[\\", "/]"),
    "secret": (">", "]"),
    "api": ("((", "))"),
    "schedule": ("([", "])"),
    "pool": ("[/", "\\]"),
    "mail": (">", "]"),
    "push": (">", "]"),
}
_TITLES: Mapping[str, str] = {
    "bucket": "bucket",
    "bus": "event bus",
    "machine": "state machine",
    "secret": "secret",
    "api": "HTTP API",
    "pool": "user pool",
}
"""What is written before a name that does not say it."""

_KIND_OF_ACTION: Mapping[str, str | None] = {
    "cognito-idp": "pool",
    "dynamodb": "table",
    "events": "bus",
    "lambda": "function",
    "logs": None,
    "s3": "bucket",
    "secretsmanager": "secret",
    "ses": "mail",
    "sqs": "queue",
    "states": "machine",
    "xray": None,
}
"""What an action of a service is done to; ``None`` is not drawn."""
_CHANGING = re.compile(r"(?:Admin)?(BatchWrite|Put|Update|Delete|Send|Invoke|Start|Transact)")
_NOT_DRAWN = frozenset({"DeleteMessage"})
"""Implied by receiving messages."""
_ACTORS = frozenset({"function", "machine"})
_OF_STREAMS = frozenset({"GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"})

_OTHERS: Mapping[str, str] = {"mail": "SES", "push": "Expo"}
"""What no template creates, by kind: the service that sends mail, and the one known by its address."""
_ADDRESS_OF_OTHERS: Mapping[str, str] = {"EXPO_URL": "push"}

_OURS = re.compile(r"watchkeeper-[a-z]+-([A-Za-z0-9]+(?:-[A-Za-z0-9]+)*)")
_VARIABLE = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.\w+)?\}")


@dataclass(frozen=True, order=True)
class Thing:
    kind: str
    name: str

    @property
    def id(self) -> str:
        return re.sub(r"\W", "_", f"{self.kind}_{self.name}")


@dataclass(frozen=True, order=True)
class Line:
    """Something goes from ``source`` to ``target``; what that is, is the ``meaning``."""

    source: Thing
    meaning: str
    target: Thing


@dataclass(frozen=True)
class Stack:
    """One service's template, with names in place of references."""

    service: str
    template: Template

    def properties(self, kind: str) -> dict[str, Mapping[str, Any]]:
        resources = self.template["Resources"].items()
        return {name: one.get("Properties", {}) for name, one in sorted(resources) if one["Type"] == kind}

    def things(self) -> Iterator[Thing]:
        """What is ours: the framework has a bucket and functions too, which have no name, or another."""
        for kind in _KINDS:
            yield from (found for name in self.properties(kind) if (found := self.named(name)))
        yield from map(self.schedule, _schedules(self))

    def named(self, logical_id: str) -> Thing | None:
        resource = self.template["Resources"].get(logical_id, {"Type": ""})
        if resource["Type"] not in _KINDS:
            return None
        kind, name = _KINDS[resource["Type"]]
        found = _OURS.match(self.text(resource["Properties"].get(name, "")))
        return Thing(kind, found[1]) if found else None

    def schedule(self, rule: Mapping[str, Any]) -> Thing:
        return Thing("schedule", _short(rule["Name"]))

    def kind(self, reference: Mapping[str, list[str]]) -> str:
        return _KINDS[self.template["Resources"][reference["Fn::GetAtt"][0]]["Type"]][0]

    def role(self, reference: Mapping[str, list[str]]) -> Mapping[str, Any]:
        return self.properties("AWS::IAM::Role")[reference["Fn::GetAtt"][0]]

    def text(self, value: Any) -> str:
        """A reference, or a text made of some, with the names of what is ours in it."""
        match value:
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
                return self._name(name)
            case {"Fn::Sub": str(text)}:
                return _VARIABLE.sub(lambda found: self._name(found[1]), text)
            case {"Fn::Join": [str(separator), [*parts]]}:
                return separator.join(self.text(part) for part in parts)
        return str(value)

    def _name(self, logical_id: str) -> str:
        match self.template["Resources"].get(logical_id):
            case {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": function}}:
                return self.text(function)
            case {"Type": kind, "Properties": properties} if kind in _KINDS:
                return self.text(properties.get(_KINDS[kind][1], logical_id))
        return logical_id

    def thing(self, kind: str, reference: Any) -> Thing:
        return Thing(kind, _OTHERS[kind] if kind in _OTHERS else _short(self.text(reference)))


def section(templates: Mapping[str, Template]) -> str:
    """The chart, and what it leaves out, from each service's template by the service's name."""
    stacks = [Stack(service, template) for service, template in templates.items()]
    return f"```mermaid\n{chart(stacks)}\n```\n\n{_unsaid(stacks)}"


def chart(stacks: list[Stack]) -> str:
    homes = {thing: stack.service for stack in stacks for thing in stack.things()}
    lines = sorted({line for stack in stacks for line in _lines(stack)})
    for line in lines:
        for end in (line.source, line.target):
            if end not in homes and end.kind not in _OTHERS:
                raise ValueError(
                    f"{line.source.name} {line.meaning} the {end.kind} {end.name}, which no template makes"
                )
    boxes = [row for stack in stacks for row in _box(stack)]
    others = sorted({end for line in lines for end in (line.source, line.target)} - homes.keys())
    outside = [f"    {_node(other, None)}" for other in others]
    return "\n".join(["flowchart LR", *boxes, *outside, *(f"    {row}" for row in _drawn(lines, homes))])


def _box(stack: Stack) -> Iterator[str]:
    """A service with everything of its own."""
    labels = {stack.schedule(rule): rule["ScheduleExpression"] for rule in _schedules(stack)}
    things = sorted(set(stack.things()))
    yield f"    subgraph {stack.service}"
    for kind, members in groupby(things, key=lambda thing: thing.kind):
        rows = [_node(thing, labels.get(thing)) for thing in members]
        if group := _GROUPS.get(kind):
            rows = [f"subgraph {stack.service}_{group}[{group}]", *(f"    {row}" for row in rows), "end"]
        yield from (f"        {row}" for row in rows)
    yield "    end"


def _node(thing: Thing, more: str | None) -> str:
    left, right = _SHAPES[thing.kind]
    label = "<br>".join(part for part in (_TITLES.get(thing.kind), thing.name, more) if part)
    return f'{thing.id}{left}"{label}"{right}'


def _drawn(lines: Iterable[Line], homes: Mapping[Thing, str]) -> Iterator[str]:
    bundles: dict[tuple[Thing, str, str, str], set[Thing]] = defaultdict(set)
    for line in lines:
        if line.meaning in _ARROWS:
            function, other = _ends(line)
            bundles[function, line.meaning, other.kind, homes.get(other, "")].add(other)
    for (function, meaning, kind, home), others in bundles.items():
        if len(others) >= _MANY and kind in _GROUPS and (meaning, kind) != ("writes", "table"):
            everything = others == {thing for thing, place in homes.items() if (thing.kind, place) == (kind, home)}
            names = ["all"] if everything else sorted(other.name for other in others)
            label = "<br>".join([*(["changes of"] if meaning in ("streams", _LOOKS_UP) else []), *names])
            yield _arrow(function.id, meaning, f"{home}_{_GROUPS[kind]}", label)
        else:
            yield _arrow(function.id, meaning, " & ".join(other.id for other in sorted(others)))


def _ends(line: Line) -> tuple[Thing, Thing]:
    """The function or state machine first, whichever way the line goes; of two queues, the one that is left."""
    is_first = line.source.kind in _ACTORS or line.meaning == "fails"
    return (line.source, line.target) if is_first else (line.target, line.source)


def _arrow(function: str, meaning: str, others: str, label: str = "") -> str:
    arrow = f'{_ARROWS[meaning]}|"{label}"|' if label else _ARROWS[meaning]
    leaves_it = meaning in ("writes", "fails")
    return f"{function} {arrow} {others}" if leaves_it else f"{others} {arrow} {function}"


def _unsaid(stacks: list[Stack]) -> str:
    """What the chart leaves out, in words."""
    functions = {thing.name for stack in stacks for thing in stack.things() if thing.kind == "function"}
    lines = {line for stack in stacks for line in _lines(stack)}
    invoked: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        if line.meaning == "invokes":
            invoked[line.source.name].add(line.target.name)
    invoking = [f"`{name}` may invoke {_all_but('function', functions, invoked[name])}." for name in sorted(invoked)]
    return "\n".join([_given_up(stacks, functions, lines), *invoking])


def _given_up(stacks: list[Stack], functions: set[str], lines: Iterable[Line]) -> str:
    """Whose failures go to the queue of failures."""
    schedules = {thing.name for stack in stacks for thing in stack.things() if thing.kind == "schedule"}
    streams = {line.source.name for line in lines if line.meaning == "streams"}
    streaming = _leaving(stacks, "AWS::Lambda::EventSourceMapping", "EventSourceArn")
    called = _leaving(stacks, "AWS::Lambda::EventInvokeConfig", "FunctionName")
    return (
        f"Not drawn: what {_all_but('schedule', schedules, _failing_schedules(stacks))}, {_events(stacks)}"
        f"{_all_but('stream', streams, streaming)} and each asynchronous call of "
        f"{_all_but('function', functions, called)} gives up goes to `{FAILURES}`."
    )


def _events(stacks: Iterable[Stack]) -> str:
    targets = [target for stack in stacks for rule in _event_rules(stack) for target in rule["Targets"]]
    return "each event that is not passed on, " if targets else ""


def _all_but(noun: str, everything: set[str], some: set[str]) -> str:
    rest = everything - some
    if len(rest) > len(some):
        return _named(some)
    return f"every {noun}" + (f" but {_named(rest)}" if rest else "")


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _failing_schedules(stacks: Iterable[Stack]) -> set[str]:
    return {
        _short(rule["Name"])
        for stack in stacks
        for rule in _schedules(stack)
        if all(_is_failures(stack, target.get("DeadLetterConfig", {}).get("Arn")) for target in rule["Targets"])
    }


def _leaving(stacks: Iterable[Stack], kind: str, name: str) -> set[str]:
    """The names in settings that send failures to the queue for them."""
    return {
        _short(stack.text(settings[name]))
        for stack in stacks
        for settings in stack.properties(kind).values()
        if _is_failures(stack, settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"))
    }


def _is_failures(stack: Stack, reference: Any) -> bool:
    return reference is not None and stack.thing("queue", reference).name == FAILURES


def _lines(stack: Stack) -> Iterator[Line]:
    yield from _of_sources(stack)
    yield from _of_queues(stack)
    yield from _of_routes(stack)
    yield from _of_pools(stack)
    for function, properties in stack.properties("AWS::Lambda::Function").items():
        if actor := stack.named(function):
            yield from _of_addresses(actor, properties)
            yield from _of_role(stack, actor, stack.role(properties["Role"]))
    for machine, properties in stack.properties("AWS::StepFunctions::StateMachine").items():
        if actor := stack.named(machine):
            yield from _of_role(stack, actor, stack.role(properties["RoleArn"]))


def _of_sources(stack: Stack) -> Iterator[Line]:
    """What makes functions run."""
    for rule in _schedules(stack):
        for target in rule["Targets"]:
            yield Line(stack.schedule(rule), "triggers", stack.thing("function", target["Arn"]))
    for rule in _event_rules(stack):
        for target in rule["Targets"]:
            kind = stack.kind(target["Arn"])
            yield Line(stack.thing("bus", rule["EventBusName"]), "triggers", stack.thing(kind, target["Arn"]))
    for reading in stack.properties("AWS::Logs::SubscriptionFilter").values():
        api, function = reading["LogGroupName"], reading["DestinationArn"]
        yield Line(stack.thing("api", api), "triggers", stack.thing("function", function))
    for mapping in stack.properties("AWS::Lambda::EventSourceMapping").values():
        function = stack.thing("function", mapping["FunctionName"])
        if "StartingPosition" in mapping:
            yield Line(stack.thing("table", mapping["EventSourceArn"]), "streams", function)
        else:
            yield Line(stack.thing("queue", mapping["EventSourceArn"]), "triggers", function)


def _of_queues(stack: Stack) -> Iterator[Line]:
    for name, queue in stack.properties("AWS::SQS::Queue").items():
        if redrive := queue.get("RedrivePolicy"):
            source, dead = stack.thing("queue", {"Ref": name}), stack.thing("queue", redrive["deadLetterTargetArn"])
            yield Line(source, "fails", dead)


def _of_routes(stack: Stack) -> Iterator[Line]:
    for integration in stack.properties("AWS::ApiGatewayV2::Integration").values():
        api, function = integration["ApiId"], integration["IntegrationUri"]
        yield Line(stack.thing("api", api), "triggers", stack.thing("function", function))


def _of_pools(stack: Stack) -> Iterator[Line]:
    """A user pool calls functions while somebody signs in."""
    for name, pool in stack.properties("AWS::Cognito::UserPool").items():
        for function in pool.get("LambdaConfig", {}).values():
            yield Line(stack.thing("pool", {"Ref": name}), "triggers", stack.thing("function", function))


def _of_addresses(actor: Thing, function: Mapping[str, Any]) -> Iterator[Line]:
    """External services whose address a function has."""
    variables = function.get("Environment", {}).get("Variables", {})
    for variable, kind in _ADDRESS_OF_OTHERS.items():
        if variable in variables:
            yield Line(actor, "writes", Thing(kind, _OTHERS[kind]))


def _of_role(stack: Stack, actor: Thing, role: Mapping[str, Any]) -> Iterator[Line]:
    """What the function may do, less what follows from something else: taking the messages and records that start it,
    leaving them as dead letters, and reading what it writes."""
    started_by = {line.source: line.meaning for line in _of_sources(stack) if line.target == actor}
    dead_letters = {line.target for line in _of_queues(stack) if line.source in started_by}
    done = {
        (meaning, thing)
        for meaning, thing in _allowed(stack, role)
        if thing != Thing("queue", FAILURES) or meaning == "reads"
    }
    written = {thing for meaning, thing in done if meaning == "writes"}
    for meaning, thing in done:
        if meaning in ("writes", "invokes") and thing not in dead_letters:
            yield Line(actor, meaning, thing)
        elif meaning == _LOOKS_UP and started_by.get(thing) != "streams":
            yield Line(thing, _LOOKS_UP, actor)
        elif meaning == "reads" and thing not in written and started_by.get(thing) != "triggers":
            yield Line(thing, "reads", actor)


def _allowed(stack: Stack, role: Mapping[str, Any]) -> Iterator[tuple[str, Thing]]:
    for policy in role.get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            for action in _as_list(statement["Action"]):
                yield from _acts(stack, action, _as_list(statement["Resource"]))


def _acts(stack: Stack, action: str, resources: Iterable[Any]) -> Iterator[tuple[str, Thing]]:
    service, _, verb = action.partition(":")
    if service not in _KIND_OF_ACTION:
        raise ValueError(f"it is not known how to draw {action}")
    kind = _KIND_OF_ACTION[service]
    if kind and verb not in _NOT_DRAWN:
        for resource in resources:
            yield _meaning(kind, verb), stack.thing(kind, resource)


def _meaning(kind: str, verb: str) -> str:
    if kind == "function":
        return "invokes"
    if verb in _OF_STREAMS:
        return _LOOKS_UP
    return "writes" if _CHANGING.match(verb) else "reads"


def _schedules(stack: Stack) -> Iterator[Mapping[str, Any]]:
    return (rule for rule in stack.properties("AWS::Events::Rule").values() if "ScheduleExpression" in rule)


def _event_rules(stack: Stack) -> Iterator[Mapping[str, Any]]:
    """They pass events of a bus on to a queue, a function or a state machine."""
    return (rule for rule in stack.properties("AWS::Events::Rule").values() if "EventPattern" in rule)


def _short(text: str) -> str:
    """The name without project and stage. Raises ``ValueError`` for one that is not ours."""
    found = _OURS.search(text)
    if not found:
        raise ValueError(f"{text} is none of our names")
    return found[1]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
