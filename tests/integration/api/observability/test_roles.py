"""Who may ask what: a route that is not in this table fails."""

from dataclasses import replace

import pytest

from tests.integration.api.asking import Asker

VIEWER, DEVELOPER, ADMIN = "Viewer", "Developer", "Admin"
EVERYBODY = {VIEWER, DEVELOPER, ADMIN}
ID = "0123456789ab"
MAY: dict[tuple[str, str], set[str]] = {
    ("POST", "/metrics"): {DEVELOPER, ADMIN},
    ("POST", "/alert-rules"): {ADMIN},
    ("POST", f"/alert-rules/{ID}/retire"): {ADMIN},
    ("POST", f"/alerts/{ID}/acknowledge"): {DEVELOPER, ADMIN},
    ("POST", f"/alerts/{ID}/resolve"): {ADMIN},
    ("POST", "/security-events"): {ADMIN},
    ("POST", f"/security-events/{ID}/triage"): {ADMIN},
    ("POST", f"/security-events/{ID}/close"): {ADMIN},
    ("GET", "/metrics"): EVERYBODY,
    ("GET", "/metrics/latency/series"): EVERYBODY,
    ("GET", "/alert-rules"): EVERYBODY,
    ("GET", f"/alert-rules/{ID}"): EVERYBODY,
    ("GET", "/alerts"): EVERYBODY,
    ("GET", f"/alerts/{ID}"): EVERYBODY,
    ("GET", f"/alerts/{ID}/history"): EVERYBODY,
    ("GET", "/alert-history"): EVERYBODY,
    ("GET", "/security-events"): EVERYBODY,
    ("GET", f"/security-events/{ID}"): EVERYBODY,
    ("GET", "/health"): EVERYBODY,
    ("GET", "/errors"): EVERYBODY,
}
BODIES = {
    "/metrics": {"name": "latency", "value": 1},
    "/alert-rules": {"name": "slow", "metric": "latency", "comparison": "gt", "threshold": 1},
    f"/alerts/{ID}/resolve": {"reason": "over"},
    "/security-events": {"kind": "leak", "severity": "low", "summary": "A leak", "source": "a test"},
    f"/security-events/{ID}/close": {"resolution": "over"},
}


GROUPS = ("", VIEWER, DEVELOPER, ADMIN, "admin", "Admins")
CASES = [(method, path, group) for method, path in MAY for group in GROUPS]


@pytest.mark.parametrize(("method", "path", "group"), CASES)
def test_only_members_of_its_groups_may(admin: Asker, method: str, path: str, group: str) -> None:
    reply = replace(admin, groups=(group,) if group else ())(
        method, path, BODIES.get(path) if method == "POST" else None
    )

    if group in MAY[method, path]:
        assert reply.status in (200, 201, 404), reply.text
    else:
        assert reply.status == 403
        assert reply.json["type"] == "urn:watchkeeper:problem:forbidden"


@pytest.mark.parametrize(("method", "path"), MAY)
def test_nobody_who_has_not_signed_in_may(admin: Asker, method: str, path: str) -> None:
    assert admin.as_("")(method, path, BODIES.get(path)).status == 401


def test_every_route_is_in_the_table(admin: Asker) -> None:
    from api.observability.commands.routes import routes as commands
    from api.observability.queries.routes import routes as queries

    for routes in (commands, queries):
        for operation in routes.operations.values():
            path = operation.path.removeprefix(admin.prefix)
            assert [one for one in MAY if one[0] == operation.method and matches(path, one[1])], operation
    assert len(MAY) == len(commands.operations) + len(queries.operations)


def matches(path: str, asked: str) -> bool:
    steps, given = path.split("/"), asked.split("/")
    return len(steps) == len(given) and all(
        step == one or step.startswith("<") for step, one in zip(steps, given, strict=True)
    )


class TestMethods:
    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("GET", f"/alerts/{ID}/resolve", "POST"),
            ("HEAD", f"/alerts/{ID}/resolve", "POST"),
            ("DELETE", f"/alert-rules/{ID}/retire", "POST"),
            ("POST", "/health", "GET, HEAD"),
            ("POST", f"/alerts/{ID}", "GET, HEAD"),
            ("PUT", "/metrics", "GET, HEAD, POST"),
            ("PATCH", "/security-events", "GET, HEAD, POST"),
        ],
    )
    def test_one_that_is_not_there_is_told_what_is(self, admin: Asker, method: str, path: str, allowed: str) -> None:
        reply = admin(method, path)

        assert (reply.status, reply.headers["Allow"]) == (405, allowed)

    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
    @pytest.mark.parametrize("path", ["", "/", "/nothing", "/alerts/a/b/c", "/metrics/a", "/health/x"])
    def test_what_is_not_there_is_not_found(self, admin: Asker, method: str, path: str) -> None:
        assert admin(method, path).status == 404

    def test_a_preflight_is_told_of_both_functions(self, admin: Asker) -> None:
        reply = admin("OPTIONS", "/metrics", headers={"Origin": "https://a.example"})

        assert (reply.status, reply.headers["Allow"]) == (204, "GET, HEAD, POST, OPTIONS")
