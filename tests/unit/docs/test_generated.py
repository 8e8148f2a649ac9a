"""What is made from the code is what the code says now: `make docs` makes it so."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from local.documents import PACKAGED, SECTIONS, contracts, deployment, documents, tables
from tests.unit.docs.pages import REPOSITORY
from tests.unit.observability.samples import SAMPLES
from watchkeeper.events import DomainEvent
from watchkeeper.eventsourcing.aggregate import EventData
from watchkeeper.eventsourcing.event import Event

DOCUMENTS = documents()


@pytest.mark.parametrize("path", sorted(DOCUMENTS), ids=str)
def test_document_is_current(path: Path) -> None:
    assert (REPOSITORY / path).read_text() == DOCUMENTS[path], "run: make docs"


def test_every_section_is_in_some_document() -> None:
    written = "\n".join(DOCUMENTS.values())

    assert {name for name in {*SECTIONS, *PACKAGED} if f"<!-- generated: {name} -->" not in written} == set()


def test_every_event_has_a_schema_and_no_schema_is_left_over() -> None:
    schemas = {path.name for path in (REPOSITORY / "docs" / "events").iterdir()}

    envelopes = {"envelope.json", "sourced-envelope.json"}
    assert schemas == {*envelopes, *(f"{contracts.type_of(event)}.json" for event in contracts.CATALOGUE)}


def test_no_two_events_have_the_same_name() -> None:
    names = [contracts.type_of(event) for event in contracts.CATALOGUE]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("name", "sent"), [("envelope", DomainEvent), ("sourced-envelope", Event)])
def test_envelope_has_the_fields_that_are_sent(name: str, sent: type[DomainEvent]) -> None:
    schema = json.loads((REPOSITORY / f"docs/events/{name}.json").read_text())

    assert schema["required"] == list(schema["properties"]) == [field.name for field in fields(sent)]


@pytest.mark.parametrize("data", SAMPLES, ids=lambda data: str(data.type))
def test_what_an_aggregate_says_of_itself_is_what_its_schema_says(data: EventData) -> None:
    schema = contracts.event_schemas()[f"{data.type}.json"]

    jsonschema.validate(data.encoded(), json.loads(schema), format_checker=jsonschema.FormatChecker())


def test_every_index_answers_a_question_and_every_question_names_an_index_there_is() -> None:
    existing = {index["IndexName"] for table in tables.definitions().values() for index in _indexes(table)}
    docstrings = [module.__doc__ or "" for module, _ in tables.REPOSITORIES.values()]

    assert set(re.findall(r"`(\w+Index|[a-z-]+-index|GSI\d)`:", " ".join(docstrings))) == existing


def test_every_operation_is_in_the_table_of_routes_and_says_whether_it_wants_a_token() -> None:
    described = json.loads(contracts.openapi())["paths"]
    wants = {str([]): "nothing", str(None): "a token"}
    for groups in (["Developer", "Admin"], ["Viewer", "Developer", "Admin"], ["Admin"]):
        wants[str([{"accessToken": [group]} for group in groups])] = f"a token of {' or '.join(groups)}"
    wanted = {
        f"| `{method.upper()} {path}` | {wants[str(operation.get('security'))]} |"
        for path, operations in described.items()
        for method, operation in operations.items()
    }
    rows = contracts.routes().splitlines()[2:]

    assert {" | ".join(row.split(" | ")[:2]) + " |" for row in rows} == wanted
    assert len(rows) == len(wanted)
    assert any(row.startswith("| `POST /api/v1/markets/assets/{symbol}/pollenate` | a token of Dev") for row in rows)


def test_what_starts_a_function_is_told() -> None:
    told = {row.split("`")[1]: row.split(" | ")[2] for row in deployment.functions("api").splitlines()[2:]}

    assert told["auth"] == "`/api/v1/auth/*`, public"
    assert told["erase"] == "queue `erasures`, 1 a batch"
    assert {name for name, starts in told.items() if starts == "the user pool"} == deployment.pool_triggers()
    assert "an operator" not in told.values()


def test_a_setting_is_told_for_what_it_is() -> None:
    told = {row.split("`")[1]: row.split(" | ")[1] for row in deployment.environment("scheduler").splitlines()[2:]}

    assert told["POLLENATION_QUEUE_URL"] == "the pollenation queue URL"
    assert told["DEAD_LETTER_QUEUES"] == "JSON: by name, dead-letter queue and whose it is"
    assert told["REDRIVEN_FUNCTIONS"] == "`functions` of resources/redrive.js"


def test_every_table_is_in_the_access_patterns() -> None:
    written = DOCUMENTS[Path("docs/access-patterns.md")]

    assert [name for name in tables.definitions() if f"| table `{name}` |" not in written] == []


def _indexes(table: Any) -> Any:
    return table.get("GlobalSecondaryIndexes", [])
