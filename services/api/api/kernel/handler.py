"""The function's entry."""

# ruff: noqa: E402 -- the garbage collector's pause must come before the imports it is for
import gc

gc.disable()  # Nothing loaded here is garbage, and scanning it repeatedly takes a tenth of the cold start.

from api.kernel.container import container
from api.kernel.routes import NAMES_IN_PATHS, routes
from api.web.application import Application, http_handler
from api.web.requests import with_one_segment

application = Application(routes, rewrite=lambda event: with_one_segment(event, NAMES_IN_PATHS))
handler = http_handler(application, container)

gc.freeze()
gc.enable()
