"""One log line and one set of metrics per request; neither holds a path, a name or an address."""

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

logger = Logger(utc=True, serialize_stacktrace=False)
metrics = Metrics()

_NO_ROUTE = "none"


def note_route(path: str) -> None:
    """Remember the request's route by its template."""
    logger.append_keys(route=path)


def record(*, status: int, milliseconds: float, octets: int) -> None:
    """Write what became of the request."""
    logger.info("answered", extra={"status": status, "milliseconds": round(milliseconds, 1), "octets": octets})
    metrics.add_dimension(name="route", value=str(logger.get_current_keys().get("route", _NO_ROUTE)))
    metrics.add_metric(name="Latency", unit=MetricUnit.Milliseconds, value=milliseconds)
    metrics.add_metric(name="ClientErrors", unit=MetricUnit.Count, value=400 <= status < 500)
    metrics.add_metric(name="ServerErrors", unit=MetricUnit.Count, value=status >= 500)
    metrics.flush_metrics()
