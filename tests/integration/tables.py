"""Makes the tables as the services define them, so that tests run on the very keys and indexes of production."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

STAGE = "test"

_SERVICES = Path(__file__).parents[2] / "services"
_DEFINITIONS = (
    "ingest/resources/tables.yml",
    "ingest/resources/markets-tables.yml",
    "ingest/resources/observability-tables.yml",
    "api/resources/people.yml",
    "api/resources/auth.yml",
)


def table_name(name: str) -> str:
    return f"watchkeeper-{STAGE}-{name}"


def create_tables(client: "DynamoDBClient") -> None:
    for definition in definitions():
        client.create_table(**definition)


@cache
def definitions() -> list[dict[str, Any]]:
    """What CreateTable takes of each CloudFormation resource, billed on demand."""
    files = [yaml.safe_load((_SERVICES / file).read_text()) for file in _DEFINITIONS]
    resources = [resource for file in files for resource in file["Resources"].values()]
    tables = [resource["Properties"] for resource in resources if resource["Type"] == "AWS::DynamoDB::Table"]
    return [_definition(table) for table in tables]


def _definition(properties: dict[str, Any]) -> dict[str, Any]:
    definition = {
        "TableName": properties["TableName"].replace("${sls:stage}", STAGE),
        "AttributeDefinitions": properties["AttributeDefinitions"],
        "KeySchema": properties["KeySchema"],
        "BillingMode": "PAY_PER_REQUEST",
    }
    if indexes := properties.get("GlobalSecondaryIndexes"):
        wanted = ("IndexName", "KeySchema", "Projection")
        definition["GlobalSecondaryIndexes"] = [{key: index[key] for key in wanted} for index in indexes]
    if stream := properties.get("StreamSpecification"):
        definition["StreamSpecification"] = {"StreamEnabled": True, **stream}
    return definition
