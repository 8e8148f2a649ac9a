"""The function's entry."""

# ruff: noqa: E402 -- the garbage collector's pause must come before the imports it is for
import gc

gc.disable()  # Nothing loaded here is garbage, and scanning it repeatedly takes a tenth of the cold start.

from api.web.application import Application, http_handler

# botocore came with that: deep within other imports Python 3.11 takes a tenth longer to load it.
# isort: split
from api.observability.commands.bodies import LONGEST_BODY
from api.observability.commands.container import container
from api.observability.commands.routes import routes

application = Application(routes, longest_body=LONGEST_BODY)
handler = http_handler(application, container)

gc.freeze()
gc.enable()
