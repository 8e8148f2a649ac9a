"""Secrets, read when they are first needed."""

from functools import cache

from watchkeeper.aws import secrets_client
from watchkeeper.budgets import Budget, Deadline
from watchkeeper.translation import asking, understood


@cache
def secret(arn: str, budget: Budget, deadline: Deadline) -> bytes:
    """Read once per execution environment. Raises ``DatabaseError``."""
    failed = "a secret cannot be read"
    with asking(failed, deadline):
        answer = secrets_client(budget).get_secret_value(SecretId=arn)
    with understood(failed):
        return answer["SecretString"].encode()
