"""What the documents name is there."""

import re
from fnmatch import fnmatch
from functools import cache

import pytest

from local.documents import commands, contracts, deployment
from tests.unit.docs.pages import REPOSITORY, Page, pages

PAGES = pages()
SERVICES = ("ingest", "api", "scheduler")
FUNCTIONS = {name for service in SERVICES for name in deployment.definitions(service)}

_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+=?")
_ROUTE = re.compile(r"(?:\$API|/api/v1)(/[^\s\"'`?]*)")
_FUNCTION_NAME = re.compile(r"(?:FUNCTION=|--function )([a-z-]+)")
_STANDARD = frozenset({"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"})

on_every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.path))


def test_the_documents_are_found() -> None:
    assert {"README.md", "docs/operations.md", "services/ingest/README.md"} <= {str(page.path) for page in PAGES}


@on_every_page
def test_links_lead_somewhere(page: Page) -> None:
    for link in page.links:
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (REPOSITORY / page.path.parent / path).resolve() if path else REPOSITORY / page.path
        assert target.exists(), link
        assert not anchor or anchor in Page(target.relative_to(REPOSITORY)).anchors, link


@on_every_page
def test_make_targets_exist(page: Page) -> None:
    spans = [span for span in page.code_spans if span.startswith("make ")]
    named = {
        word for line in [*page.commands, *spans] for word in re.findall(r"\bmake (?:-s )?([a-z][a-z0-9-]*)", line)
    }

    assert named <= commands.described().keys()


@on_every_page
def test_settings_given_to_make_are_read_by_it(page: Page) -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    given = {name for line in page.commands if line.startswith("make ") for name in re.findall(r"\b([A-Z_]+)=", line)}

    assert {name for name in given if not re.search(rf"\b{name}\b", makefile)} == set()


@on_every_page
def test_functions_exist(page: Page) -> None:
    calls = [line for line in page.commands if "invoke" in line or "FUNCTION=" in line]
    named = {name for line in calls for name in _FUNCTION_NAME.findall(line)}

    assert named <= FUNCTIONS


@on_every_page
def test_variables_exist(page: Page) -> None:
    variables = {span.rstrip("=") for span in page.code_spans if _VARIABLE.fullmatch(span)}

    assert {name for name in variables if name not in _STANDARD and not _is_known(name)} == set()


def _is_known(name: str) -> bool:
    """Whether the code, the deployment, its pipelines or the Makefile knows a name."""
    places = (
        "Makefile",
        "stages.yml",
        ".github/workflows/*.yml",
        "services/*/*.yml",
        "services/*/*/*/**/*.py",
        "libs/common/src/**/*.py",
    )
    return any(re.search(rf"\b{name}\b", path.read_text()) for place in places for path in REPOSITORY.glob(place))


@on_every_page
def test_routes_exist(page: Page) -> None:
    named = {f"/api/v1{route.rstrip('/.,')}" for route in _ROUTE.findall(page.text)}

    assert {route for route in named if not any(_meets(route, pattern) for pattern in _patterns())} == set()


@cache
def _patterns() -> list[str]:
    return [re.sub(r"\{\w+\}", "*", path) for path in [*contracts.paths(), "/api/v1/{proxy+}", "/api/v1"]]


def _meets(route: str, pattern: str) -> bool:
    """A route that ends with a star stands for all that begin so."""
    return pattern.startswith(route[:-1]) if route.endswith("/*") else fnmatch(route, pattern)


@on_every_page
def test_no_place_on_somebodys_machine_is_named(page: Page) -> None:
    assert not re.search(r"(?<![\w.])/(?:home|root|work|Users|tmp)/", page.text)


@on_every_page
def test_a_heading_begins_it(page: Page) -> None:
    assert page.text.startswith("# ")
    assert page.text.endswith("\n")


@pytest.mark.parametrize("service", SERVICES)
def test_stage_parameters_named_for_a_service_exist(service: str) -> None:
    named = re.findall(r"`(\w+)` of stages\.yml", Page(REPOSITORY / "services" / service / "README.md").text)

    assert set(named) <= deployment.parameters().keys()
