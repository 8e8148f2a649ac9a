"""What each of the two functions knows of the other."""

import pytest

from api.observability.commands.routes import routes as commands
from api.observability.queries.routes import routes as queries
from api.observability.resources import COMMANDS, PREFIX, QUERIES
from api.web.routing import Routes


@pytest.mark.parametrize(("routes", "method", "paths"), [(commands, "POST", COMMANDS), (queries, "GET", QUERIES)])
def test_all_it_answers_is_known_to_the_other(routes: Routes, method: str, paths: tuple[str, ...]) -> None:
    own = sorted((one.method, one.path) for one in routes.operations.values())

    assert own == sorted((method, PREFIX + path) for path in paths)


@pytest.mark.parametrize("routes", [commands, queries])
@pytest.mark.parametrize(
    ("path", "methods"),
    [("/metrics", {"GET", "POST"}), ("/alerts/a", {"GET"}), ("/alerts/a/resolve", {"POST"}), ("/nothing", set())],
)
def test_both_know_what_can_be_done_with_a_path(routes: Routes, path: str, methods: set[str]) -> None:
    assert set(routes.methods_at(PREFIX + path)) == methods
