"""Puts what functions find in their account straight into moto's: without the requests, which take a hundred times as
long and are nothing a test is about."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs.models import sqs_backends

from tests.integration.tables import definitions

ACCOUNT = "123456789012"
REGION = "us-east-1"


def lay_tables() -> None:
    """The tables of production, empty."""
    backend = dynamodb_backends[ACCOUNT][REGION]
    backend.tables.clear()
    for table in deepcopy(definitions()):
        backend.create_table(
            table["TableName"],
            schema=table["KeySchema"],
            throughput=None,
            attr=table["AttributeDefinitions"],
            global_indexes=table.get("GlobalSecondaryIndexes", []),
            indexes=[],
            streams=table.get("StreamSpecification"),
            billing_mode=table["BillingMode"],
            sse_specification=None,
            tags=[],
            deletion_protection_enabled=False,
            warm_throughput=None,
        )


def copy_of_tables() -> Mapping[str, Any]:
    """With all there is in them."""
    return deepcopy(dict(dynamodb_backends[ACCOUNT][REGION].tables))


def put_tables(copied: Mapping[str, Any]) -> None:
    """In place of those of the same names."""
    dynamodb_backends[ACCOUNT][REGION].tables.update(deepcopy(copied))


def lay_bucket(name: str) -> None:
    s3_backends[ACCOUNT]["aws"].create_bucket(name, REGION)


def lay_queue(name: str) -> str:
    """Its address."""
    sqs_backends[ACCOUNT][REGION].create_queue(name)
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"


def lay_secret(name: str, value: str) -> str:
    """Its ARN."""
    backend = secretsmanager_backends[ACCOUNT][REGION]
    backend.create_secret(name, value, None, None, None, None, None, [], force_overwrite=False)
    return backend.describe_secret(name).arn
