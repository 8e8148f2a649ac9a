import pytest
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from api.web.problems import AnswerTooLarge, Forbidden, InvalidParameter, MethodNotAllowed, problem_of, problem_response
from watchkeeper.errors import ConditionFailed, DatabaseError, InvalidCursor, ItemNotFound, Throttled


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ItemNotFound("no patch 5"), 404),
        (NotFoundError(), 404),
        (InvalidCursor("changed"), 400),
        (InvalidParameter("since", "is no date"), 422),
        (Throttled("Query on patches"), 503),
        (MethodNotAllowed(("GET", "HEAD")), 405),
        (AnswerTooLarge(), 406),
        (Forbidden(("Admin",)), 403),
        (DatabaseError("Query on patches failed: AccessDeniedException"), 500),
        (ConditionFailed("PutItem"), 500),
        (KeyError("secret"), 500),
    ],
)
def test_every_error_has_its_status(error: Exception, status: int) -> None:
    assert problem_of(error)["status"] == status


def test_a_failure_tells_nothing_of_what_is_inside() -> None:
    told = str(problem_of(DatabaseError("Query on watchkeeper-prod-patches failed: AccessDeniedException")))

    assert "watchkeeper-prod" not in told
    assert "AccessDenied" not in told


def test_a_refused_parameter_is_named() -> None:
    problem = problem_of(InvalidParameter("until", "is before `since`"))

    assert problem["errors"] == [{"parameter": "until", "detail": "is before `since`"}]


def test_who_comes_at_a_busy_time_is_told_when_to_come_back() -> None:
    busy = Throttled("busy")

    assert problem_response(problem_of(busy), busy).headers["Retry-After"] == "2"
