"""What the documents tell of the packaged templates is what is packaged: `make docs` makes it so."""

import re
from pathlib import Path

import pytest

from local.documents import PACKAGED, with_sections
from tests.infra.packages import Package


@pytest.mark.parametrize("name", sorted(PACKAGED))
def test_section_is_current(name: str, packages: dict[str, Package], repository: Path) -> None:
    pages = [page for page in repository.glob("docs/*.md") if f"<!-- generated: {name} -->" in page.read_text()]
    templates = {service: package.template for service, package in packages.items()}

    assert pages
    for page in pages:
        path = page.relative_to(repository)
        assert written(page.read_text(), name) == written(with_sections(path, page.read_text(), templates), name), (
            "run: make docs"
        )


def written(text: str, name: str) -> str:
    found = re.search(rf"<!-- generated: {name} -->\n(.*?)<!-- /generated -->", text, re.DOTALL)
    assert found
    return found[1]


def test_every_function_table_and_queue_is_in_the_picture(packages: dict[str, Package], repository: Path) -> None:
    picture = written((repository / "docs/architecture.md").read_text(), "diagram")
    names = {
        properties[name].removeprefix("watchkeeper-prod-")
        for package in packages.values()
        for kind, name in (
            ("Lambda::Function", "FunctionName"),
            ("DynamoDB::Table", "TableName"),
            ("SQS::Queue", "QueueName"),
        )
        for properties in package.properties(f"AWS::{kind}").values()
        if properties.get(name, "").startswith("watchkeeper-prod-")
    }

    assert names
    assert {name for name in names if f'"{name}"' not in picture} == set()
