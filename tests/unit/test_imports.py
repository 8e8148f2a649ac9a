"""Imports point inward: services use the library, never each other, and the library uses no service. Within them,
watches know nothing of each other, and people nothing of the watches but for what is erased with them."""

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
CONTEXTS = {
    "watchkeeper.kernel": {"watchkeeper.ferments", "watchkeeper.markets", "watchkeeper.people"},
    "watchkeeper.markets": {"watchkeeper.ferments", "watchkeeper.kernel", "watchkeeper.people"},
    "watchkeeper.ferments": {"watchkeeper.kernel", "watchkeeper.markets"},
    "watchkeeper.people": {"watchkeeper.ferments", "watchkeeper.kernel", "watchkeeper.markets"},
    "ingest.kernel": {"ingest.markets", "watchkeeper.ferments", "watchkeeper.markets", "watchkeeper.people"},
    "ingest.markets": {"ingest.kernel", "watchkeeper.ferments", "watchkeeper.kernel", "watchkeeper.people"},
    "api.kernel": {
        "api.documentation",
        "api.ferments",
        "api.markets",
        "api.people",
        "watchkeeper.ferments",
        "watchkeeper.markets",
        "watchkeeper.people",
    },
    "api.markets": {
        "api.documentation",
        "api.ferments",
        "api.kernel",
        "api.people",
        "watchkeeper.ferments",
        "watchkeeper.kernel",
        "watchkeeper.people",
    },
    "api.ferments": {"api.documentation", "api.kernel", "api.markets", "watchkeeper.kernel", "watchkeeper.markets"},
    "api.people": {
        "api.documentation",
        "api.ferments",
        "api.kernel",
        "api.markets",
        "watchkeeper.kernel",
        "watchkeeper.markets",
    },
    "api.web": {"api.documentation", "api.ferments", "api.kernel", "api.markets", "api.people"},
    "scheduler.kernel": {
        "scheduler.markets",
        "scheduler.push",
        "watchkeeper.ferments",
        "watchkeeper.markets",
        "watchkeeper.people",
    },
    "scheduler.markets": {
        "scheduler.kernel",
        "scheduler.push",
        "watchkeeper.ferments",
        "watchkeeper.kernel",
        "watchkeeper.people",
    },
    "scheduler.push": {
        "scheduler.kernel",
        "scheduler.markets",
        "watchkeeper.ferments",
        "watchkeeper.kernel",
        "watchkeeper.markets",
    },
}
"""What each may not know."""


def imported_modules(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def imported_packages(source: Path) -> Iterator[str]:
    return (module.partition(".")[0] for module in imported_modules(source))


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


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_context_knows_no_other_one_but_those_it_builds_on(context: str) -> None:
    package, _, name = context.partition(".")
    sources = sorted((ROOTS[package] / name).rglob("*.py"))

    outward = [
        (str(source.relative_to(REPOSITORY)), module)
        for source in sources
        for module in imported_modules(source)
        if any(module == other or module.startswith(f"{other}.") for other in CONTEXTS[context])
    ]

    assert sources
    assert outward == []
