"""The one place AWS clients come from: one session, explicit time-outs, explicit retries.

botocore's own defaults wait a minute for a connection and can block a throttled call for 25 seconds; a Lambda
function cannot afford either. Clients are made by botocore itself: importing boto3 costs start-up time and
adds nothing to them.
"""

import gzip
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import botocore.session
import orjson
from botocore.config import Config
from botocore.loaders import JSONFileLoader, Loader
from botocore.parsers import JSONParser, ResponseParserFactory

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

CLIENT_CONFIG = Config(
    connect_timeout=1,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=10,
    tcp_keepalive=True,
    parameter_validation=False,
)
"""Worst case of one call: three attempts of four seconds; a throttled one gives up after about two."""


class _WireJSONParser(JSONParser):
    """Leaves a JSON answer as it came instead of walking it shape by shape.

    That walk is the hot spot of a DynamoDB page: 6 ms for 100 items against 1 ms. Numbers and binaries stay in
    their wire form (``{"N": "1"}``, base64 text), which ``watchkeeper.dynamodb`` reads.
    """

    def _handle_json_body(self, raw_body: bytes, shape: Any) -> Any:  # noqa: ARG002 -- the signature is botocore's
        return orjson.loads(raw_body) if raw_body else {}


class _WireParserFactory(ResponseParserFactory):
    def create_parser(self, protocol_name: str) -> Any:
        if protocol_name != "json":
            return super().create_parser(protocol_name)
        return _WireJSONParser()


_SERVICES = ["dynamodb", "events", "s3", "secretsmanager", "sqs"]
"""Those with a client below."""


class _FastFileLoader(JSONFileLoader):
    """Reads botocore's data, endpoints.json's 1.2 MB among it, with orjson."""

    def load_file(self, file_path: str) -> Any:
        plain, packed = Path(f"{file_path}.json"), Path(f"{file_path}.json.gz")
        if plain.is_file():
            return orjson.loads(plain.read_bytes())
        return orjson.loads(gzip.decompress(packed.read_bytes())) if packed.is_file() else None


class _LeanLoader(Loader):
    """Half the time of making a first client goes into listing the four hundred services botocore knows."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 -- the signature is botocore's
        return _SERVICES


@cache
def _session(*, wire_json: bool = False) -> botocore.session.Session:
    session = botocore.session.get_session()
    session.register_component("data_loader", _LeanLoader(file_loader=_FastFileLoader()))
    if wire_json and hasattr(JSONParser, "_handle_json_body"):
        session.register_component("response_parser_factory", _WireParserFactory())
    return session


@cache
def dynamodb_client() -> "DynamoDBClient":
    """A DynamoDB client whose answers are in wire form; use it through ``watchkeeper.dynamodb.Table``."""
    return cast("DynamoDBClient", _session(wire_json=True).create_client("dynamodb", config=CLIENT_CONFIG))


@cache
def sqs_client() -> "SQSClient":
    return cast("SQSClient", _session().create_client("sqs", config=CLIENT_CONFIG))


@cache
def events_client() -> "EventBridgeClient":
    return cast("EventBridgeClient", _session().create_client("events", config=CLIENT_CONFIG))


@cache
def s3_client() -> "S3Client":
    return cast("S3Client", _session().create_client("s3", config=CLIENT_CONFIG))


@cache
def secrets_client() -> "SecretsManagerClient":
    """Shares the database's session, whose endpoint data is loaded already; a secret reads the same in wire form."""
    return cast("SecretsManagerClient", _session(wire_json=True).create_client("secretsmanager", config=CLIENT_CONFIG))


def forget_clients() -> None:
    """Drop every cached client and session, for tests that change the region or the endpoint."""
    for cached in (_session, dynamodb_client, sqs_client, events_client, s3_client, secrets_client):
        cached.cache_clear()
