"""What others may rely on: the HTTP API's routes and the events, as documents."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from pydantic import create_model

from api.documentation import document
from api.documentation.contexts import CONTEXTS
from watchkeeper.events import DomainEvent
from watchkeeper.kernel import events as kernel
from watchkeeper.markets import events as markets

Schema = dict[str, Any]
Event = type[kernel.KernelEvent] | type[markets.MarketsEvent]

CATALOGUE: tuple[Event, ...] = (*kernel.CATALOGUE, *markets.CATALOGUE)

_METHODS = ("GET", "POST", "PATCH", "DELETE")

DIALECT = "https://json-schema.org/draft/2020-12/schema"

ENVELOPE: Mapping[str, str] = {
    "id": "The same change has the same id however often it is delivered: drop what you have seen.",
    "type": "The name of an entry of the catalogue; also the `detail-type` of the EventBridge entry.",
    "version": "Of that entry.",
    "occurred_at": "When the change was stored, in UTC.",
    "correlation_id": "Of what stored the change: the same as in its log lines, and in each delivery.",
    "data": "What the entry of the catalogue says.",
}


_ENVELOPE_TYPES: Mapping[str, Any] = {"version": int, "occurred_at": datetime, "data": dict[str, Any]}


def openapi() -> str:
    return _json(_document())


def event_schemas() -> dict[str, str]:
    """A JSON schema for each event and one for their envelope, by file name."""
    named = {f"{type_of(event)}.json": _event_schema(event) for event in CATALOGUE}
    return {name: _json(schema) for name, schema in {"envelope.json": _envelope(), **named}.items()}


def routes() -> str:
    """A table of the routes: whether they want a token, what they do, and what they take."""
    rows = [_route(*operation) for operation in _operations()]
    return "\n".join(["| route | wants | does | takes |", "|---|---|---|---|", *rows])


def events() -> str:
    """The catalogue, event by event."""
    return "\n\n".join(_event(event) for event in CATALOGUE)


def paths() -> list[str]:
    """The templates of all routes, those of the documentation included."""
    return [*_document()["paths"], document.OPENAPI_PATH, document.PAGE_PATH]


def _operations() -> list[tuple[str, str, Schema]]:
    """Path, method, and what is said of it; by path, reading before writing."""
    found = [
        (path, method.upper(), operation)
        for path, operations in _document()["paths"].items()
        for method, operation in operations.items()
        if method.upper() in _METHODS
    ]
    return sorted(found, key=lambda one: (one[0], _METHODS.index(one[1])))


def _document() -> Schema:
    return document.document(CONTEXTS)


def _route(path: str, method: str, operation: Schema) -> str:
    wanted = _wanted(operation.get("security"))
    told = " ".join([f"{operation['summary']}.", *operation["description"].split()])
    takes = ", ".join(_taken(operation)) or "nothing"
    return f"| `{method} {path}` | {wanted} | {told.replace('|', '&#124;')} | {takes} |"


def _wanted(security: list[Schema] | None) -> str:
    """An operation that says nothing of it wants what all do; one may name groups, any of which will do."""
    if security == []:
        return "nothing"
    groups = [group for scheme in security or () for roles in scheme.values() for group in roles]
    return f"a token of {' or '.join(groups)}" if groups else "a token"


def _taken(operation: Schema) -> Iterator[str]:
    """The parameters of the query, and the body by the name of its schema."""
    yield from (f"`{one['name']}`" for one in operation.get("parameters", []) if one["in"] == "query")
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield f"a body: `{_named(content['schema'])}`"


def _named(schema: Schema) -> str:
    return str(schema.get("$ref") or schema["allOf"][0]["$ref"]).rpartition("/")[2]


def type_of(event: Event) -> str:
    """What the envelope names it: the kernel watch's by their classes."""
    return event.type if issubclass(event, markets.MarketsEvent) else event.__name__


def _event(event: Event) -> str:
    rows = [f"| `{name}` | {_type(field)} |" for name, field in _event_schema(event)["properties"].items()]
    name = type_of(event)
    head = f"### {name}, version {event.version}\n\n{event.__doc__}"
    schema = f"Schema: [events/{name}.json](events/{name}.json)"
    return "\n".join([head, "", "| field of `data` | type |", "|---|---|", *rows, "", schema])


def _event_schema(event: Event) -> Schema:
    """Open to further fields: some may be added within a version."""
    schema = event.model_json_schema(mode="serialization")
    return {"$schema": DIALECT, **schema, "x-version": event.version}


def _envelope() -> Schema:
    types = {field.name: _ENVELOPE_TYPES.get(field.name, str) for field in fields(DomainEvent)}
    model = create_model("Envelope", **_required(types))
    schema: Schema = model.model_json_schema(mode="serialization")
    schema["properties"]["type"]["enum"] = [type_of(event) for event in CATALOGUE]
    for name, meaning in ENVELOPE.items():
        schema["properties"][name]["description"] = meaning
    return {"$schema": DIALECT, **schema}


def _required(types: Mapping[str, Any]) -> dict[str, Any]:
    return {name: (kind, ...) for name, kind in types.items()}


def _type(field: Schema) -> str:
    """A property's type in a few words."""
    match field:
        case {"anyOf": [*options]}:
            return " or ".join(_type(option) for option in options)
        case {"$ref": str(reference)}:
            return f"one of {reference.rpartition('/')[2]}"
        case {"type": "array", "items": inner}:
            return f"list of {_type(inner)}"
        case {"format": "date-time"}:
            return "date-time"
    return str(field["type"])


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
