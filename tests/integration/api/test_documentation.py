import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import pytest
from aws_lambda_powertools.event_handler.openapi.models import OpenAPI

from tests.integration.api.conftest import Get


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


def test_it_lists_every_route_once(document: Any) -> None:
    assert sorted(document["paths"]) == [
        "/api/v1/kernel/discussions/{message_id}",
        "/api/v1/kernel/freshness",
        "/api/v1/kernel/patches",
        "/api/v1/kernel/patches/by-message-id/{message_id}",
        "/api/v1/kernel/patches/{patch_id}",
        "/api/v1/kernel/patches/{patch_id}/discussions",
        "/api/v1/kernel/people/{person}",
        "/api/v1/kernel/people/{person}/patches",
        "/api/v1/kernel/people/{person}/reviews",
        "/api/v1/kernel/series/{series_id}",
        "/api/v1/kernel/stats",
        "/api/v1/kernel/threads/{message_id}",
    ]


def test_every_operation_says_what_it_takes_and_answers(document: Any) -> None:
    operations = [path["get"] for path in document["paths"].values()]

    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["summary"]
        assert operation["description"]
        assert operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        assert operation["responses"]["500"]["content"]["application/problem+json"]
        assert all(parameter["description"] for parameter in operation.get("parameters", []))


def test_names_in_paths_are_parameters(document: Any) -> None:
    for path, operations in document["paths"].items():
        named = {
            parameter["name"] for parameter in operations["get"].get("parameters", []) if parameter["in"] == "path"
        }
        assert named == set(re.findall(r"{(\w+)}", path))


def test_only_what_takes_a_cursor_refuses_one(document: Any) -> None:
    refusing = {path for path, operations in document["paths"].items() if "400" in operations["get"]["responses"]}

    assert refusing == {
        "/api/v1/kernel/patches",
        "/api/v1/kernel/people/{person}/patches",
        "/api/v1/kernel/people/{person}/reviews",
    }


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
