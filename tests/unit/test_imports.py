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
WATCHES = ("ferments", "kernel", "markets", "observability", "people")


def all_but(package: str, *known: str, beside: frozenset[str] = frozenset()) -> set[str]:
    """The contexts of a package that are none of those ``known``, and some ``beside``."""
    return {f"{package}.{name}" for name in {*WATCHES, *beside} - {*known}}


OF_API = frozenset({"documentation"})
OF_SCHEDULER = frozenset({"push", "operations"})
CONTEXTS = {
    "watchkeeper.kernel": all_but("watchkeeper", "kernel"),
    "watchkeeper.markets": all_but("watchkeeper", "markets"),
    "watchkeeper.ferments": all_but("watchkeeper", "ferments", "people"),
    "watchkeeper.people": all_but("watchkeeper", "people"),
    "watchkeeper.observability": all_but("watchkeeper", "observability"),
    "watchkeeper.eventsourcing": all_but("watchkeeper"),
    "ingest.kernel": all_but("ingest", "kernel") | all_but("watchkeeper", "kernel"),
    "ingest.markets": all_but("ingest", "markets") | all_but("watchkeeper", "markets"),
    "ingest.observability": all_but("ingest", "observability") | all_but("watchkeeper", "observability"),
    "api.kernel": all_but("api", "kernel", beside=OF_API) | all_but("watchkeeper", "kernel"),
    "api.markets": all_but("api", "markets", beside=OF_API) | all_but("watchkeeper", "markets"),
    "api.ferments": all_but("api", "ferments", "people", beside=OF_API) | all_but("watchkeeper", "ferments", "people"),
    "api.people": all_but("api", "people", beside=OF_API) | all_but("watchkeeper", "people", "ferments"),
    "api.observability": all_but("api", "observability", "people", beside=OF_API)
    | all_but("watchkeeper", "observability", "people"),
    "api.web": all_but("api", beside=OF_API),
    "scheduler.kernel": all_but("scheduler", "kernel", beside=OF_SCHEDULER) | all_but("watchkeeper", "kernel"),
    "scheduler.markets": all_but("scheduler", "markets", beside=OF_SCHEDULER) | all_but("watchkeeper", "markets"),
    "scheduler.push": all_but("scheduler", "push", beside=OF_SCHEDULER) | all_but("watchkeeper", "people"),
    "scheduler.operations": all_but("scheduler", "operations", beside=OF_SCHEDULER) | all_but("watchkeeper"),
}
"""What each may not know."""
TOLD_BY_ALL = ("watchkeeper.observability.facts", "watchkeeper.observability.errors")
"""What is told of oneself is the same whoever tells it."""


def imported_modules(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))


def imported_packages(source: Path) -> Iterator[str]:
    return (module.partition(".")[0] for module in imported_modules(source))


def is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


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
        if any(is_in(module, other) for other in CONTEXTS[context])
        and not any(is_in(module, told) for told in TOLD_BY_ALL)
    ]

    assert sources
    assert outward == []
