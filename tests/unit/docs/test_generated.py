"""What is made from the code is what the code says now: `make docs` makes it so."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.documents import PACKAGED, SECTIONS, documents, tables
from tests.unit.docs.pages import REPOSITORY
from watchkeeper.events import DomainEvent
from watchkeeper.kernel.events import CATALOGUE

DOCUMENTS = documents()


@pytest.mark.parametrize("path", sorted(DOCUMENTS), ids=str)
def test_document_is_current(path: Path) -> None:
    assert (REPOSITORY / path).read_text() == DOCUMENTS[path], "run: make docs"


def test_every_section_is_in_some_document() -> None:
    written = "\n".join(DOCUMENTS.values())

    assert {name for name in {*SECTIONS, *PACKAGED} if f"<!-- generated: {name} -->" not in written} == set()


def test_every_event_has_a_schema_and_no_schema_is_left_over() -> None:
    schemas = {path.name for path in (REPOSITORY / "docs" / "events").iterdir()}

    assert schemas == {"envelope.json", *(f"{event.__name__}.json" for event in CATALOGUE)}


def test_envelope_has_the_fields_that_are_sent() -> None:
    schema = json.loads((REPOSITORY / "docs/events/envelope.json").read_text())
    sent = DomainEvent("1", "PatchReceived", 1, datetime(2026, 11, 20, tzinfo=UTC), "2", {})

    assert schema["required"] == list(schema["properties"]) == list(sent.__dataclass_fields__)


def test_every_index_answers_a_question_and_every_question_names_an_index_there_is() -> None:
    existing = {index["IndexName"] for table in tables.definitions().values() for index in _indexes(table)}
    docstrings = [module.__doc__ or "" for module, _ in tables.REPOSITORIES.values()]

    assert set(re.findall(r"`(\w+Index)`:", " ".join(docstrings))) == existing


def test_every_table_is_in_the_access_patterns() -> None:
    written = DOCUMENTS[Path("docs/access-patterns.md")]

    assert [name for name in tables.definitions() if f"| table `{name}` |" not in written] == []


def _indexes(table: Any) -> Any:
    return table.get("GlobalSecondaryIndexes", [])
