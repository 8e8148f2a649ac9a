"""Turns what botocore raises into errors of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError

from watchkeeper.errors import ConditionFailed, DatabaseError, NoAnswer, Throttled

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


@contextmanager
def translated(failed: str) -> Iterator[None]:
    """Errors leave as ``DatabaseError`` and its subclasses, and say ``failed``.

    Also those of looking for what an answer must hold, and which it lacks: botocore takes a page of HTML with status
    200 for success. So ask for it inside.
    """
    try:
        yield
    except ClientError as error:
        raise _translation(error, failed) from error
    except (HTTPClientError, NoConnection) as error:
        raise NoAnswer(f"{failed}: {type(error).__name__}") from error
    except BotoCoreError as error:
        raise DatabaseError(f"{failed}: {type(error).__name__}") from error
    except (ResponseParserError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatabaseError(f"{failed}: the answer is garbage") from error


def _translation(error: ClientError, failed: str) -> DatabaseError:
    code = error.response.get("Error", {}).get("Code", "")
    if code == "ConditionalCheckFailedException":
        return ConditionFailed(failed)
    kind = Throttled if code in _THROTTLING else DatabaseError
    return kind(f"{failed}: {code}")
