import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import yaml
from aws_lambda_powertools.event_handler.openapi.models import OpenAPI

from tests.integration.api.conftest import Get

WATCH = "/api/v1/observability/"
SERVICE = Path(__file__).parents[3] / "services" / "api"


@pytest.fixture
def document(get: Get) -> Any:
    return get("/api/v1/openapi.json").json


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for key, text in value.items() if key == "$ref")
        yield from (found for inner in value.values() for found in references(inner))
    if isinstance(value, list):
        yield from (found for inner in value for found in references(inner))


def test_it_is_a_valid_openapi_3_1_document(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPI.model_validate(document)


@pytest.mark.parametrize("place", ["/api/v1/openapi.json", "/api/v1/docs?format=json"])
@pytest.mark.parametrize("base", ["https://api.example", "http://localhost:4566/_aws/execute-api/0a1b2c3d"])
def test_its_paths_count_from_the_server_it_came_from(document: Any, base: str, place: str) -> None:
    (server,) = document["servers"]

    assert urljoin(base + place, server["url"]).rstrip("/") == base


def test_every_reference_leads_somewhere(document: Any) -> None:
    for reference in references(document):
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert place


def operations_of(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Path, method and operation."""
    for path, operations in document["paths"].items():
        yield from ((path, method, operation) for method, operation in operations.items())


def test_schemas_have_names_of_their_own(document: Any) -> None:
    """Two views of one name would be told apart by their modules, and clients that are made of the document renamed."""
    assert [name for name in document["components"]["schemas"] if "__" in name] == []


def test_it_lists_the_routes_of_every_function_that_answers_requests(document: Any) -> None:
    functions = yaml.safe_load((SERVICE / "functions.yml").read_text())
    routed = {
        event["httpApi"]["path"].replace("{proxy+}", "")
        for name, function in functions.items()
        for event in function.get("events", [])
        if "httpApi" in event and name != "documentation"
    }

    assert routed
    assert {route for route in routed if not any(path.startswith(route) for path in document["paths"])} == set()


def test_a_route_is_public_where_the_gateway_asks_for_no_token(document: Any) -> None:
    public = {path for path, _, operation in operations_of(document) if operation.get("security") == []}
    prefixes = ("/api/v1/auth/", "/api/v1/public/", "/healthz")

    assert public == {path for path in document["paths"] if path.startswith(prefixes)}


def test_every_operation_says_what_it_takes_and_answers(document: Any) -> None:
    operations = [operation for _, _, operation in operations_of(document)]

    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        answers = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        assert operation["summary"]
        assert operation["description"]
        assert answers
        shapes = [form["schema"] for answer in answers for form in answer.get("content", {}).values()]
        assert all(shapes) if shapes else "204" in operation["responses"]
        assert operation["responses"]["500"]["content"]["application/problem+json"]
        assert all(parameter["description"] for parameter in operation.get("parameters", []))


def test_names_in_paths_are_parameters(document: Any) -> None:
    for path, _, operation in operations_of(document):
        named = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path))


def test_only_what_takes_a_cursor_refuses_one(document: Any) -> None:
    for _, method, operation in operations_of(document):
        takes = any(parameter["name"] == "cursor" for parameter in operation.get("parameters", []))
        if method == "get":
            assert ("400" in operation["responses"]) == takes


def test_every_post_of_a_person_takes_an_idempotency_key(document: Any) -> None:
    for path, method, operation in operations_of(document):
        names = {parameter["name"] for parameter in operation.get("parameters", [])}
        is_a_persons = not path.startswith(("/api/v1/auth/", "/api/v1/markets/"))
        assert ("Idempotency-Key" in names) == (method == "post" and is_a_persons)


def test_what_only_some_groups_may_says_which(document: Any) -> None:
    limited = {
        (method, path): [group for one in operation["security"] for group in one["accessToken"]]
        for path, method, operation in operations_of(document)
        if "403" in operation["responses"] or any(map(any, map(dict.values, operation.get("security", []))))
    }
    watch = {place: groups for place, groups in limited.items() if place[1].startswith(WATCH)}

    assert limited.keys() - watch.keys() == {("post", "/api/v1/markets/assets/{symbol}/pollenate")}
    assert limited["post", "/api/v1/markets/assets/{symbol}/pollenate"] == ["Developer", "Admin"]
    assert {path for path in document["paths"] if path.startswith(WATCH)} == {path for _, path in watch}
    assert all("Admin" in groups for groups in watch.values())
    assert all(groups == ["Viewer", "Developer", "Admin"] for (method, _), groups in watch.items() if method == "get")


def test_the_page_carries_the_document_and_asks_nobody_else(get: Get) -> None:
    page = get("/api/v1/docs", {"Accept-Encoding": "gzip"})

    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html"
    assert "SwaggerUIBundle" in page.text
    assert "by-message-id" in page.text
    assert not re.search(r"<(script|link)[^>]+(src|href)=", page.text[:500])
    assert "connect-src 'self'" in page.headers["Content-Security-Policy"]


def test_the_page_fits_even_uncompressed(get: Get) -> None:
    assert get("/api/v1/docs").status == 200
