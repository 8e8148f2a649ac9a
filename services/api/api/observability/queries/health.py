"""The health of the system."""

from api.observability import rendering, views
from api.observability.queries.reading import Reading
from watchkeeper.eventsourcing.read_models import StoredRow
from watchkeeper.observability.models import Health, HealthStatus
from watchkeeper.observability.projections import HEALTH_BOARD

UNKNOWN = "unknown"


def board(reading: Reading) -> views.HealthBoard:
    components = list(reading.rows(HEALTH_BOARD, _health))
    worst = max((one.status for one in components), key=lambda status: status.badness, default=None)
    so_bad = [one.since for one in components if one.status is worst is not HealthStatus.HEALTHY]
    return views.HealthBoard(
        status=worst.value if worst else UNKNOWN,
        since=min(so_bad, default=None),
        components=[rendering.component_health(one) for one in components],
    )


def _health(kept: StoredRow) -> Health:
    return Health.of(kept.record)
