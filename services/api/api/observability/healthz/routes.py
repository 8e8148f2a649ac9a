"""The route machines ask: it tells whether the API and what it reads work, and nothing of what is inside."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON

from api.observability import views
from api.observability.healthz.container import container
from api.web.routing import NEVER_KEPT, Form, Routes, with_status
from watchkeeper.errors import DatabaseError
from watchkeeper.logs import logger

_UNAVAILABLE = Form(HTTPStatus.SERVICE_UNAVAILABLE, APPLICATION_JSON, views.Healthz, "It does not work now.")

routes = Routes("", public=True)


@routes.get("/healthz", "Ask whether it works", cache=NEVER_KEPT, forms=(_UNAVAILABLE,))
def read_healthz() -> views.Healthz:
    """For load balancers and monitors. People find more on the watch's board of health."""
    try:
        container().models.generations()
    except DatabaseError as error:
        logger.warning("the read models cannot be read", reason=type(error).__name__)
        return with_status(HTTPStatus.SERVICE_UNAVAILABLE, views.Healthz(status="unavailable"))
    return views.Healthz(status="ok")
