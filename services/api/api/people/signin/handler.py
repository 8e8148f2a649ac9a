"""The function's entry. Its dependencies are built on import: a wrong environment fails the deployment, not a caller,
and Lambda gives initialization more CPU than a request."""

# ruff: noqa: E402 -- the garbage collector's pause must come before the imports it is for
import gc

gc.disable()  # Nothing loaded here is garbage, and scanning it repeatedly takes a tenth of the cold start.

from api.people.signin.container import container
from api.people.signin.refusals import REFUSALS, refused
from api.people.signin.routes import routes
from api.web.application import Application, http_handler

application = Application(routes)
application.resolver.exception_handler(list(REFUSALS))(refused)
handler = http_handler(application, container)

gc.freeze()
gc.enable()
