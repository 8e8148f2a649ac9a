"""Who has asked to be deleted is served no more: what they would write now could be left behind."""

from collections.abc import Callable

from api.web.identity import Caller
from api.web.problems import Gone
from watchkeeper.dynamodb import Table
from watchkeeper.people.accounts import AccountRepository


def refuse_leaving(people: Callable[[], Table]) -> Callable[[Caller], None]:
    """A guard of routes, which raises ``Gone``. The table of people is asked for at each request: routes are made
    before there is a container."""

    def refuse(caller: Caller) -> None:
        if AccountRepository(people()).deletion(caller.user):
            raise Gone("This account is being deleted, with everything in it.")

    return refuse
