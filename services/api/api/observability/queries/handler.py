"""The function's entry."""

# ruff: noqa: E402 -- the garbage collector's pause must come before the imports it is for
import gc

gc.disable()  # Nothing that is loaded here is garbage, and searching it over and over takes a tenth of the start.

from api.observability.queries.container import container
from api.observability.queries.routes import routes
from api.web.application import Application, http_handler

application = Application(routes)
handler = http_handler(application, container)

gc.freeze()
gc.enable()
