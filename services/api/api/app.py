"""The resolver: every context's routes, errors as problems, and what happens around each request."""

from time import perf_counter
from typing import Any
from uuid import uuid4

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.utilities.typing import LambdaContext

from api import documentation
from api.kernel.routes import NAMES_IN_PATHS, routes
from api.web.observation import logger, note_route, record
from api.web.problems import AnswerTooLarge, problem_of, problem_response
from api.web.requests import Event, correlation_id, with_one_segment
from api.web.responses import Answer, finished

app = APIGatewayHttpResolver(enable_validation=True)
app.include_router(routes.router, prefix=routes.prefix)
documentation.serve(app, routes.views)


def answer(event: Event, context: LambdaContext, *, origins: tuple[str, ...]) -> Answer:
    """Answer one request, whatever happens."""
    started = perf_counter()
    request_id = correlation_id(event, new_id=lambda: uuid4().hex)
    logger.set_correlation_id(request_id)
    resolved = app.resolve(with_one_segment(event, NAMES_IN_PATHS), context)
    try:
        done = finished(resolved, event, correlation_id=request_id, origins=origins)
    except AnswerTooLarge as error:
        done = finished(_as_answer(_problem(error)), event, correlation_id=request_id, origins=origins)
    milliseconds = (perf_counter() - started) * 1000
    record(status=done["statusCode"], milliseconds=milliseconds, octets=len(done["body"]))
    return done


@app.exception_handler(Exception)  # type: ignore[untyped-decorator]
def _problem(error: Exception) -> Response[str]:
    if not isinstance(error, NotFoundError | AnswerTooLarge):
        note_route(app.request.route)
    problem = problem_of(error)
    problem["correlation_id"] = str(logger.get_correlation_id())
    if problem["status"] >= 500:
        logger.exception("request failed")
    return problem_response(problem)


def _as_answer(response: Response[str]) -> Answer:
    headers: dict[str, Any] = response.headers
    return {"statusCode": response.status_code, "headers": headers, "body": response.body, "cookies": []}
