"""The public health check: it says whether the API and its database respond, and reveals nothing else."""

from http import HTTPStatus

from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON

from api.observability import views
from api.observability.healthz.container import container
from api.web.routing import NEVER_KEPT, Form, Routes, with_status
from watchkeeper.errors import DatabaseError
from watchkeeper.logs import logger

_UNAVAILABLE = Form(HTTPStatus.SERVICE_UNAVAILABLE, APPLICATION_JSON, views.Healthz, "The service is unavailable.")

routes = Routes("", public=True)


@routes.get("/healthz", "Check that the service is up", cache=NEVER_KEPT, forms=(_UNAVAILABLE,))
def read_healthz() -> views.Healthz:
    """For load balancers and monitors. People find details at `/api/v1/observability/health`."""
    try:
        container().models.generations()
    except DatabaseError as error:
        logger.warning("the read models cannot be read", reason=type(error).__name__)
        return with_status(HTTPStatus.SERVICE_UNAVAILABLE, views.Healthz(status="unavailable"))
    return views.Healthz(status="ok")
