"""The HTTP API: who may ask what, from where, and how often."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.infra.packages import Package

FOR_PEOPLE = {
    "ANY /api/v1",
    "ANY /api/v1/{proxy+}",
    "ANY /api/v1/ferments/export.csv",
    "ANY /api/v1/ferments/{proxy+}",
    "ANY /api/v1/kernel/{proxy+}",
    "ANY /api/v1/markets/{proxy+}",
    "ANY /api/v1/me",
    "ANY /api/v1/me/{proxy+}",
    "ANY /api/v1/observability/{proxy+}",
    "POST /api/v1/observability/{proxy+}",
}
"""What takes an access token."""
FOR_EVERYBODY = {
    "ANY /api/v1/auth/{proxy+}",
    "ANY /api/v1/public/{proxy+}",
    "GET /api/v1/docs",
    "GET /api/v1/openapi.json",
    "ANY /healthz",
}
PREFLIGHTS = {f"OPTIONS {route.partition(' ')[2]}" for route in FOR_PEOPLE}
"""Browsers send them without a token, and a route for any method takes them if no other one does."""
FUNCTIONS = {
    "/api/v1": "documentation",
    "/api/v1/{proxy+}": "documentation",
    "/api/v1/docs": "documentation",
    "/api/v1/openapi.json": "documentation",
    "/api/v1/auth/{proxy+}": "auth",
    "/api/v1/ferments/export.csv": "export",
    "/api/v1/ferments/{proxy+}": "ferments",
    "/api/v1/kernel/{proxy+}": "kernel",
    "/api/v1/markets/{proxy+}": "markets",
    "/api/v1/me": "people",
    "/api/v1/me/{proxy+}": "people",
    "/api/v1/observability/{proxy+}": "observability-queries",
    "/api/v1/public/{proxy+}": "public",
    "/healthz": "healthz",
}
COMMANDS = "POST /api/v1/observability/{proxy+}"
READ = {"GET", "HEAD", "OPTIONS"}
WRITE = {"POST", "PATCH", "DELETE"}


@pytest.fixture(params=["prod", "staging"])
def api(
    request: pytest.FixtureRequest, packages: dict[str, Package], packages_of_staging: dict[str, Package]
) -> Package:
    return {"prod": packages, "staging": packages_of_staging}[request.param]["api"]


def routes(api: Package) -> list[Mapping[str, Any]]:
    return list(api.properties("AWS::ApiGatewayV2::Route").values())


def with_token(api: Package) -> set[str]:
    return {route["RouteKey"] for route in routes(api) if route.get("AuthorizationType") == "JWT"}


def test_every_route_takes_a_token_but_those_named_here(api: Package) -> None:
    assert with_token(api) == FOR_PEOPLE
    assert {route["RouteKey"] for route in routes(api)} - with_token(api) == FOR_EVERYBODY | PREFLIGHTS
    assert {route.get("AuthorizationType", "NONE") for route in routes(api)} == {"JWT", "NONE"}


def test_tokens_are_those_of_the_stages_own_pool_and_client(api: Package) -> None:
    ((name, authorizer),) = api.properties("AWS::ApiGatewayV2::Authorizer").items()

    assert authorizer["AuthorizerType"] == "JWT"
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    assert authorizer["JwtConfiguration"] == {
        "Issuer": {"Fn::Sub": "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${UserPool}"},
        "Audience": [{"Ref": "UserPoolClient"}],
    }
    assert {route["AuthorizerId"]["Ref"] for route in routes(api) if "AuthorizerId" in route} == {name}


def test_each_route_leads_to_the_function_of_its_context(api: Package) -> None:
    called = {route["RouteKey"]: function_of(api, route) for route in routes(api)}

    assert called.pop(COMMANDS) == "observability-commands"
    assert {(route.partition(" ")[2], function) for route, function in called.items()} == FUNCTIONS.items()


def function_of(api: Package, route: Mapping[str, Any]) -> str:
    """Its short name."""
    integration = api.properties("AWS::ApiGatewayV2::Integration")[route["Target"]["Fn::Join"][1][1]["Ref"]]
    name: str = api.functions[api.function_of(integration["IntegrationUri"])]["FunctionName"]
    return name.removeprefix(f"watchkeeper-{api.state['service']['provider']['stackTags']['stage']}-")


def test_the_stage_is_throttled_and_logged(api: Package) -> None:
    (stage,) = api.properties("AWS::ApiGatewayV2::Stage").values()

    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == 2000
    assert stage["DefaultRouteSettings"]["ThrottlingBurstLimit"] == 1000
    assert stage["AccessLogSettings"]["DestinationArn"]
    assert "authorizer" not in stage["AccessLogSettings"]["Format"], "nobody's id is logged"


def test_scripts_of_the_app_may_ask_and_write_and_those_of_no_other_page(api: Package) -> None:
    cors = cors_of(api)

    assert set(cors["AllowMethods"]) == READ | WRITE
    assert set(cors["AllowHeaders"]) >= {"Authorization", "Content-Type", "Idempotency-Key", "If-Match"}
    assert set(cors["ExposeHeaders"]) >= {"ETag", "Location", "Retry-After", "X-Correlation-Id"}
    assert "AllowCredentials" not in cors, "tokens are sent by hand, not by cookie"
    assert all(origin.startswith("https://") and "*" not in origin for origin in origins(cors["AllowOrigins"]))


def test_functions_and_photos_know_the_same_pages(api: Package) -> None:
    wanted = origins(cors_of(api)["AllowOrigins"])
    bucket = api.properties("AWS::S3::Bucket")["PhotosBucket"]
    (rule,) = bucket["CorsConfiguration"]["CorsRules"]
    told = {
        tuple(function["Environment"]["Variables"]["CORS_ORIGINS"].split(","))
        for name, function in api.functions.items()
        if name in api.answering
    }

    assert origins(rule["AllowedOrigins"]) == wanted
    assert told == {tuple(wanted)}


def cors_of(api: Package) -> Mapping[str, Any]:
    (found,) = api.properties("AWS::ApiGatewayV2::Api").values()
    cors: Mapping[str, Any] = found["CorsConfiguration"]
    return cors


def origins(value: Mapping[str, Any]) -> list[str]:
    separator, text = value["Fn::Split"]
    return str(text).split(separator)
