"""The access patterns, as the repositories state them, beside the keys the tables really have."""

from collections.abc import Iterator, Mapping
from inspect import cleandoc
from types import ModuleType
from typing import Any

import yaml

from local.workspace import REPOSITORY
from watchkeeper.kernel.repositories import discussions, patches, progress, threading

REPOSITORIES: Mapping[str, tuple[ModuleType, tuple[str, ...]]] = {
    "Patches and series": (patches, ("patches", "series")),
    "Discussions": (discussions, ("discussions",)),
    "Threading": (threading, ("threading",)),
    "Progress": (progress, ("progress",)),
}
"""Each repository's module, and the tables it keeps."""

_HEAD = """\
# Access patterns

What is asked of the tables, and the key that answers it. There is no scan: whatever is not here is not asked.
This document is made by `make docs` from the docstrings of the repositories in
[libs/common/src/watchkeeper/kernel/repositories](../libs/common/src/watchkeeper/kernel/repositories) and from
[services/ingest/resources/tables.yml](../services/ingest/resources/tables.yml).
"""

_BREAKERS = """\
## Breakers

Powertools keeps one item per upstream here, by the table's key, and names the attributes itself:
the state of the circuit breaker that all functions share.
"""


def access_patterns() -> str:
    chapters = [_chapter(title, *REPOSITORIES[title]) for title in REPOSITORIES]
    return "\n".join([_HEAD, *chapters, _BREAKERS, _keys(["breakers"])]).rstrip() + "\n"


def definitions() -> dict[str, dict[str, Any]]:
    """The properties of each table by its short name."""
    resources = yaml.safe_load((REPOSITORY / "services/ingest/resources/tables.yml").read_text())["Resources"]
    return {one["Properties"]["TableName"].rpartition("-")[2]: one["Properties"] for one in resources.values()}


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
