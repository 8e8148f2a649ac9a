"""The function's entry."""

# ruff: noqa: E402 -- the garbage collector's pause must come before the imports it is for
import gc

gc.disable()  # Nothing loaded here is garbage, and scanning it repeatedly takes a tenth of the cold start.

from api.observability.queries.container import container
from api.observability.queries.routes import routes
from api.web.application import Application, http_handler

application = Application(routes)
handler = http_handler(application, container)

gc.freeze()
gc.enable()
