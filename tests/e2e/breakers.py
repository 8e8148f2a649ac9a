"""The circuit breakers, which all functions share."""

import time
from typing import Any

from local.cloud import LocalCloud

LONG_AGO = 3600


class Breakers:
    def __init__(self, cloud: LocalCloud) -> None:
        self._client = cloud.dynamodb
        self._table = cloud.name("breakers")

    def states(self) -> dict[str, str]:
        """By the name of the upstream; those that have failed before."""
        return {_upstream(item): item["state"]["S"] for item in self._items()}

    def let_time_pass(self) -> None:
        """Make open breakers look old: the next request decides."""
        for item in self._items():
            if item["state"]["S"] == "OPEN":
                self._client.update_item(
                    TableName=self._table,
                    Key={"id": item["id"]},
                    UpdateExpression="SET opened_at = :long_ago",
                    ExpressionAttributeValues={":long_ago": {"N": str(int(time.time()) - LONG_AGO)}},
                )

    def put(self, name: str, state: str) -> None:
        """One as the functions keep it; whoever opened it did so just now."""
        item = {"id": {"S": name}, "state": {"S": state}, "opened_at": {"N": str(int(time.time()))}}
        self._client.put_item(TableName=self._table, Item={**item, "failure_count": {"N": "5"}})

    def forget(self, name: str) -> None:
        self._client.delete_item(TableName=self._table, Key={"id": {"S": name}})

    def _items(self) -> list[Any]:
        return list(self._client.scan(TableName=self._table, ConsistentRead=True)["Items"])


def _upstream(item: Any) -> str:
    """Breakers are named for upstream and host."""
    return str(item["id"]["S"]).split()[0]
