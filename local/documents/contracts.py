"""The public contracts as documents: the HTTP API's routes and the events."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any, NotRequired

from pydantic import BaseModel, TypeAdapter, create_model
from typing_extensions import TypedDict

from api.documentation import document
from api.documentation.contexts import CONTEXTS
from watchkeeper.events import DomainEvent
from watchkeeper.eventsourcing.aggregate import EventData
from watchkeeper.eventsourcing.event import Event as SourcedEvent
from watchkeeper.kernel import events as kernel
from watchkeeper.markets import events as markets
from watchkeeper.observability import events as observability
from watchkeeper.observability import facts
from watchkeeper.observability.errors import ErrorOccurred
from watchkeeper.observability.models import Period, Value

Schema = dict[str, Any]
Event = type[kernel.KernelEvent] | type[markets.MarketsEvent] | type[facts.Fact] | type[ErrorOccurred] | type[EventData]

SOURCED: tuple[type[EventData], ...] = observability.CATALOGUE
"""The events of aggregates."""
CATALOGUE: tuple[Event, ...] = (*kernel.CATALOGUE, *markets.CATALOGUE, *facts.CATALOGUE, ErrorOccurred, *SOURCED)

_METHODS = ("GET", "POST", "PATCH", "DELETE")

DIALECT = "https://json-schema.org/draft/2020-12/schema"

ENVELOPE: Mapping[str, str] = {
    "id": "The same change has the same id however often it is delivered: drop duplicates by it.",
    "type": "The name of an entry of the catalogue; also the `detail-type` of the EventBridge entry.",
    "version": "Of that entry.",
    "occurred_at": "When the change was stored, in UTC.",
    "correlation_id": "Of the work that stored the change: the same as in its log lines, and in each delivery.",
    "data": "As described in the entry of the catalogue.",
}

SOURCED_ENVELOPE: Mapping[str, str] = {
    "id": "The same event has the same id however often it is delivered: drop duplicates by it.",
    "occurred_at": "When it happened, in UTC.",
    "correlation_id": "Of the original request: the same as in its log lines, and in everything that follows from it.",
    "aggregate_id": "The aggregate it happened to.",
    "aggregate_type": "The type of that aggregate.",
    "sequence": "Its position among the aggregate's events: 1, 2, 3 and so on. The last reflects the current state.",
    "causation_id": "The id of the event or the command that caused it.",
    "actor": "Who caused it: the `sub` of a person, or the name of a function.",
}
"""The differences and additions in the envelope of an event of an aggregate."""

_ENVELOPE_TYPES: Mapping[str, Any] = {
    "version": int,
    "occurred_at": datetime,
    "data": dict[str, Any],
    "sequence": int,
}


class Rollup(TypedDict):
    """All values of a series within a period; for a single value `min` and `max` are omitted, as they equal `sum`."""

    period: Period
    start: datetime
    count: int
    sum: Decimal
    min: NotRequired[Decimal]
    max: NotRequired[Decimal]


class MetricRecorded(TypedDict):
    """Values of a series were recorded; `aggregate_id` names the series, after `metric:`. `values` are in order of
    time; without `latest`, the last of them is the latest of the series."""

    name: str
    unit: str
    dimensions: dict[str, str]
    values: list[Value]
    latest: NotRequired[Value]
    rollups: list[Rollup]


_AS_SENT: Mapping[Event, Any] = {observability.MetricRecorded: MetricRecorded}
"""Events whose ``data`` has other fields than their classes."""


def openapi() -> str:
    return _json(_document())


def event_schemas() -> dict[str, str]:
    """A JSON schema for each event and one for each of their envelopes, by file name."""
    named = {f"{type_of(event)}.json": _event_schema(event) for event in CATALOGUE}
    return {name: _json(schema) for name, schema in {**_envelopes(), **named}.items()}


def routes() -> str:
    """A table of the routes: whether they need a token, what they do, and what they accept."""
    rows = [_route(*operation) for operation in _operations()]
    return "\n".join(["| route | needs | does | accepts |", "|---|---|---|---|", *rows])


def events() -> str:
    """The catalogue, event by event."""
    return "\n\n".join(_event(event) for event in CATALOGUE)


def paths() -> list[str]:
    """The templates of all routes, those of the documentation included."""
    return [*_document()["paths"], document.OPENAPI_PATH, document.PAGE_PATH]


def _operations() -> list[tuple[str, str, Schema]]:
    """Path, method, and operation; by path, reading before writing."""
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
    """An operation without ``security`` needs what all do; one may name groups, any of which is sufficient."""
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
    """An optional body is a union of its schema and null."""
    (named, *_) = schema.get("allOf") or schema.get("anyOf") or [schema]
    return str(named["$ref"]).rpartition("/")[2]


def type_of(event: Event) -> str:
    """What the envelope names it: the kernel watch's by their classes."""
    return event.__name__ if issubclass(event, kernel.KernelEvent) else event.type


