"""The access patterns, as the repositories state them, beside the keys the tables really have."""

from collections.abc import Iterator, Mapping
from functools import cache
from inspect import cleandoc
from types import ModuleType
from typing import Any

import yaml

from api.people.signin import rows
from local.workspace import REPOSITORY
from watchkeeper import progress
from watchkeeper.eventsourcing import read_models, store
from watchkeeper.kernel.repositories import discussions, patches, threading
from watchkeeper.markets import budget, coverage, maintenance
from watchkeeper.markets.repositories import assets, earnings, fundamentals, news
from watchkeeper.observability import projections
from watchkeeper.people import table

REPOSITORIES: Mapping[str, tuple[ModuleType, tuple[str, ...]]] = {
    "Patches and series": (patches, ("patches", "series")),
    "Discussions": (discussions, ("discussions",)),
    "Threading": (threading, ("threading",)),
    "Assets": (assets, ("assets",)),
    "Earnings calendar": (earnings, ("earningsCalendar",)),
    "News and their sentiment": (news, ("newsSentiment",)),
    "Fundamentals": (fundamentals, ("foundationalData",)),
    "Event store": (store, ("event-store",)),
    "Read models": (read_models, ("read-models",)),
    "Rows of the read models": (projections, ("read-models",)),
    "Progress": (progress, ("progress",)),
    "Budget of calls": (budget, ("progress",)),
    "Maintenance window": (maintenance, ("progress",)),
    "Coverage": (coverage, ("progress",)),
    "People": (table, ("people",)),
    "Signing in": (rows, ("sign-in",)),
}
"""Each repository's module, or the one that has its keys, and the tables it keeps."""

_PEOPLE = ("People", "Signing in")
_FILES: Mapping[str, tuple[str, ...]] = {
    "ingest": ("tables.yml", "markets-tables.yml", "observability-tables.yml"),
    "api": ("people.yml", "auth.yml"),
}
"""Where each service defines its tables."""
_PREFIX = "watchkeeper-${sls:stage}-"

_HEAD = """\
# Access patterns

What is asked of the tables, and the key that answers it: whatever is not here is not asked. There are scans of the
assets, once a day, by the function that holds all of them against the list of their upstream; and of the event store
and the read models, when an operator has a read model made anew.
This document is made by `make docs` from the docstrings of
[watchkeeper/kernel/repositories](../libs/common/src/watchkeeper/kernel/repositories),
[watchkeeper/markets](../libs/common/src/watchkeeper/markets),
[watchkeeper/eventsourcing](../libs/common/src/watchkeeper/eventsourcing),
[projections.py](../libs/common/src/watchkeeper/observability/projections.py),
[watchkeeper/people/table.py](../libs/common/src/watchkeeper/people/table.py) and
[signin/rows.py](../services/api/api/people/signin/rows.py), and from the tables of
[ingest](../services/ingest/resources/tables.yml), which has the facts, and of api, which has what belongs to people
([people.yml](../services/api/resources/people.yml), [auth.yml](../services/api/resources/auth.yml)).
"""

_BREAKERS = """\
## Breakers

Powertools keeps one item per upstream here, by the table's key, and names the attributes itself:
the state of the circuit breaker that all functions share.
"""


def access_patterns() -> str:
    facts = [_chapter(title, *REPOSITORIES[title]) for title in REPOSITORIES if title not in _PEOPLE]
    people = [_chapter(title, *REPOSITORIES[title]) for title in _PEOPLE]
    return "\n".join([_HEAD, *facts, _BREAKERS, _keys(["breakers"]), *people]).rstrip() + "\n"


def definitions(*services: str) -> dict[str, dict[str, Any]]:
    """The properties of each table of these services, or of all, by its short name."""
    return {
        one["Properties"]["TableName"].removeprefix(_PREFIX): one["Properties"]
        for service in services or _FILES
        for name in _FILES[service]
        for one in _resources(service, name).values()
        if one["Type"] == "AWS::DynamoDB::Table"
    }


@cache
def _resources(service: str, name: str) -> dict[str, Any]:
    path = REPOSITORY / "services" / service / "resources" / name
    resources: dict[str, Any] = yaml.safe_load(path.read_text())["Resources"]
    return resources


def _chapter(title: str, module: ModuleType, tables: tuple[str, ...]) -> str:
    return f"## {title}\n\n{cleandoc(module.__doc__ or '').replace('``', '`')}\n\n{_keys(list(tables))}"


def _keys(tables: list[str]) -> str:
    rows = [row for table in tables for row in _rows(table, definitions()[table])]
    head = ["| table or index | partition key | sort key | holds |", "|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"


def _rows(name: str, table: Mapping[str, Any]) -> Iterator[str]:
    yield f"| table `{name}` | {_key(table['KeySchema'])} | everything |"
    for index in table.get("GlobalSecondaryIndexes", []):
        yield f"| `{index['IndexName']}` | {_key(index['KeySchema'])} | {_projection(index['Projection'])} |"


def _key(schema: list[Mapping[str, str]]) -> str:
    names = [f"`{part['AttributeName']}`" for part in schema]
    return " | ".join([*names, "none"][:2])


def _projection(projection: Mapping[str, Any]) -> str:
    if projection["ProjectionType"] == "INCLUDE":
        return "keys, " + ", ".join(f"`{name}`" for name in projection["NonKeyAttributes"])
    return {"KEYS_ONLY": "keys", "ALL": "everything"}[projection["ProjectionType"]]
