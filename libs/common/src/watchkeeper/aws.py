"""The one place AWS clients come from: one session, explicit time-outs, explicit retries.

botocore's own defaults wait a minute for a connection and can block a throttled call for 25 seconds; a Lambda
function cannot afford either. How long a client may take is its ``Budget``: ``PEOPLE`` where somebody waits for the
response, ``WORKERS`` elsewhere. Clients are created by botocore itself: importing boto3 makes cold starts longer, and
adds nothing to them.
"""

import gzip
import os
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import botocore.session
import orjson
from botocore.config import Config
from botocore.loaders import JSONFileLoader, Loader
from botocore.parsers import JSONParser, ResponseParserError, ResponseParserFactory

from watchkeeper.budgets import WORKERS, Budget

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ses import SESClient
    from mypy_boto3_sqs import SQSClient


class _WireJSONParser(JSONParser):
    """Leaves a JSON response as it is, instead of walking it shape by shape.

    That walk is the hot spot of a DynamoDB page: 6 ms for 100 items against 1 ms. Numbers and binaries stay in
    their wire form (``{"N": "1"}``, base64 text), which ``watchkeeper.dynamodb`` reads.
    """

    def _handle_json_body(self, raw_body: bytes, shape: Any) -> Any:  # noqa: ARG002 -- the signature is botocore's
        answer = orjson.loads(raw_body) if raw_body else {}
        if not isinstance(answer, dict):
            raise ResponseParserError("the answer is no JSON object")
        return answer


class _ParserFactory(ResponseParserFactory):
    """Creates parsers that raise one error, whatever is wrong with a response: botocore's own crash on some."""

    def __init__(self, *, wire_json: bool) -> None:
        super().__init__()
        self._wire_json = wire_json and hasattr(JSONParser, "_handle_json_body")

    def create_parser(self, protocol_name: str) -> Any:
        own = self._wire_json and protocol_name == "json"
        parser: Any = _WireJSONParser() if own else super().create_parser(protocol_name)
        parser.parse = _complaining(parser.parse)
        return parser


def _complaining(parse: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(parse)
    def parsed(*arguments: Any) -> Any:
        try:
            return parse(*arguments)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ResponseParserError(f"the answer cannot be parsed: {type(error).__name__}") from error

    return parsed


_SERVICES = [
    *("cognito-idp", "dynamodb", "dynamodbstreams", "events", "lambda", "s3", "secretsmanager", "ses", "sqs"),
    "stepfunctions",
]
"""Those with a client below."""


class _FastFileLoader(JSONFileLoader):
    """Reads botocore's data, including the 1.2 MB of endpoints.json, with orjson."""

    def load_file(self, file_path: str) -> Any:
        plain, packed = Path(f"{file_path}.json"), Path(f"{file_path}.json.gz")
        if plain.is_file():
            return orjson.loads(plain.read_bytes())
        return orjson.loads(gzip.decompress(packed.read_bytes())) if packed.is_file() else None


class _LeanLoader(Loader):
    """Half the time of creating the first client goes into listing the four hundred services botocore knows."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 -- the signature is botocore's
        return _SERVICES


@cache
def _session(*, wire_json: bool = False) -> botocore.session.Session:
    session = botocore.session.get_session()
    session.register_component("data_loader", _LeanLoader(file_loader=_FastFileLoader()))
    session.register_component("response_parser_factory", _ParserFactory(wire_json=wire_json))
    return session


def dynamodb_client(budget: Budget = WORKERS) -> "DynamoDBClient":
    """A DynamoDB client whose answers are in wire form; use it through ``watchkeeper.dynamodb.Table``."""
    return cast("DynamoDBClient", _client("dynamodb", budget, wire_json=True))


def sqs_client(budget: Budget = WORKERS) -> "SQSClient":
    return cast("SQSClient", _client("sqs", budget))


def events_client(budget: Budget = WORKERS) -> "EventBridgeClient":
    return cast("EventBridgeClient", _client("events", budget))


def s3_client(budget: Budget = WORKERS) -> "S3Client":
    """The links and forms it presigns are valid in whatever region the bucket is."""
    return cast("S3Client", _client("s3", budget))


def functions_client(budget: Budget = WORKERS) -> "LambdaClient":
    return cast("LambdaClient", _client("lambda", budget))


def states_client(budget: Budget = WORKERS) -> Any:
    """A client for Step Functions."""
    return _client("stepfunctions", budget)


def identity_client(budget: Budget = WORKERS) -> "CognitoIdentityProviderClient":
    """A client for user pools; it sends Cognito's public operations unsigned, as Cognito's model says."""
    return cast("CognitoIdentityProviderClient", _client("cognito-idp", budget))


def mail_client(budget: Budget = WORKERS) -> "SESClient":
    return cast("SESClient", _client("ses", budget))


def streams_client(budget: Budget = WORKERS) -> Any:
    """A client whose records are in wire form, as Lambda passes them to functions."""
    return _client("dynamodbstreams", budget, wire_json=True)


def secrets_client(budget: Budget = WORKERS) -> "SecretsManagerClient":
    """Shares the database's session, whose endpoint data is loaded already; a secret reads the same in wire form."""
    return cast("SecretsManagerClient", _client("secretsmanager", budget, wire_json=True))


@cache
def _client(service: str, budget: Budget, *, wire_json: bool = False) -> Any:
    client = _session(wire_json=wire_json).create_client(service, config=_config(budget).merge(_own_config(service)))
    event = f"needs-retry.{client.meta.service_model.service_id.hyphenize()}"
    client.meta.events.register_first(event, _ignore_wish_to_wait)
    return client


def _config(budget: Budget) -> Config:
    return Config(
        connect_timeout=budget.connect_seconds,
        read_timeout=budget.read_seconds,
        retries={"mode": "standard", "total_max_attempts": budget.attempts},
        max_pool_connections=10,
        tcp_keepalive=True,
        parameter_validation=False,
    )


def _own_config(service: str) -> Config:
    """For S3: unless the bucket's name is part of the host, botocore presigns for the global endpoint, which redirects
    to the bucket's region, where the signature is invalid; and in some regions it uses a signature version that others
    do not accept. The host of an endpoint of our own cannot be prefixed with a bucket's name."""
    if service != "s3":
        return Config()
    own_endpoint = {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"} & os.environ.keys()
    return Config(signature_version="s3v4", s3={"addressing_style": "path" if own_endpoint else "virtual"})


def _ignore_wish_to_wait(response: Any, **_: Any) -> None:
    """A server may ask botocore to wait five more seconds between two attempts, which no budget allows."""
    if response is not None:
        response[0].headers.pop("x-amz-retry-after", None)


def forget_clients() -> None:
    """Drop every cached client and session, for tests that change the region or the endpoint."""
    for cached in (_session, _client):
        cached.cache_clear()
