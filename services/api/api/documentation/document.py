"""The OpenAPI document and its page. Both are made when somebody asks: few do, and it takes a tenth of a second."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON, TEXT_HTML

from api.web.observation import note_route
from api.web.problems import CONTENT_TYPE, Problem

OPENAPI_PATH = "/api/v1/openapi.json"
PAGE_PATH = "/api/v1/docs"

_CACHE_CONTROL = "private, max-age=300"
_PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "frame-ancestors 'none'"
)

_SERVER_URL = "../.."
"""Relative to the document and its page, which both are at ``/api/v1/…``: whatever stands before that stays."""

_SCHEMA_PREFIX = "#/components/schemas/{model}"
_DESCRIPTION = (
    "Patches on their way into Linux and what is said about them: facts from Patchwork and the lore.kernel.org "
    "archives, linked to each other. Message-IDs in paths are percent-encoded; angle brackets may stay or go. "
    "Answers carry an `ETag`, so ask with `If-None-Match`. Errors are problem details (RFC 9457)."
)
_PROBLEMS = {
    "400": "The cursor is not one of this query.",
    "404": "There is nothing by that name.",
    "406": "The answer is too large to be sent uncompressed.",
    "422": "A parameter was refused.",
    "500": "Something went wrong on our side.",
    "503": "Too busy; try again after `Retry-After` seconds.",
}
_HEADERS = {
    "ETag": "A strong validator of this very answer.",
    "Cache-Control": "How long the answer may be used without asking again.",
    "X-Correlation-Id": "The request's id: the caller's own, or a new one.",
}


def serve(app: APIGatewayHttpResolver, views: Mapping[str, Any]) -> None:
    """Add the document and the page to the app; ``views`` are what its operations answer with."""

    @cache
    def text() -> str:
        return _json(document(app, views))

    @app.get(OPENAPI_PATH, include_in_schema=False)
    def read_openapi() -> Response[str]:
        note_route(OPENAPI_PATH)
        return Response(200, APPLICATION_JSON, text(), {"Cache-Control": _CACHE_CONTROL})

    @app.get(PAGE_PATH, include_in_schema=False)
    def read_page() -> Response[str]:
        note_route(PAGE_PATH)
        headers = {"Cache-Control": _CACHE_CONTROL, "Content-Security-Policy": _PAGE_POLICY}
        return Response(200, TEXT_HTML, _page(text()), headers)


def document(app: APIGatewayHttpResolver, views: Mapping[str, Any]) -> dict[str, Any]:
    """Powertools knows the parameters; the answers' schemas come from the views, the errors' from ``Problem``."""
    base = app.get_openapi_schema(title="Watchkeeper", version="1.0.0", description=_DESCRIPTION)
    described: dict[str, Any] = base.model_dump(mode="json", by_alias=True, exclude_none=True)
    described["servers"] = [{"url": _SERVER_URL}]
    references, schemas = _schemas({**views, "Problem": Problem})
    described["components"] = {"schemas": schemas, "headers": _described_headers(_HEADERS)}
    for operation in _operations(described):
        answer = _answers(references[operation["operationId"]])
        operation["responses"] = answer | _problems(operation, references["Problem"])
    return described


def _answers(view: dict[str, Any]) -> dict[str, Any]:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}
    return {
        "200": {"description": "The answer.", "headers": headers, "content": {APPLICATION_JSON: {"schema": view}}},
        "304": {"description": "What `If-None-Match` names is still current."},
    }


def _problems(operation: Mapping[str, Any], problem: dict[str, Any]) -> dict[str, Any]:
    """Only an operation that takes a cursor can refuse one, and only one that names something can miss it."""
    parameters = operation.get("parameters", [])
    takes_cursor = any(parameter["name"] == "cursor" for parameter in parameters)
    names_something = any(parameter["in"] == "path" for parameter in parameters)
    possible = {"400": takes_cursor, "404": names_something, "422": bool(parameters)}
    content = {CONTENT_TYPE: {"schema": problem}}
    return {
        status: {"description": description, "content": content}
        for status, description in _PROBLEMS.items()
        if possible.get(status, True)
    }


def _operations(described: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for path in described["paths"].values():
        yield from (operation for method, operation in path.items() if method == "get")


def _schemas(shapes: Mapping[str, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """A reference for each shape, and the schemas they lead to."""
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
