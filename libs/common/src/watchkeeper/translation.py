"""Translates botocore's errors into our own."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError

from watchkeeper.budgets import Deadline
from watchkeeper.errors import ConditionFailed, DatabaseError, NoAnswer, Throttled, TransactionConflict

_THROTTLING = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_FAILED_INSIDE = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
    }
)
_FAILED_INSIDE_STATUSES = frozenset({500, 502, 503, 504})


@contextmanager
def translated(failed: str) -> Iterator[None]:
    """Raises a call's errors as ``DatabaseError`` and its subclasses, whose messages begin with ``failed``.

    Only botocore's: a mistake in our own request is raised unchanged. A response that lacks something is found when it
    is read, see ``understood``.
    """
    try:
        yield
    except ClientError as error:
        raise _translation(error, failed) from error
    except (HTTPClientError, NoConnection, IncompleteReadError) as error:
        raise NoAnswer(f"{failed}: {type(error).__name__}") from error
    except BotoCoreError as error:
        raise DatabaseError(f"{failed}: {type(error).__name__}") from error
    except ResponseParserError as error:
        raise _garbage(failed) from error


@contextmanager
def asking(failed: str, deadline: Deadline | None) -> Iterator[None]:
    """``translated``, if there is any time left; raises ``OutOfTime`` otherwise."""
    if deadline:
        deadline.check()
    with translated(failed):
        yield


@contextmanager
def understood(failed: str) -> Iterator[None]:
    """Raises ``DatabaseError`` if a response turns out to lack what it must contain: botocore accepts a page of HTML
    with status 200 as success."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _garbage(failed) from error


def _garbage(failed: str) -> DatabaseError:
    return DatabaseError(f"{failed}: the answer is garbage")


def _translation(error: ClientError, failed: str) -> DatabaseError:
    code = error.response.get("Error", {}).get("Code", "")
    match code:
        case "ConditionalCheckFailedException":
            return _refused(error, failed)
        case "TransactionCanceledException":
            return _cancelled([str(reason.get("Code")) for reason in _reasons(error)], failed)
        case "TransactionConflictException":
            return TransactionConflict(failed)
        case "TransactionInProgressException":
            return NoAnswer(f"{failed}: an earlier attempt is still under way")
    return _kind(code, error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))(f"{failed}: {code}")


def _refused(error: ClientError, failed: str) -> DatabaseError:
    """A condition that fails on a retry may do so because the first attempt succeeded, and its response was lost.
    (A transaction has a token that makes retries idempotent.)"""
    if error.response.get("ResponseMetadata", {}).get("RetryAttempts"):
        return NoAnswer(f"{failed}: it may have been done by an attempt that was not answered")
    return ConditionFailed(failed)


def _reasons(error: ClientError) -> list[dict[str, str]]:
    """Why a transaction was cancelled, one reason for each of its writes."""
    found: list[dict[str, str]] = error.response.get("CancellationReasons") or []  # type: ignore[assignment]
    return found


def _cancelled(codes: list[str], failed: str) -> DatabaseError:
    """A failed condition takes precedence over temporary errors: a retry would find it as well."""
    if refused := tuple(place for place, code in enumerate(codes) if code == "ConditionalCheckFailed"):
        return ConditionFailed(failed, refused)
    if "TransactionConflict" in codes:
        return TransactionConflict(failed)
    busy = {"ThrottlingError", "ProvisionedThroughputExceeded"}.intersection(codes)
    return (Throttled if busy else DatabaseError)(f"{failed}: {', '.join(sorted(set(codes)))}")


def _kind(code: str, status: int) -> type[DatabaseError]:
    if code in _THROTTLING:
        return Throttled
    return NoAnswer if code in _FAILED_INSIDE or status in _FAILED_INSIDE_STATUSES else DatabaseError
