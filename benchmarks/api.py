"""What the API costs in processor time: a page of patches through the whole function.

Nothing here touches a network: a hook of botocore answers every request with what the table held. The page is compared
with boto3's own client running the same query and handing over the same 100 items; the medians count. A process can do
it once: the function keeps its clients. Run it with ``python -m benchmarks.api``.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from benchmarks.figures import Figure, Target
from benchmarks.functions import ENVIRONMENT, Context, environment
from tests.integration.api.events import claims_of

ITEMS = 100
MAX_RATIO = 1.0

_PATCHES = ENVIRONMENT["PATCHES_TABLE"]

QUICK = {"rounds": 2, "calls": 2}


def run(*, rounds: int = 15, calls: int = 20) -> dict[str, Any]:
    """Milliseconds of a page: through the handler, plain and compressed, and by boto3's client alone."""
    with environment():
        items = _stored_items()
        stock = _stock_query(items)
        plain, compressed = _request(items, {}), _request(items, {"accept-encoding": "gzip"})
        costs = _side_by_side({"boto3_query": stock, "handler": plain, "handler_gzip": compressed}, rounds, calls)
    ratios = {f"{name}_to_boto3": round(costs[name] / costs["boto3_query"], 2) for name in ("handler", "handler_gzip")}
    sizes = {"items": ITEMS, "octets_stored": len(json.dumps(items))}
    return {"benchmark": "api", **sizes, "milliseconds": costs, **ratios}


def figures(result: Mapping[str, Any]) -> Iterator[Figure]:
    target = Target("<", MAX_RATIO)
    yield Figure("api: page of 100 patches, to boto3's query", result["handler_to_boto3"], "times", target)
    yield Figure("api: the same, compressed", result["handler_gzip_to_boto3"], "times")


def _side_by_side(tasks: Mapping[str, Callable[[], None]], rounds: int, calls: int) -> dict[str, float]:
    """Medians; the tasks take turns, so that a busy machine is busy for all of them."""
    costs: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            started = time.process_time()
            for _ in range(calls):
                task()
            costs[name].append((time.process_time() - started) * 1000 / calls)
    return {name: round(statistics.median(values), 3) for name, values in costs.items()}


def _stock_query(items: list[Any]) -> Callable[[], None]:
    import boto3
    from botocore.config import Config

    client = boto3.client("dynamodb", config=Config(retries={"mode": "standard"}))
    _answer(client, {"Query": {"Items": items, "Count": len(items), "ScannedCount": len(items)}})

    def query() -> None:
        client.query(
            TableName=_PATCHES,
            IndexName="ProjectIndex",
            KeyConditionExpression="#pk = :pk",
            ExpressionAttributeNames={"#pk": "project_id"},
            ExpressionAttributeValues={":pk": {"S": "linux-hwmon"}},
            ScanIndexForward=False,
            Limit=ITEMS,
        )

    return query


def _request(items: list[Any], headers: dict[str, str]) -> Callable[[], None]:
    from watchkeeper.aws import dynamodb_client
    from watchkeeper.budgets import PEOPLE

    with _silence():  # the logger keeps the stream it finds
        from api.kernel.handler import handler

    _answer(dynamodb_client(PEOPLE), {"Query": {"Items": items, "Count": len(items), "ScannedCount": len(items)}})
    event = _event(headers)

    def request() -> None:
        with _silence():
            answer = handler(event, Context())
        assert answer["statusCode"] == 200, answer

    request()
    return request


def _answer(client: Any, answers: Mapping[str, Any]) -> None:
    """Let the client go through everything but the network."""
    raw = {f"DynamoDB_20120810.{operation}": json.dumps(answer).encode() for operation, answer in answers.items()}

    def respond(request: Any, **_: Any) -> AWSResponse:
        target = request.headers["X-Amz-Target"]
        return _Answer(raw[target.decode() if isinstance(target, bytes) else target])

    client.meta.events.register("before-send.dynamodb", respond)


class _Answer(AWSResponse):
    def __init__(self, content: bytes) -> None:
        super().__init__("https://dynamodb", 200, HTTPHeaders(), None)
        self._content = content


def _stored_items() -> list[Any]:
    """The items as the repository writes them."""
    from watchkeeper.aws import dynamodb_client, forget_clients
    from watchkeeper.dynamodb import Table
    from watchkeeper.kernel.repositories.patches import PatchRepository

    written: list[Any] = []

    def keep(params: Mapping[str, Any], **_: Any) -> None:
        for write in json.loads(params["body"])["RequestItems"][_PATCHES]:
            written.append(write["PutRequest"]["Item"])

    client = dynamodb_client()
    client.meta.events.register("before-call.dynamodb.BatchWriteItem", keep)
    _answer(client, {"BatchWriteItem": {"UnprocessedItems": {}}})
    PatchRepository(Table(client, _PATCHES)).put_many(_patches(), now=datetime(2027, 1, 1, tzinfo=UTC))
    forget_clients()
    return written


def _patches() -> Iterator[Any]:
    from watchkeeper.kernel.models import Patch, Person

    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    for number in range(ITEMS):
        yield Patch(
            id=1_400_000 + number,
            project="linux-hwmon",
            message_id=f"20260701120{number:03d}.1234567-{number}-devnull@kernel.org",
            date=noon - timedelta(minutes=number),
            name=f"[v3,{number % 9 + 1}/9] hwmon: (pmbus/core) Add support for regulator events, part {number}",
            state="changes-requested",
            archived=number % 7 == 0,
            submitter=Person(f"Developer Number{number}", f"developer{number}@subsystem.example.com"),
            delegate="maintainer",
            series_id=900_000 + number // 9,
            version=3,
            number=number % 9 + 1,
            total=9,
            prefixes=("v3",),
            hash=f"{number:040x}",
            commit_ref=None,
            pull_url=None,
            check="success",
        )


def _event(headers: dict[str, str]) -> dict[str, Any]:
    query = {"project": "linux-hwmon", "limit": str(ITEMS)}
    path = "/api/v1/kernel/patches"
    return {
        "version": "2.0",
        "routeKey": "ANY /api/v1/{proxy+}",
        "rawPath": path,
        "rawQueryString": "&".join(f"{name}={value}" for name, value in query.items()),
        "queryStringParameters": query,
        "headers": headers,
        "requestContext": {
            "authorizer": {"jwt": {"claims": claims_of(), "scopes": None}},
            "http": {"method": "GET", "path": path},
            "stage": "$default",
            "requestId": "id=",
        },
        "isBase64Encoded": False,
    }


@contextmanager
def _silence() -> Iterator[None]:
    """Log lines and metrics are written, as in the function, and thrown away."""
    stdout = sys.stdout
    sys.stdout = _sink
    try:
        yield
    finally:
        sys.stdout = stdout


_sink = open(os.devnull, "w")  # noqa: PTH123, SIM115 -- open as long as the process


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
