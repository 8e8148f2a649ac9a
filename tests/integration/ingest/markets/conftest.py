"""The functions of the markets watch on moto's account, and sample vendors whose clock is theirs."""

from collections.abc import Iterator

import pytest
import stamina
import time_machine

from local.upstreams import Markets, Upstreams, World
from tests.integration.ingest.markets.functions import KEYS, NOW, TABLES, MarketFunctions, Told, forget, stored
from watchkeeper import metrics


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Iterator[Told]:
    """Whatever the functions write: no test may end with a key in it."""
    told = Told(capsys)
    with told.hearing_loggers():
        yield told
    assert not [key for key in KEYS if key in told.text()]


@pytest.fixture
def functions(tables: None, told: Told, monkeypatch: pytest.MonkeyPatch) -> Iterator[MarketFunctions]:
    with (
        time_machine.travel(NOW, tick=False) as time,
        Upstreams(World(), markets=Markets()) as upstreams,
        stamina.set_testing(True, attempts=5, cap=True),
    ):
        yield MarketFunctions(upstreams, time, monkeypatch)
        kept = repr(stored(*TABLES, "progress", "breakers"))
        assert not [key for key in KEYS if key in kept]
    forget()
    metrics._collected.clear()
