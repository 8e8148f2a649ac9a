"""Read routes: a function from checked parameters to a view becomes a GET route, documented by its own types."""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import signature
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from api.web.observation import note_route
from watchkeeper.records import dumps

SHORTLY = "private, max-age=15"
"""For facts: they change once an hour at most, and people look for what has just come in."""

ALWAYS_ASK = "no-cache"

ViewT = TypeVar("ViewT", bound=Mapping[str, Any])


class ReadRoutes:
    """The GET routes of one context, and the view each of them answers with.

    Views are typed dictionaries that mypy checks; pydantic reads them for the documentation only and stays out of the
    answers themselves, where it would cost more than everything else.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]
        self.views: dict[str, Any] = {}

    def get(
        self, path: str, summary: str, *, cache: str = SHORTLY
    ) -> Callable[[Callable[..., ViewT]], Callable[..., ViewT]]:
        def register(read: Callable[..., ViewT]) -> Callable[..., ViewT]:
            @wraps(read)
            def respond(**arguments: Any) -> Response[str]:
                note_route(self.prefix + path)
                return self._response(read(**arguments), cache)

            operation = read.__name__
            self.views[operation] = read.__annotations__["return"]
            # Powertools would validate every answer against the view; what it sees is a finished text.
            respond.__signature__ = signature(read).replace(return_annotation=Response[str])  # type: ignore[attr-defined]
            self.router.get(path, summary=summary, description=read.__doc__, operation_id=operation)(respond)
            return read

        return register

    def _response(self, view: Mapping[str, Any], cache: str) -> Response[str]:
        headers = {"Cache-Control": cache}
        if cursor := view.get("cursor"):
            headers["Link"] = f'<{self._next_query(cursor)}>; rel="next"'
        return Response(200, APPLICATION_JSON, dumps(view), headers)

    def _next_query(self, cursor: str) -> str:
        """A reference relative to the request's own URL: only the caller knows what stands before our paths."""
        event = self.router.current_event
        query = parse_qsl(event.get("rawQueryString") or "", keep_blank_values=True)
        kept = [(name, text) for name, text in query if name != "cursor"]
        return f"?{urlencode([*kept, ('cursor', cursor)])}"
