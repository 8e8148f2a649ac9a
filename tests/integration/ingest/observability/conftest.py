"""A watch for each test; pauses between attempts are not waited for."""

from collections.abc import Iterator

import pytest
import stamina

from tests.integration.faults import Faults
from tests.integration.ingest.observability.watch import Watch


@pytest.fixture
def watch(faults: Faults, tables: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    monkeypatch.setattr("ingest.observability.containers.rebuild_read_model.time", faults.clock)
    with stamina.set_testing(True, attempts=5, cap=True):
        watch = Watch(faults, monkeypatch)
        yield watch
        watch.forget()
