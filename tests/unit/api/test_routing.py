"""What is wrong with a route is found when it is made."""

from typing import Any

import pytest

from api.web.routing import Routes
from api.web.work import Work


def write(work: Work) -> None:
    """Does nothing."""


@pytest.mark.parametrize("more", [{}, {"public": True, "table": dict}], ids=["no table", "nobody who writes"])
def test_a_route_that_cannot_write_is_not_made_for_work(more: Any) -> None:
    routes = Routes("/things", **more)

    with pytest.raises(TypeError, match="/things/new"):
        routes.post("/new", "Make one")(write)
    assert routes.operations == {}


def test_one_that_can_is() -> None:
    routes = Routes("/things", table=dict)  # type: ignore[arg-type]

    assert routes.post("/new", "Make one")(write) is write


def test_a_route_for_some_groups_is_not_made_where_nobody_signs_in() -> None:
    routes = Routes("/things", public=True)

    with pytest.raises(TypeError, match="Admin"):
        routes.get("/all", "Read all", groups=("Admin",))(write)
    assert routes.operations == {}
