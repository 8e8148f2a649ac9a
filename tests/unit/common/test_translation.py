"""What botocore raises becomes what a caller can act on, and nothing else is taken for trouble with AWS."""

import pytest
from botocore.exceptions import ClientError, IncompleteReadError, NoCredentialsError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from watchkeeper.errors import ConditionFailed, DatabaseError, NoAnswer, Throttled, Unavailable
from watchkeeper.translation import translated, understood


def refusal(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Query")  # type: ignore[typeddict-item]


def translation(error: Exception) -> DatabaseError:
    with pytest.raises(DatabaseError, match="Query failed") as raised, translated("Query failed"):
        raise error
    assert raised.value.__cause__ is error
    return raised.value


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InternalServerError", 500),
        ("InternalError", 500),
        ("InternalFailure", 500),
        ("ServiceUnavailable", 503),
        ("502", 502),
        ("504", 504),
        ("RequestTimeout", 400),
        ("RequestTimeoutException", 400),
        ("InternalServerError", 400),
        ("TransactionInProgressException", 400),
    ],
)
def test_what_failed_inside_aws_or_is_under_way_may_have_been_done(code: str, status: int) -> None:
    assert type(translation(refusal(code, status))) is NoAnswer
    assert issubclass(NoAnswer, Unavailable)


@pytest.mark.parametrize(("code", "status"), [("SlowDown", 503), ("ThrottlingException", 400)])
def test_what_was_too_busy_is_throttled(code: str, status: int) -> None:
    assert type(translation(refusal(code, status))) is Throttled


@pytest.mark.parametrize(
    ("code", "status"), [("AccessDeniedException", 400), ("ValidationException", 400), ("403", 403)]
)
def test_a_refusal_stays_one(code: str, status: int) -> None:
    assert type(translation(refusal(code, status))) is DatabaseError


def test_an_unmet_condition_is_told_apart() -> None:
    assert type(translation(refusal("ConditionalCheckFailedException", 400))) is ConditionFailed


def test_a_condition_that_is_unmet_at_a_second_attempt_says_nothing_of_the_first() -> None:
    error = refusal("ConditionalCheckFailedException", 400)
    error.response["ResponseMetadata"]["RetryAttempts"] = 1

    assert type(translation(error)) is NoAnswer


@pytest.mark.parametrize(
    "error",
    [ReadTimeoutError(endpoint_url="https://aws.test"), IncompleteReadError(actual_bytes=1, expected_bytes=2)],
)
def test_an_answer_that_breaks_off_may_come_later(error: Exception) -> None:
    assert type(translation(error)) is NoAnswer


@pytest.mark.parametrize("error", [NoCredentialsError(), ResponseParserError("no XML")])
def test_anything_else_of_botocore_is_an_error_of_ours(error: Exception) -> None:
    assert type(translation(error)) is DatabaseError


OWN = (KeyError("name"), TypeError("no octets"), ValueError("no number"), AttributeError("no method"))


@pytest.mark.parametrize("mistake", OWN, ids=lambda error: type(error).__name__)
def test_our_own_mistakes_in_asking_stay_what_they_are(mistake: Exception) -> None:
    with pytest.raises(type(mistake)) as raised, translated("Query failed"):
        raise mistake

    assert raised.value is mistake


@pytest.mark.parametrize("garbage", OWN, ids=lambda error: type(error).__name__)
def test_what_an_answer_lacks_makes_it_garbage(garbage: Exception) -> None:
    with pytest.raises(DatabaseError, match="Query failed: the answer is garbage"), understood("Query failed"):
        raise garbage
