"""The function's entry: it serves the API's documentation, and 404 for all other paths."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from api.documentation.document import serve
from api.web.application import Application, http_handler
from api.web.routing import Routes
from api.web.settings import Settings


@dataclass(frozen=True, slots=True)
class Container:
    """Needs nothing from AWS."""

    settings: Settings

    def start_request(self) -> None:
        """There is no deadline to start."""


def _contexts() -> Sequence[Routes]:
    """Imported on first use: most requests here are for paths that do not exist."""
    from api.documentation.contexts import CONTEXTS

    return CONTEXTS


@cache
def container() -> Container:
    return Container(Settings.from_environment())


application = Application()
serve(application.resolver, _contexts)
handler = http_handler(application, container)