def _event(event: Event) -> str:
    schema = _event_schema(event)
    rows = [f"| `{name}` | {_type(field, schema)} |" for name, field in schema["properties"].items()]
    name = type_of(event)
    head = f"### {name}, version {event.version}\n\n{event.__doc__}"
    written = f"Schema: [events/{name}.json](events/{name}.json)"
    return "\n".join([head, "", "| field of `data` | type |", "|---|---|", *rows, "", written])


def _event_schema(event: Event) -> Schema:
    """Allows further fields: some may be added within a version."""
    schema = TypeAdapter(_AS_SENT.get(event, event)).json_schema(mode="serialization")
    if not issubclass(event, BaseModel):
        schema = _without_nulls(schema)
    return {"$schema": DIALECT, **schema, "x-version": event.version}


def _without_nulls(schema: Schema) -> Schema:
    """Missing values are omitted from the JSON of a dataclass, whereas a pydantic model has null for them."""
    models = [schema, *schema.get("$defs", {}).values()]
    for properties in (model["properties"] for model in models if "properties" in model):
        for name, field in properties.items():
            properties[name] = _without_null(field)
    return schema


def _without_null(field: Schema) -> Schema:
    match field:
        case {"anyOf": [kind, {"type": "null"}], **rest}:
            return {**kind, **{name: value for name, value in rest.items() if name != "default"}}
    return field


def _envelopes() -> dict[str, Schema]:
    plain = [event for event in CATALOGUE if event not in SOURCED]
    return {
        "envelope.json": _envelope("Envelope", DomainEvent, plain, ENVELOPE),
        "sourced-envelope.json": _envelope("SourcedEnvelope", SourcedEvent, SOURCED, {**ENVELOPE, **SOURCED_ENVELOPE}),
    }


def _envelope(title: str, kind: type[DomainEvent], events: Iterable[Event], meanings: Mapping[str, str]) -> Schema:
    types = {field.name: _ENVELOPE_TYPES.get(field.name, str) for field in fields(kind)}
    model = create_model(title, **_required(types))
    schema: Schema = model.model_json_schema(mode="serialization")
    schema["properties"]["type"]["enum"] = [type_of(event) for event in events]
    for name, meaning in meanings.items():
        schema["properties"][name]["description"] = meaning
    return {"$schema": DIALECT, **schema}


def _required(types: Mapping[str, Any]) -> dict[str, Any]:
    return {name: (kind, ...) for name, kind in types.items()}


def _type(field: Schema, schema: Schema) -> str:
    """A property's type in a few words."""
    match field:
        case {"anyOf": [*options]}:
            return " or ".join(_type(option, schema) for option in options)
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            return f"one of {name}" if "enum" in schema["$defs"][name] else name
        case {"type": "array", "items": inner}:
            return f"list of {_type(inner, schema)}"
        case {"format": "date-time"}:
            return "date-time"
    return str(field["type"])


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
