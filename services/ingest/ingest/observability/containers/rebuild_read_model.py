import os
import time
from functools import cache

from ingest.observability.containers.parts import table
from ingest.observability.use_cases.rebuild_read_model import ReadModelRebuilding
from ingest.settings import Reader
from watchkeeper.clock import utc_now
from watchkeeper.eventsourcing.read_models import ReadModels


@cache
def read_model_rebuilding() -> ReadModelRebuilding:
    """Raises ``ConfigurationError`` naming what is missing."""
    read = Reader(os.environ)
    store, models = read.text("EVENT_STORE_TABLE"), read.text("READ_MODELS_TABLE")
    requests_end = read.whole("REQUESTS_END_SECONDS")
    read.complain()
    return ReadModelRebuilding(table(store), ReadModels(table(models)), utc_now, time.sleep, requests_end)
