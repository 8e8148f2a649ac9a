"""Routes: a function from validated parameters to a view becomes a route, documented by its own types."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import wraps
from http import HTTPStatus
from inspect import Parameter, signature
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl, urlencode

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from api.web.identity import Caller, caller_of
from api.web.observation import note_route
from api.web.problems import Changed, Conflict, Forbidden, PreconditionFailed
from api.web.requests import Event
from api.web.work import Work
from watchkeeper.budgets import Patience
from watchkeeper.dynamodb import Table
from watchkeeper.errors import ItemNotFound
from watchkeeper.records import dumps

SHORTLY = "private, max-age=15"
"""For facts: they change at most once an hour, and people look for what has just come in."""

ALWAYS_ASK = "no-cache"
NEVER_KEPT = "no-store"

_PATIENCE_SECONDS = 1.0
"""How long a request is retried after conflicts with other requests."""

_OUTRUN = (Conflict, ItemNotFound, PreconditionFailed)
"""Errors that can also mean that a concurrent request with the same ``Idempotency-Key`` has just succeeded."""

_SEGMENT = re.compile(r"<[^>]+>")

ViewT = TypeVar("ViewT", bound=Callable[..., Any])
AnyViewT = TypeVar("AnyViewT", bound=Mapping[str, Any])


@dataclass(frozen=True, slots=True)
class Form:
    """What an operation may answer in addition to its view, or instead of it."""

    status: int
    content_type: str
    view: Any = str
    description: str = ""
    """The description of the status, unless it already has one."""


@dataclass(frozen=True, slots=True)
class Operation:
    """The documentation of a route, in addition to what Powertools knows."""

    name: str
    method: str
    path: str
    view: Any
    """The type of the response; ``None`` for no content."""
    status: int
    public: bool
    """Whether it needs no access token."""
    takes_key: bool
    """Whether it accepts an ``Idempotency-Key``."""
    versioned: bool
    """Whether its view has a version, which becomes the ``ETag``."""
    content_type: str = APPLICATION_JSON
    problems: Mapping[int, str] = field(default_factory=dict)
    """Problems specific to it, by status."""
    forms: tuple[Form, ...] = ()
    groups: tuple[str, ...] = ()
    """Members of any of them are authorized; if empty, everybody who has signed in."""

    @property
    def comes_in_forms(self) -> bool:
        """Whether the same status may have another content type, as the caller prefers."""
        return any(one.status == self.status and one.content_type != self.content_type for one in self.forms)


class Routes:
    """The routes of one context, and the view each of them answers with.

    Views are typed dictionaries that mypy checks; pydantic reads them for the documentation only, and does not validate
    responses, where it would cost more than everything else.

    A function may declare a ``caller``, or, to write, the request's ``work``: these are passed in addition to its
    parameters. What it adds to its work is committed after it returns; nothing is written if it raises.

    ``guard`` is called before each request, and raises if the caller is not allowed to continue.

    ``elsewhere`` are methods and paths below the prefix that another function answers: they exist, too.
    """

    def __init__(
        self,
        prefix: str,
        *,
        public: bool = False,
        table: Callable[[], Table] | None = None,
        guard: Callable[[Caller], None] | None = None,
        elsewhere: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.prefix = prefix
        self.router = APIGatewayHttpRouter()  # type: ignore[no-untyped-call]
        self.operations: dict[str, Operation] = {}
        self._resources = [(_pattern(prefix + path), method) for method, path in elsewhere]
        """The paths and methods of all resources."""
        self._public = public
        self._table = table
        self._guard = guard

    def get(self, path: str, summary: str, *, cache: str = SHORTLY, **more: Any) -> Callable[[ViewT], ViewT]:
        return self._route("GET", path, summary, cache=cache, **more)

    def post(self, path: str, summary: str, **more: Any) -> Callable[[ViewT], ViewT]:
        return self._route("POST", path, summary, **more)

    def patch(self, path: str, summary: str, **more: Any) -> Callable[[ViewT], ViewT]:
        return self._route("PATCH", path, summary, **more)

    def delete(self, path: str, summary: str, **more: Any) -> Callable[[ViewT], ViewT]:
        return self._route("DELETE", path, summary, **more)

    def methods_at(self, path: str) -> Iterator[str]:
        for pattern, method in self._resources:
            if pattern.fullmatch(path):
                yield method

    def _route(
        self,
        method: str,
        path: str,
        summary: str,
        *,
        cache: str = NEVER_KEPT,
        status: int = HTTPStatus.OK,
        versioned: bool = False,
        problems: Mapping[int, str] | None = None,
        content_type: str = APPLICATION_JSON,
        forms: tuple[Form, ...] = (),
        answers_anew: bool = False,
        groups: tuple[str, ...] = (),
    ) -> Callable[[ViewT], ViewT]:
        """``versioned`` views have a member ``version``. A function that returns its own ``Response`` declares its
        ``content_type``, and the other ``forms`` it may have. One that ``answers_anew`` is idempotent by its work's
        key, so its answer is not stored for an ``Idempotency-Key``. With ``groups``, only their members are
        authorized."""

        def register(function: ViewT) -> ViewT:
            if groups and self._public:
                raise TypeError(f"{self.prefix}{path} is for {', '.join(groups)}, and asked by nobody in particular")
            wanted = signature(function).parameters
            table = self._table_for_work(path) if "work" in wanted else None
            operation = Operation(
                name=function.__name__,
                method=method,
                path=self.prefix + path,
                view=function.__annotations__["return"],
                status=int(status),
                public=self._public,
                takes_key=table is not None and method == "POST",
                versioned=versioned,
                content_type=content_type,
                problems=problems or {},
                forms=forms,
                groups=groups,
            )
            self.operations[operation.name] = operation
            self._resources.append((_pattern(operation.path), method))

            @wraps(function)
            def respond(**arguments: Any) -> Response[str]:
                note_route(operation.path)
                event = self._event
                caller = None if self._public else self._checked_caller(event, groups)

                def run(given: Mapping[str, Any]) -> Response[str]:
                    answer = function(**arguments, **{name: value for name, value in given.items() if name in wanted})
                    return answer if isinstance(answer, Response) else self._response(operation, answer, event, cache)

                if table and caller:
                    return _worked(lambda: Work(event, caller, table(), keeps_answer=not answers_anew), run)
                return run({"caller": caller})

            # Powertools would validate every answer against the view; this way it sees a finished text.
            respond.__signature__ = _without_given(function)  # type: ignore[attr-defined]
            add = getattr(self.router, method.lower())
            add(path, summary=summary, description=function.__doc__, operation_id=operation.name)(respond)
            return function

        return register

    @property
    def _event(self) -> Event:
        event: Event = self.router.current_event.raw_event
        return event

    def _response(
        self, operation: Operation, view: Mapping[str, Any] | None, event: Event, cache: str
    ) -> Response[str]:
        headers = {"Cache-Control": cache}
        if view is None:
            return Response(HTTPStatus.NO_CONTENT.value, None, "", headers)
        if operation.comes_in_forms:
            headers["Vary"] = "Accept"
        if operation.versioned:
            headers["ETag"] = f'"{view["version"]}"'
        if operation.status == HTTPStatus.CREATED:
            headers |= self._location(view, str(event["rawPath"]))
        if cursor := view.get("cursor"):
            headers["Link"] = f'<{_next_query(event, cursor)}>; rel="next"'
        return Response(operation.status, APPLICATION_JSON, dumps(view), headers)

    def _location(self, view: Mapping[str, Any], path: str) -> dict[str, str]:
        """Of what was created, relative to the request's own URL, if it can be read there."""
        made = view.get("id")
        is_there = made is not None and "GET" in self.methods_at(f"{path}/{made}")
        return {"Location": f"{path.rpartition('/')[2]}/{made}"} if is_there else {}

    def _checked_caller(self, event: Event, groups: tuple[str, ...]) -> Caller:
        caller = caller_of(event)
        if groups and caller.groups.isdisjoint(groups):
            raise Forbidden(groups)
        if self._guard:
            self._guard(caller)
        return caller

    def _table_for_work(self, path: str) -> Callable[[], Table]:
        if self._public or self._table is None:
            raise TypeError(f"{self.prefix}{path} is to write, and has no table, or nobody, to write for")
        return self._table


