import io
import json
from contextlib import redirect_stdout
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from tests.integration.api.builders import a_mail, a_patch, a_series
from tests.integration.api.conftest import Ask, Context, Get, Store, reply
from tests.integration.api.events import http_get
from watchkeeper import aws
from watchkeeper.budgets import PEOPLE
from watchkeeper.kernel.models import Kind

PATHS = [
    "/patches",
    "/patches/1",
    "/patches/1/discussions",
    "/patches/1/discussions?view=flat",
    "/patches/patch-1@example.com",
    "/patches/patch-1@example.com/discussions",
    "/patches/by-message-id/patch-1@example.com",
    "/series/5",
    "/threads/patch-1@example.com",
    "/threads/patch-1@example.com?view=flat",
    "/discussions/patch-1@example.com",
    "/people/ann@example.com",
    "/people/ann@example.com/patches",
    "/people/ray@example.org/reviews",
    "/stats",
    "/freshness",
]


@pytest.fixture
def facts(store: Store) -> None:
    patch: dict[str, Any] = {"thread_id": "patch-1@example.com", "patch_message_id": "patch-1@example.com"}
    store.patches(*(a_patch(number, series_id=5) for number in range(1, 5)))
    store.series(a_series(5))
    store.mails(
        a_mail("patch-1@example.com", kind=Kind.PATCH, **patch),
        a_mail("r@x", 1, parent_id="patch-1@example.com", **patch),
        a_mail("s@x", 2, parent_id="lost@x", **patch),
    )


def failing(code: str, status: int = 400) -> Any:
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "secret detail"}).encode()

    def fail(**_: Any) -> AWSResponse:
        response = AWSResponse("https://dynamodb", status, HTTPHeaders(), None)
        response._content = body  # type: ignore[attr-defined]
        return response

    return fail


class TestAnswers:
    @pytest.mark.usefixtures("facts")
    @pytest.mark.parametrize("path", PATHS)
    def test_every_answer_is_of_the_documented_shape(self, get: Get, path: str) -> None:
        answer, shape = get(path), documented_shape(path)

        assert answer.status == 200, answer.text
        shape.validate_json(answer.text, strict=True)

    @pytest.mark.usefixtures("facts")
    @pytest.mark.parametrize("path", [path for path in PATHS if path != "/freshness"])
    def test_what_did_not_change_is_not_sent_again(self, get: Get, path: str) -> None:
        first = get(path)

        again = get(path, {"If-None-Match": first.headers["ETag"]})

        assert (again.status, again.octets) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]

    def test_what_changed_is(self, get: Get, store: Store) -> None:
        store.patches(a_patch(1))
        etag = get("/patches/1").headers["ETag"]
        store.patches(a_patch(1, state="accepted"))

        assert get("/patches/1", {"If-None-Match": etag}).json["state"] == "accepted"

    @pytest.mark.usefixtures("facts")
    def test_long_answers_are_compressed_on_demand(self, get: Get) -> None:
        plain, packed = get("/patches"), get("/patches", {"Accept-Encoding": "br, gzip"})

        assert packed.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in packed.headers["Vary"]
        assert packed.json == plain.json
        assert len(packed.octets) < len(plain.octets)

    def test_every_answer_carries_what_browsers_and_caches_must_know(self, get: Get) -> None:
        headers = get("/patches").headers

        assert headers["Content-Type"] == "application/json"
        assert headers["Cache-Control"] == "private, max-age=15"
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert headers["X-Content-Type-Options"] == "nosniff"

    def test_a_correlation_id_goes_through(self, get: Get) -> None:
        assert get("/patches", {"X-Correlation-Id": "abc-1.2_3"}).headers["X-Correlation-Id"] == "abc-1.2_3"

    @pytest.mark.parametrize("given", ["a b", "a\r\nX-Evil: 1", "x" * 65, "é"])
    def test_a_dubious_one_does_not(self, get: Get, given: str) -> None:
        answer = get("/nowhere", {"X-Correlation-Id": given})

        assert answer.headers["X-Correlation-Id"] == answer.json["correlation_id"] != given


class TestProblems:
    @pytest.mark.parametrize(
        "path",
        [
            "/api/v1",
            "/api/v1/",
            "/api/v1/nothing",
            "/api/v1/kernel",
            "/api/v1/kernel/",
            "/api/v1/kernel/nothing",
            "/api/",
            "/api/v2/x",
        ],
    )
    def test_an_unknown_path_is_a_problem(self, get: Get, path: str) -> None:
        answer = get(path)

        assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
        assert answer.json["type"] == "urn:watchkeeper:problem:not-found"
        assert answer.headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize(
        "path", ["/../../etc/passwd", "/patches/%0d%0aSet-Cookie:%20a=b", "/%00", "/<script>", "/%F0%9F"]
    )
    def test_a_hostile_path_comes_back_nowhere(self, get: Get, path: str) -> None:
        answer = get(path)

        assert answer.status in (404, 422)
        assert "Set-Cookie" not in answer.headers
        assert "script" not in answer.text

    @pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "ThrottlingException"])
    def test_a_busy_table_is_a_reason_to_come_back(self, get: Get, code: str) -> None:
        aws.dynamodb_client(PEOPLE).meta.events.register("before-send.dynamodb", failing(code))

        answer = get("/patches")

        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        assert answer.json["type"] == "urn:watchkeeper:problem:busy"

    def test_a_failure_tells_the_caller_nothing_and_the_log_everything(self, get: Get) -> None:
        aws.dynamodb_client(PEOPLE).meta.events.register("before-send.dynamodb", failing("AccessDeniedException"))

        answer = get("/patches/1")

        assert (answer.status, answer.json["title"]) == (500, "Internal Server Error")
        assert not {"secret", "AccessDenied", "watchkeeper-test"} & set(answer.text.replace('"', " ").split())


