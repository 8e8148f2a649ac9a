"""The resolver: every context's routes, errors as problems, and what happens around each request."""

from time import perf_counter
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from api import documentation
from api.kernel.routes import NAMES_IN_PATHS, routes
from api.web.observation import note_route, record
from api.web.problems import AnswerTooLarge, MethodNotAllowed, problem_of, problem_response
from api.web.requests import READING, Event, as_get, method, with_one_segment
from api.web.responses import Answer, finished, preflight_answer, without_body
from watchkeeper import correlation
from watchkeeper.logs import logger

app = APIGatewayHttpResolver(enable_validation=True)
app.include_router(routes.router, prefix=routes.prefix)
documentation.serve(app, routes.views)


def answer(event: Event, context: LambdaContext, *, origins: tuple[str, ...]) -> Answer:
    """Answer one request, whatever happens."""
    started = perf_counter()
    resolved = _resolved(event, context)
    try:
        done = finished(resolved, event, correlation_id=correlation.current(), origins=origins)
    except AnswerTooLarge as error:
        done = finished(_as_answer(_problem(error)), event, correlation_id=correlation.current(), origins=origins)
    if method(event) == "HEAD":
        done = without_body(done)
    milliseconds = (perf_counter() - started) * 1000
    record(status=done["statusCode"], milliseconds=milliseconds, octets=len(done["body"]))
    return done


def _resolved(event: Event, context: LambdaContext) -> Answer:
    if method(event) == "OPTIONS":
        return preflight_answer()
    if method(event) not in READING:
        return _as_answer(_problem(MethodNotAllowed()))
    return app.resolve(with_one_segment(as_get(event), NAMES_IN_PATHS), context)


@app.exception_handler(Exception)  # type: ignore[untyped-decorator]
def _problem(error: Exception) -> Response[str]:
    if not isinstance(error, NotFoundError | MethodNotAllowed | AnswerTooLarge):
        note_route(app.request.route)
    problem = problem_of(error)
    problem["correlation_id"] = correlation.current()
    if problem["status"] >= 500:
        logger.exception("request failed")
    return problem_response(problem)


def _as_answer(response: Response[str]) -> Answer:
    headers: dict[str, Any] = response.headers
    return {"statusCode": response.status_code, "headers": headers, "body": response.body, "cookies": []}
