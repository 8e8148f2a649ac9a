from typing import Any

import pytest
from aws_lambda_powertools.event_handler.openapi.models import OpenAPI

from api.documentation.document import document
from api.ferments.sharing.routes import routes

PAGE = "/api/v1/public/b/{batch_id}"


@pytest.fixture(scope="module")
def told() -> Any:
    return document([routes])


def test_it_is_valid(told: Any) -> None:
    OpenAPI.model_validate(told)
    assert list(told["paths"]) == [PAGE, f"{PAGE}/qr.svg"]


def test_a_shared_batch_comes_as_data_and_as_a_page(told: Any) -> None:
    content = told["paths"][PAGE]["get"]["responses"]["200"]["content"]

    assert content["text/html"] == {"schema": {"type": "string"}}
    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/PublicBatch"}
    assert set(content) == {"application/json", "text/html"}
    assert "public_note" in told["components"]["schemas"]["PublicBatch"]["properties"]


def test_so_does_the_word_that_there_is_none(told: Any) -> None:
    for path in told["paths"].values():
        content = path["get"]["responses"]["404"]["content"]
        assert set(content) == {"application/problem+json", "text/html"}


def test_a_code_comes_as_a_drawing(told: Any) -> None:
    assert list(told["paths"][f"{PAGE}/qr.svg"]["get"]["responses"]["200"]["content"]) == ["image/svg+xml"]


def test_no_token_is_needed(told: Any) -> None:
    for path in told["paths"].values():
        assert path["get"]["security"] == []
        assert "401" not in path["get"]["responses"]