class TestMethods:
    @pytest.mark.usefixtures("facts")
    @pytest.mark.parametrize("path", ["/patches", "/patches/99", "/api/v1/openapi.json", "/api/v1/nothing"])
    @pytest.mark.parametrize("coding", ["identity", "gzip"])
    def test_head_is_answered_like_get_without_a_body(self, ask: Ask, path: str, coding: str) -> None:
        headers = {"Accept-Encoding": coding, "X-Correlation-Id": "mine"}
        got, head = ask("GET", path, headers), ask("HEAD", path, headers)

        assert (head.status, head.headers, head.octets) == (got.status, got.headers, b"")

    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_others_are_a_problem(self, ask: Ask, method: str) -> None:
        answer = ask(method, "/patches")

        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json["type"] == "urn:watchkeeper:problem:method-not-allowed"

    def test_a_preflight_the_gateway_lets_through_is_no_problem(self, ask: Ask) -> None:
        answer = ask("OPTIONS", "/patches", {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"})

        assert (answer.status, answer.octets, answer.headers["Allow"]) == (204, b"", "GET, HEAD, OPTIONS")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


class TestObservation:
    def logged(self, get: Get, path: str, headers: dict[str, str] | None = None) -> list[dict[str, Any]]:
        from watchkeeper.logs import logger

        stream = io.StringIO()
        handler = logger.registered_handler
        before = handler.setStream(stream)  # type: ignore[attr-defined]
        try:
            with redirect_stdout(stream):
                get(path, headers)
        finally:
            handler.setStream(before)  # type: ignore[attr-defined]
        return [json.loads(line) for line in stream.getvalue().splitlines()]

    def test_each_request_is_one_line_and_one_set_of_metrics(self, get: Get, store: Store) -> None:
        store.patches(a_patch(1))

        line, *metrics = self.logged(get, "/patches/1", {"X-Correlation-Id": "mine"})

        assert (line["message"], line["route"], line["status"]) == (
            "answered",
            "/api/v1/kernel/patches/<patch_id>",
            200,
        )
        assert line["correlation_id"] == "mine"
        [of_route, of_function] = metrics
        assert of_route["route"] == "/api/v1/kernel/patches/<patch_id>"
        assert {"Latency", "ClientErrors", "ServerErrors"} <= of_route.keys()
        assert (of_function["function"], of_function["Invocations"], of_function["Failures"]) == ("kernel", [1], [0])

    @pytest.mark.parametrize(
        "path", ["/people/ann@example.com", "/nowhere/ann@example.com", "/patches?submitter=ann@example.com"]
    )
    def test_no_address_is_ever_logged(self, get: Get, path: str) -> None:
        assert "ann@" not in json.dumps(self.logged(get, path))

    @pytest.mark.parametrize("path", ["/patches/1", "/patches/1?view=tree", "/patches/1/discussions?view=x"])
    def test_a_refusal_is_counted_with_the_answers_of_its_route(self, get: Get, path: str) -> None:
        _, of_route, _ = self.logged(get, path)

        assert of_route["ClientErrors"] == [1]
        assert of_route["route"].startswith("/api/v1/kernel/patches/<patch_id>")

    def test_one_request_leaves_nothing_to_the_next(self, get: Get) -> None:
        self.logged(get, "/patches")

        line, of_route, _ = self.logged(get, "/nowhere")

        assert "route" not in line
        assert of_route["route"] == "none"


class TestOrigins:
    def test_only_the_named_ones_are_allowed(self, get: Get) -> None:
        from api.kernel.handler import application

        events = [
            http_get("/api/v1/kernel/patches", {"Origin": origin})
            for origin in ("https://a.example", "https://b.example")
        ]
        allowed, other = (
            reply(application.answer(event, Context(), origins=("https://a.example",))) for event in events
        )

        assert allowed.headers["Access-Control-Allow-Origin"] == "https://a.example"
        assert "Access-Control-Allow-Origin" not in other.headers


def documented_shape(path: str) -> Any:
    """A strict reader of what the documentation says a path answers with, and of nothing more."""
    from pydantic import ConfigDict, create_model

    from api.kernel.handler import application
    from api.kernel.routes import routes

    plain = path.partition("?")[0]
    candidates = [*application.resolver._static_routes, *application.resolver._dynamic_routes]
    route = next(route for route in candidates if route.rule.match(f"/api/v1/kernel{plain}"))
    shape: Any = routes.operations[str(route.operation_id)].view
    model = create_model("Answer", __config__=ConfigDict(extra="forbid"), answer=(shape, ...))
    return _Field(model)


class _Field:
    def __init__(self, model: Any) -> None:
        self._model = model

    def validate_json(self, text: str, *, strict: bool) -> None:
        self._model.model_validate_json(f'{{"answer": {text}}}', strict=strict)
