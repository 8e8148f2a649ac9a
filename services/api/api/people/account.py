"""A person's account in the user pool, and its deletion."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from api.people.erasures import erase_person
from api.web.identity import Caller
from watchkeeper.budgets import Deadline
from watchkeeper.people.accounts import AccountRepository, Deletion
from watchkeeper.queues import WorkQueue
from watchkeeper.translation import asking, translated, understood

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient


@dataclass(frozen=True, slots=True)
class PoolUser:
    email: str
    email_verified: bool
    created_at: datetime


class UserPool:
    """Users are identified by their ``sub``, which is the user name in a pool where people sign in by address."""

    def __init__(
        self, client: "CognitoIdentityProviderClient", pool_id: str, *, deadline: Deadline | None = None
    ) -> None:
        self._client = client
        self._pool_id = pool_id
        self._deadline = deadline

    def user(self, user: str) -> PoolUser | None:
        """``None`` if the user does not exist any more. Raises ``DatabaseError``."""
        failed = "AdminGetUser failed"
        with asking(failed, self._deadline):
            try:
                found = self._client.admin_get_user(UserPoolId=self._pool_id, Username=user)
            except ClientError as error:
                if _is_unknown(error):
                    return None
                raise
        with understood(failed):
            attributes = {one["Name"]: one.get("Value", "") for one in found["UserAttributes"]}
            return PoolUser(
                email=attributes["email"],
                email_verified=attributes.get("email_verified") == "true",
                created_at=found["UserCreateDate"].astimezone(UTC).replace(microsecond=0),
            )

    def remove(self, user: str) -> None:
        """This also invalidates the user's refresh tokens. Idempotent."""
        with translated("AdminDeleteUser failed"):
            try:
                self._client.admin_delete_user(UserPoolId=self._pool_id, Username=user)
            except ClientError as error:
                if not _is_unknown(error):
                    raise


def leave(caller: Caller, accounts: AccountRepository, erasures: WorkQueue, now: datetime) -> Deletion:
    """Request the removal of everything of that person. A repeated call sends the message again, unless the removal is
    finished."""
    known = accounts.deletion(caller.user)
    if known and known.finished_at:
        return known
    erase_person(erasures, caller.user)
    return accounts.request_deletion(caller.user, now)


def _is_unknown(error: ClientError) -> bool:
    return error.response.get("Error", {}).get("Code") == "UserNotFoundException"
