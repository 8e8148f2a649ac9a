"""Direct access to the tables."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from local.cloud import LocalCloud
from watchkeeper.correlation import ATTRIBUTE

FACTS = ("patches", "series", "discussions", "threading")

Facts = dict[tuple[str, ...], Mapping[str, Any]]
"""Stored items by their table and key."""


class Tables:
    def __init__(self, cloud: LocalCloud) -> None:
        self._client = cloud.dynamodb
        self._cloud = cloud

    def facts(self) -> Facts:
        """All that is known about patches and mails, but not which run stored it, and the figures of weeks that have
        any."""
        weeks = (item for item in self.items("progress") if item["pk"]["S"].startswith("STATS#"))
        figures = (week for week in weeks if json.loads(week["record"]["S"]).get("mails") != 0)
        return {
            **{(table, *_key(item)): _fact(item) for table in FACTS for item in self.items(table)},
            **{("figures", *_key(item)): item for item in figures},
        }

    def items(self, table: str) -> Iterator[Any]:
        pages = self._client.get_paginator("scan").paginate(TableName=self._cloud.name(table), ConsistentRead=True)
        return (item for page in pages for item in page["Items"])

    def empty(self) -> None:
        """Reset the tables, as if nothing had ever been read."""
        for table in (*FACTS, "progress"):
            schema = self._client.describe_table(TableName=self._cloud.name(table))["Table"]["KeySchema"]
            for item in list(self.items(table)):
                key = {part["AttributeName"]: item[part["AttributeName"]] for part in schema}
                self._client.delete_item(TableName=self._cloud.name(table), Key=key)

    def leases(self) -> dict[str, str]:
        """Who reads each upstream at this moment."""
        now = time.time()
        rows = (item for item in self.items("progress") if item["pk"]["S"] == "LEASE")
        return {row["sk"]["S"]: row["holder"]["S"] for row in rows if float(row["expires_at"]["N"]) > now}

    def expire(self, leases: Mapping[str, str]) -> None:
        """Let the time pass for which their holders had taken them, unless others have taken them since."""
        for upstream, holder in leases.items():
            with suppress(self._client.exceptions.ConditionalCheckFailedException):
                self._client.update_item(
                    TableName=self._cloud.name("progress"),
                    Key={"pk": {"S": "LEASE"}, "sk": {"S": upstream}},
                    UpdateExpression="SET expires_at = :past",
                    ConditionExpression="holder = :holder",
                    ExpressionAttributeValues={":past": {"N": "0"}, ":holder": {"S": holder}},
                )


def differences(before: Facts, after: Facts) -> list[str]:
    """What was lost, was added or has changed, by key: the items themselves are long."""
    return [
        *(f"lost {key}" for key in sorted(before.keys() - after.keys())),
        *(f"added {key}" for key in sorted(after.keys() - before.keys())),
        *(f"changed {key}" for key in sorted(before.keys() & after.keys()) if before[key] != after[key]),
    ]


def _fact(item: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in item.items() if name != ATTRIBUTE}


def _key(item: Mapping[str, Any]) -> Iterator[str]:
    return (item[name]["S"] for name in ("pk", "sk", "id", "timestamp") if name in item)
