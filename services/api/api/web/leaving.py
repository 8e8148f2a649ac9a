"""People who have requested their deletion are no longer served: anything they write now could be left behind."""

from collections.abc import Callable

from api.web.identity import Caller
from api.web.problems import Gone
from watchkeeper.dynamodb import Table
from watchkeeper.people.accounts import AccountRepository


def refuse_leaving(people: Callable[[], Table]) -> Callable[[Caller], None]:
    """A guard for routes, which raises ``Gone``. The people's table is looked up on each request, because routes are
    created before the container."""

    def refuse(caller: Caller) -> None:
        if AccountRepository(people()).deletion(caller.user):
            raise Gone("This account is being deleted, with everything in it.")

    return refuse
