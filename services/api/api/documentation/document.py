"""The OpenAPI document and its page. Both are generated on request: few people ask for them, and it takes a moment."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, get_origin

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON, TEXT_HTML

from api.web.application import Application
from api.web.observation import note_route
from api.web.problems import CONTENT_TYPE, Problem
from api.web.routing import Form, Operation, Routes

OPENAPI_PATH = "/api/v1/openapi.json"
PAGE_PATH = "/api/v1/docs"

_CACHE_CONTROL = "private, max-age=300"
_PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "frame-ancestors 'none'"
)

_SERVER_URL = "../.."
"""Relative to the document and its page, which are both at ``/api/v1/…``: whatever precedes that is kept."""

_SCHEMA_PREFIX = "#/components/schemas/{model}"
_SCHEME = "accessToken"
_METHODS = frozenset({"get", "post", "patch", "delete"})
_POWERTOOLS_OWN = frozenset({"HTTPValidationError", "ResponseValidationError", "ValidationError"})
_DESCRIPTION = (
    "Watchkeeper watches slow things for people and tells them when it is their turn: patches on their way into Linux, "
    "companies between their earnings, and batches of kefir on the counter. Sign in with a code that is mailed to you, "
    "and send the access token with every request that is not public. Responses have an `ETag`: use it in "
    "`If-None-Match` to read again, and in `If-Match` to change what has a version. A `POST` that accepts an "
    "`Idempotency-Key` can be retried with the same key without being done twice. Names in paths are percent-encoded. "
    "Errors are problem details (RFC 9457)."
)
_SUCCESSES = {
    200: "Success.",
    201: "Created.",
    202: "Accepted; it is being processed.",
    204: "Done.",
    303: "It is at another address.",
}
_PROBLEMS = {
    "400": "The cursor does not belong to this query, or the body is not valid JSON.",
    "401": "The access token is missing or invalid.",
    "403": "Only members of other groups may do this.",
    "404": "It does not exist.",
    "406": "The response is too large to be sent uncompressed.",
    "412": "The version in `If-Match` is not the current one.",
    "413": "The body is too large.",
    "415": "The body is not of type JSON.",
    "422": "A parameter, or part of the body, is invalid.",
    "500": "Something went wrong on our side.",
    "503": "Too busy; try again after `Retry-After` seconds.",
}
_GATEWAY_REFUSAL = {"type": "object", "properties": {"message": {"type": "string"}}}
"""The gateway's own response, before any function is invoked."""
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Of your choice, a new one for each operation. Within 24 hours, the same request with the same key "
    "is done once and gets the same response.",
    "schema": {"type": "string", "maxLength": 255},
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of the version to change. Default: any version",
    "schema": {"type": "string"},
}
_HEADERS = {
    "ETag": "A strong validator of this response.",
    "Cache-Control": "How long the response may be used without revalidation.",
    "X-Correlation-Id": "The id of the request: the caller's, or a new one.",
}


def serve(resolver: APIGatewayHttpResolver, contexts: Callable[[], Sequence[Routes]]) -> None:
    """Add the document and the page of these contexts, which are loaded when either is first requested."""

    @cache
    def text() -> str:
        return _json(document(contexts()))

    @resolver.get(OPENAPI_PATH, include_in_schema=False)
    def read_openapi() -> Response[str]:
        note_route(OPENAPI_PATH)
        return Response(200, APPLICATION_JSON, text(), {"Cache-Control": _CACHE_CONTROL})

    @resolver.get(PAGE_PATH, include_in_schema=False)
    def read_page() -> Response[str]:
        note_route(PAGE_PATH)
        headers = {"Cache-Control": _CACHE_CONTROL, "Content-Security-Policy": _PAGE_POLICY}
        return Response(200, TEXT_HTML, _page(text()), headers)


