"""The function's entry: it describes the API, and says of everything else that it is not there."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from api.documentation.document import serve
from api.web.application import Application, http_handler
from api.web.routing import Routes
from api.web.settings import Settings


@dataclass(frozen=True, slots=True)
class Container:
    """Nothing is asked of AWS."""

    settings: Settings

    def start_request(self) -> None:
        """No time is limited."""


def _contexts() -> Sequence[Routes]:
    """Imported when somebody asks for them: most requests here are of somebody who is lost."""
    from api.documentation.contexts import CONTEXTS

    return CONTEXTS


@cache
def container() -> Container:
    return Container(Settings.from_environment())


application = Application()
serve(application.resolver, _contexts)
handler = http_handler(application, container)
