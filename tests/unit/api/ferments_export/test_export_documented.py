from typing import Any

import pytest
from aws_lambda_powertools.event_handler.openapi.models import OpenAPI

from api.documentation.document import document
from api.ferments.exporting.routes import routes


@pytest.fixture(scope="module")
def told() -> Any:
    return document([routes])


@pytest.fixture(scope="module")
def answers(told: Any) -> Any:
    return told["paths"]["/api/v1/ferments/export.csv"]["get"]["responses"]


def test_it_is_valid(told: Any) -> None:
    OpenAPI.model_validate(told)


def test_an_export_is_a_table(answers: Any) -> None:
    assert answers["200"]["content"]["text/csv"] == {"schema": {"type": "string"}}


def test_or_says_where_it_is(told: Any, answers: Any) -> None:
    content = answers["303"]["content"]

    assert content == {"application/json": {"schema": {"$ref": "#/components/schemas/HandedOver"}}}
    assert set(told["components"]["schemas"]["HandedOver"]["properties"]) == {"url", "expires_at"}
    assert "`Location`" in answers["303"]["description"]


def test_or_tells_where_it_is_whoever_prefers_that(told: Any, answers: Any) -> None:
    described = told["paths"]["/api/v1/ferments/export.csv"]["get"]["description"]

    assert answers["200"]["content"].keys() == {"text/csv", "application/json"}
    assert answers["200"]["content"]["application/json"] == answers["303"]["content"]["application/json"]
    assert "`application/json`" in described


def test_a_token_is_needed_of_somebody_who_stays(answers: Any) -> None:
    assert {"401", "410"} <= set(answers)
