"""Imports point inward: services use the library, never each other, and the library uses no service."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SERVICES = frozenset({"ingest", "api", "scheduler"})
NEVER_SHIPPED = frozenset({"local", "tests", "benchmarks", "pytest", "moto"})
ROOTS = {
    "watchkeeper": REPOSITORY / "libs" / "common" / "src" / "watchkeeper",
    **{service: REPOSITORY / "services" / service / service for service in sorted(SERVICES)},
}


def imported_packages(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("package", ROOTS)
def test_package_imports_no_service_but_itself_and_nothing_that_is_not_shipped(package: str) -> None:
    forbidden = (SERVICES - {package}) | NEVER_SHIPPED
    sources = sorted(ROOTS[package].rglob("*.py"))

    outward = [
        (str(source.relative_to(REPOSITORY)), name)
        for source in sources
        for name in imported_packages(source)
        if name in forbidden
    ]

    assert sources
    assert outward == []
