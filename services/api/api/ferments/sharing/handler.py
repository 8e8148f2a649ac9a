"""The function's entry."""

# ruff: noqa: E402 -- the garbage collector's pause must come before the imports it is for
import gc

gc.disable()  # Nothing loaded here is garbage, and scanning it repeatedly takes a tenth of the cold start.

from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from api.ferments.sharing.container import container
from api.ferments.sharing.routes import NAMES_IN_PATHS, missing, routes
from api.web.application import Application, http_handler
from api.web.requests import with_one_segment
from watchkeeper.errors import ItemNotFound

application = Application(routes, rewrite=lambda event: with_one_segment(event, NAMES_IN_PATHS))
application.resolver.exception_handler([ItemNotFound, NotFoundError])(missing)
handler = http_handler(application, container)

gc.freeze()
gc.enable()
