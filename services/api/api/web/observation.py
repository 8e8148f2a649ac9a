"""One log line and one set of metrics per request; neither contains a path, a name or an address."""

from watchkeeper.logs import logger
from watchkeeper.metrics import CLIENT_ERRORS, LATENCY, SERVER_ERRORS, measure

_NO_ROUTE = "none"


def note_route(path: str) -> None:
    """Remember the template of the request's route, which Powertools gives in OpenAPI's form if it rejects a
    request."""
    logger.append_keys(route=path.replace("{", "<").replace("}", ">"))


def record(*, status: int, milliseconds: float, octets: int) -> None:
    """Record the outcome of the request."""
    logger.info("answered", extra={"status": status, "milliseconds": round(milliseconds, 1), "octets": octets})
    route = str(logger.get_current_keys().get("route", _NO_ROUTE))
    measure(LATENCY, milliseconds, route=route)
    measure(CLIENT_ERRORS, 400 <= status < 500, route=route)
    measure(SERVER_ERRORS, status >= 500, route=route)