def _worked(begin: Callable[[], Work], run: Callable[[Mapping[str, Any]], Response[str]]) -> Response[str]:
    patience = Patience(_PATIENCE_SECONDS)
    while True:
        work = begin()
        if known := work.known_answer():
            return known
        try:
            return work.commit(run({"caller": work.caller, "work": work}))
        except Changed:
            if not patience.pause():
                raise
        except _OUTRUN:
            if known := work.known_answer():
                return known
            raise


def with_status(status: int, view: AnyViewT) -> AnyViewT:
    """The same view with another status than the route's, one of its ``forms``."""
    return cast("AnyViewT", Response(int(status), APPLICATION_JSON, dumps(view), {"Cache-Control": NEVER_KEPT}))


def _next_query(event: Event, cursor: str) -> str:
    """A reference relative to the request's own URL: only the caller knows what precedes our paths."""
    query = parse_qsl(event.get("rawQueryString") or "", keep_blank_values=True)
    kept = [(name, text) for name, text in query if name != "cursor"]
    return f"?{urlencode([*kept, ('cursor', cursor)])}"


def _without_given(function: Callable[..., Any]) -> Any:
    """The signature of a route for Powertools: the parameters from the request, and a finished response."""
    own = signature(function)
    asked: list[Parameter] = [one for name, one in own.parameters.items() if name not in ("caller", "work")]
    return own.replace(parameters=asked, return_annotation=Response[str])


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(map(re.escape, _SEGMENT.split(path))))