def document(contexts: Sequence[Routes]) -> dict[str, Any]:
    """Powertools knows the parameters; the schemas of responses come from the views, those of errors from
    ``Problem``."""
    base = Application(*contexts).resolver.get_openapi_schema(
        title="Watchkeeper", version="1.0.0", description=_DESCRIPTION
    )
    described: dict[str, Any] = base.model_dump(mode="json", by_alias=True, exclude_none=True)
    operations = {name: operation for routes in contexts for name, operation in routes.operations.items()}
    views = {name: operation.view for name, operation in operations.items() if _has_view(operation)}
    references, schemas = _schemas({**views, **_views_of_forms(operations.values()), "Problem": Problem})
    described["servers"] = [{"url": _SERVER_URL}]
    described["security"] = [{_SCHEME: []}]
    described["components"] = {
        "schemas": _asked(described) | schemas,
        "headers": _described_headers(_HEADERS),
        "securitySchemes": {_SCHEME: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
    }
    for told in _operations(described):
        operation = operations[told["operationId"]]
        told["parameters"] = [*told.get("parameters", []), *_headers_taken(operation)]
        answers = _answers(operation, references) | _problems(operation, told, references["Problem"])
        told["responses"] = _with_forms(answers, operation, references)
        if operation.public:
            told["security"] = []
        if operation.groups:
            told["security"] = [{_SCHEME: [group]} for group in operation.groups]
    return described


def _asked(described: Mapping[str, Any]) -> dict[str, Any]:
    """The schemas of request bodies, without those of Powertools' own errors."""
    schemas = described.get("components", {}).get("schemas", {})
    return {name: schema for name, schema in schemas.items() if name not in _POWERTOOLS_OWN}


def _has_view(operation: Operation) -> bool:
    own_response = (get_origin(operation.view) or operation.view) is Response
    return operation.view is not None and not own_response and operation.content_type == APPLICATION_JSON


def _headers_taken(operation: Operation) -> list[dict[str, Any]]:
    taken = [_IDEMPOTENCY_KEY] if operation.takes_key else []
    return [*taken, _IF_MATCH] if _changes_a_version(operation) else taken


def _changes_a_version(operation: Operation) -> bool:
    """What is created has no version before."""
    return operation.versioned and operation.method != "GET" and operation.status != HTTPStatus.CREATED


def _answers(operation: Operation, references: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": _SUCCESSES[operation.status], "headers": _named_headers()}
    if operation.status == HTTPStatus.NO_CONTENT:
        return {"204": answer}
    schema = references.get(operation.name, {"type": "string"})
    answer["content"] = {operation.content_type: {"schema": schema}}
    answers = {str(operation.status): answer}
    if operation.method == "GET":
        answers["304"] = {"description": "The version in `If-None-Match` is still current."}
    return answers


def _named_headers() -> dict[str, Any]:
    """The headers of every success."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}


def _views_of_forms(operations: Iterable[Operation]) -> dict[str, Any]:
    return {
        _name_of(operation, form): form.view
        for operation in operations
        for form in operation.forms
        if form.view is not str
    }


def _with_forms(
    answers: Mapping[str, Any], operation: Operation, references: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    told = dict(answers)
    for form in operation.forms:
        headers = {"headers": _named_headers()} if form.status < HTTPStatus.MULTIPLE_CHOICES else {}
        answer: dict[str, Any] = told.get(str(form.status), {"description": form.description, **headers})
        schema = references.get(_name_of(operation, form), {"type": "string"})
        content = answer.get("content", {}) | {form.content_type: {"schema": schema}}
        told[str(form.status)] = answer | {"content": content}
    return dict(sorted(told.items()))


def _name_of(operation: Operation, form: Form) -> str:
    return f"{operation.name}_{operation.forms.index(form)}"


def _problems(operation: Operation, told: Mapping[str, Any], problem: dict[str, Any]) -> dict[str, Any]:
    """The problems an operation can have: only one with a cursor can reject it, only one with a path parameter can fail
    to find its resource, and so on."""
    parameters = told.get("parameters", [])
    takes_cursor = any(parameter["name"] == "cursor" for parameter in parameters)
    names_something = any(parameter["in"] == "path" for parameter in parameters)
    takes_body = "requestBody" in told
    writes = operation.method in ("POST", "PATCH")
    possible = {
        "400": takes_cursor or writes,
        "401": not operation.public,
        "403": bool(operation.groups),
        "404": names_something,
        "406": operation.method == "GET",
        "412": _changes_a_version(operation),
        "413": writes,
        "415": writes,
        "422": bool(parameters) or takes_body,
    }
    told_problems = {status: text for status, text in _PROBLEMS.items() if possible.get(status, True)}
    own = {str(status): text for status, text in operation.problems.items()}
    content = {CONTENT_TYPE: {"schema": problem}}
    also = {"401": {APPLICATION_JSON: {"schema": _GATEWAY_REFUSAL}}}
    return {
        status: {"description": description, "content": content | also.get(status, {})}
        for status, description in sorted((told_problems | own).items())
    }


def _operations(described: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path in described["paths"].values():
        yield from (operation for method, operation in path.items() if method in _METHODS)


def _schemas(shapes: Mapping[str, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """A reference for each shape, and the schemas they refer to."""
    from pydantic import ConfigDict, create_model

    fields: dict[str, Any] = {name: (shape, ...) for name, shape in shapes.items()}
    everything = create_model("Everything", __config__=ConfigDict(use_attribute_docstrings=True), **fields)
    schema = everything.model_json_schema(mode="serialization", ref_template=_SCHEMA_PREFIX)
    return schema["properties"], schema["$defs"]


def _described_headers(headers: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()}


def _page(spec: str) -> str:
    from importlib.resources import files

    from aws_lambda_powertools.event_handler.openapi.swagger_ui import generate_swagger_html

    assets = files("aws_lambda_powertools.event_handler.openapi.swagger_ui")
    script = assets.joinpath("swagger-ui-bundle.min.js").read_text(encoding="utf-8")
    style = assets.joinpath("swagger-ui.min.css").read_text(encoding="utf-8")
    return generate_swagger_html(spec.replace("</", "<\\/"), script, style, "", None)


def _json(value: object) -> str:
    import orjson

    return orjson.dumps(value).decode()
