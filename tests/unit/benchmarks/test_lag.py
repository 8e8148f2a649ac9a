"""The lag counts from the answer on, and is unknown where no cloud runs."""

from itertools import count
from pathlib import Path

import pytest

from benchmarks import lag


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at it is 10 ms later than the one before."""
    ticks = count()
    monkeypatch.setattr("benchmarks.lag.time.perf_counter", lambda: next(ticks) / 100)


@pytest.mark.usefixtures("clock")
def test_a_value_is_asked_for_until_it_is_there() -> None:
    said: list[str] = []
    found = iter((False, False, True))

    assert lag.lag(lambda: said.append("sent"), lambda: next(found)) == 30
    assert (said, next(found, None)) == (["sent"], None)


@pytest.mark.usefixtures("clock")
def test_a_value_that_never_comes_is_no_lag() -> None:
    with pytest.raises(TimeoutError, match="30 s"):
        lag.lag(lambda: None, lambda: False)


def test_half_and_nearly_all_of_the_values_are_within_the_figures() -> None:
    half, most, own = lag.figures({"milliseconds": [300.0, 200.0, 900.0, 400.0]})

    assert (half.value, most.value, own.value) == (350, 900, lag.EMULATOR_MILLISECONDS)
    assert all("on the local cloud" in figure.name for figure in (half, most, own))


def test_without_a_local_cloud_the_lag_is_unknown_and_one_line_says_how_to_know_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = list(lag.figures(lag.run(state=tmp_path)))

    assert [figure.value for figure in figures] == [None, None, None]
    (line,) = capsys.readouterr().err.splitlines()
    assert "make up" in line
