"""The functions of a service and their settings, from its ``functions.yml`` and the stages' defaults."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml

from local.workspace import REPOSITORY

_PARAMETER = re.compile(r"\$\{param:(\w+)\}")
_QUEUE = re.compile(r"\$\{param:queueUrlPrefix\}-(\w+)")
_MADE = re.compile(r"\$\{file\((resources/\w+\.js)\):(\w+)\}")
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_REFERRED = {"queue": "URL", "letters": "URL", "pool": "id", "client": "id"}
"""What a reference to a resource is, by the last word of its name, where that is not its name."""


def functions(service: str) -> str:
    """A table of the service's functions."""
    rows = [_row(name, function) for name, function in definitions(service).items()]
    head = ["| function | what it does | starts by | time-out | memory |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def environment(service: str) -> str:
    """A table of the variables that the service's functions get, and which functions read them."""
    names: dict[str, list[str]] = {}
    values: dict[str, set[str]] = {}
    for name, function in definitions(service).items():
        for variable, value in function.get("environment", {}).items():
            names.setdefault(variable, []).append(f"`{name}`")
            values.setdefault(variable, set()).add(_origin(value))
    rows = [
        f"| `{variable}` | {'; '.join(sorted(values[variable]))} | {', '.join(users)} |"
        for variable, users in sorted(names.items())
    ]
    return "\n".join(["| variable | value | functions |", "|---|---|---|", *rows])


@cache
def definitions(service: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((REPOSITORY / "services" / service / "functions.yml").read_text())
    return loaded


@cache
def pool_triggers() -> frozenset[str]:
    """The functions the user pool calls."""
    resources = yaml.safe_load((REPOSITORY / "services/api/resources/auth.yml").read_text())["Resources"]
    named = resources["UserPool"]["Properties"]["LambdaConfig"].values()
    return frozenset(_function(one["Fn::GetAtt"][0]) for one in named)


@cache
def parameters() -> dict[str, Any]:
    """The stages' defaults."""
    loaded: dict[str, Any] = yaml.safe_load((REPOSITORY / "stages.yml").read_text())["params"]["default"]
    return loaded


def resolved(value: object) -> str:
    """A value with the stages' default for each parameter in it."""
    return _PARAMETER.sub(lambda found: str(parameters()[found[1]]), str(value))


def _row(name: str, function: Mapping[str, Any]) -> str:
    triggers = "; ".join(_trigger(event) for event in function.get("events", [])) or _otherwise(name)
    size = f"{function['timeout']} s | {resolved(function['memorySize'])} MB"
    return f"| `{name}` | {function['description']} | {triggers} | {size} |"


def _trigger(event: Mapping[str, Any]) -> str:
    ((kind, settings),) = event.items()
    match kind:
        case "eventBridge" if "pattern" in settings:
            return "event " + ", ".join(f"`{name}`" for name in settings["pattern"]["detail-type"])
        case "eventBridge":
            return f"`{resolved(settings['schedule'])}`{_input(settings.get('input'))}"
        case "cloudwatchLog":
            return f"lines of `{settings['logGroup'].partition('$')[0]}…`"
        case "sqs":
            return f"queue {_resource(settings['arn'])}, {settings['batchSize']} a batch"
        case "stream":
            return f"changes of {_resource(settings['arn'])}"
        case "httpApi":
            method = "" if settings["method"] == "*" else f"{settings['method']} "
            return (
                f"`{method}{settings['path'].replace('{proxy+}', '*')}`{'' if 'authorizer' in settings else ', public'}"
            )
    return f"`{settings}`"


def _otherwise(name: str) -> str:
    """What starts a function without events."""
    return "the user pool" if name in pool_triggers() else "an operator"


def _input(given: Mapping[str, str] | None) -> str:
    return f" with mode {given['mode']}" if given else ""


def _origin(value: object) -> str:
    match value:
        case {"Ref": str(resource)}:
            return f"the {_words(resource)} {_REFERRED.get(_words(resource).split()[-1], 'name')}"
        case {"Fn::GetAtt": [str(resource), *_]}:
            return f"the {_words(resource)} ARN"
        case {"Fn::Sub": str(text)} | str(text) if found := _PARAMETER.fullmatch(text):
            return f"`{found[1]}` of stages.yml"
        case {"Fn::Sub": str(text)} if found := _QUEUE.fullmatch(text):
            return f"the {found[1]} queue URL"
        case str(text) if found := _MADE.fullmatch(text):
            return f"`{found[2]}` of {found[1]}"
        case str(text):
            return ", ".join(f"`{name}`" for name in text.split(","))
    return "JSON: by name, dead-letter queue and whose it is"


def _resource(reference: Mapping[str, list[str]]) -> str:
    """`event-store` of `EventStoreTable`."""
    *name, _ = _split(reference["Fn::GetAtt"][0])
    return f"`{'-'.join(name)}`"


def _words(resource: str) -> str:
    return " ".join(_split(resource))


def _split(resource: str) -> Iterator[str]:
    return (word.lower() for word in _WORDS.split(resource))


def _function(logical_id: str) -> str:
    """``pre-sign-up`` of ``PreDashsignDashupLambdaFunction``, as the framework names it."""
    return logical_id.removesuffix("LambdaFunction").replace("Dash", "-").lower()
