"""One function's part of the API: its routes, error handling, and the processing of each request."""

from collections.abc import Callable
from time import perf_counter
from typing import Any, Protocol

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from api.web.observation import note_route, record
from api.web.problems import AnswerTooLarge, MethodNotAllowed, told
from api.web.requests import MAX_BODY_BYTES, Event, as_get, method, with_checked_body
from api.web.responses import Answer, finished, preflight_answer, without_body
from api.web.routing import Routes
from api.web.settings import Settings
from watchkeeper import correlation
from watchkeeper.entry import Handler, LambdaContext, entry_point


class Container(Protocol):
    """The dependencies of a function."""

    @property
    def settings(self) -> Settings: ...

    def start_request(self) -> None: ...


class Application:
    """``rewrite`` may change the event's path before routing."""

    def __init__(
        self,
        *contexts: Routes,
        rewrite: Callable[[Event], Event] | None = None,
        longest_body: int = MAX_BODY_BYTES,
    ) -> None:
        self.contexts = contexts
        self.resolver = APIGatewayHttpResolver(enable_validation=True)
        for routes in contexts:
            self.resolver.include_router(routes.router, prefix=routes.prefix)
        self.resolver.exception_handler(Exception)(self._problem)
        self._rewrite = rewrite
        self._longest_body = longest_body

    def answer(self, event: Event, context: LambdaContext, *, origins: tuple[str, ...]) -> Answer:
        """Answer one request; never raises."""
        started = perf_counter()
        resolved = self._resolved(event, context)
        try:
            done = finished(resolved, event, correlation_id=correlation.current(), origins=origins)
        except AnswerTooLarge as error:
            done = finished(_as_answer(told(error)), event, correlation_id=correlation.current(), origins=origins)
        if method(event) == "HEAD":
            done = without_body(done)
        milliseconds = (perf_counter() - started) * 1000
        record(status=done["statusCode"], milliseconds=milliseconds, octets=len(done["body"]))
        return done

    def _resolved(self, event: Event, context: LambdaContext) -> Answer:
        asked = self._rewrite(event) if self._rewrite else event
        allowed = self._allowed(str(asked.get("rawPath", "")))
        if method(asked) == "OPTIONS":
            return preflight_answer(allowed)
        if allowed and method(asked) not in allowed:
            return _as_answer(told(MethodNotAllowed(allowed)))
        try:
            checked = with_checked_body(as_get(asked) if method(asked) == "HEAD" else asked, self._longest_body)
        except Exception as error:
            return _as_answer(told(error))
        return self.resolver.resolve(dict(checked), context)  # type: ignore[arg-type]

    def _allowed(self, path: str) -> tuple[str, ...]:
        """The methods of the resource at that path; empty if there is no such resource."""
        found = {name for routes in self.contexts for name in routes.methods_at(path)}
        return tuple(sorted(found | {"HEAD"} if "GET" in found else found))

    def _problem(self, error: Exception) -> Response[str]:
        if not isinstance(error, NotFoundError):
            note_route(self.resolver.request.route)
        return told(error)


def http_handler(application: Application, container: Callable[[], Container]) -> Handler:
    """The entry point of a function that answers requests. Its dependencies are built during the cold start: a wrong
    environment fails the deployment, not a caller, and Lambda gives initialization more CPU than a request."""
    origins = container().settings.cors_origins

    @entry_point
    def handler(event: Event, context: LambdaContext) -> Answer:
        container().start_request()
        return application.answer(event, context, origins=origins)

    return handler


def _as_answer(response: Response[str]) -> Answer:
    headers: dict[str, Any] = response.headers
    return {"statusCode": response.status_code, "headers": headers, "body": response.body, "cookies": []}
