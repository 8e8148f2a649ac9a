import json
import re
from pathlib import Path

import pytest

from watchkeeper import metrics

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def nothing_measured_yet(capsys: pytest.CaptureFixture[str]) -> None:
    """Other tests measure and do not write."""
    metrics.write()
    capsys.readouterr()


def test_values_of_the_same_dimensions_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    metrics.measure(metrics.ROWS_FETCHED, 3, source="lore:a")
    metrics.measure(metrics.ROWS_FETCHED, 2, source="lore:a")
    metrics.measure(metrics.ROWS_FETCHED, 9, source="lore:b")
    metrics.write()

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["source"], line["RowsFetched"]) for line in lines] == [("lore:a", [3, 2]), ("lore:b", [9])]


def test_many_values_are_all_written(capsys: pytest.CaptureFixture[str]) -> None:
    for value in range(250):
        metrics.measure(metrics.UPSTREAM_LATENCY, value, upstream="lore")
    metrics.write()

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [value for line in lines for value in line["UpstreamLatency"]] == list(range(250))
    assert max(len(line["UpstreamLatency"]) for line in lines) <= 100, "CloudWatch takes no more in one line"
    assert {line["upstream"] for line in lines} == {"lore"}


@pytest.mark.filterwarnings("error")
def test_as_many_values_as_fit_into_a_line_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for value in range(100):
        metrics.measure(metrics.UPSTREAM_LATENCY, value, upstream="lore")
    metrics.write()

    written = capsys.readouterr()
    assert len(written.out.splitlines()) == 1
    assert written.err == ""


def test_what_was_written_is_not_written_again(capsys: pytest.CaptureFixture[str]) -> None:
    metrics.measure(metrics.QUEUE_AGE, 1, queue="work")
    metrics.write()
    metrics.write()

    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_metric_takes_its_own_dimensions_only() -> None:
    with pytest.raises(TypeError, match="QueueAge"):
        metrics.measure(metrics.QUEUE_AGE, 1, source="lore:a")


def test_names_are_unique() -> None:
    names = [metric.name for metric in metrics.CATALOGUE]

    assert len(set(names)) == len(names) > 15


def test_every_metric_is_measured_somewhere_and_nothing_is_measured_past_the_catalogue() -> None:
    sources = [path for root in ("libs", "services") for path in (REPOSITORY / root).rglob("*.py")]
    code = "\n".join(path.read_text() for path in sources if path.name != "metrics.py")
    constants = {name for name, value in vars(metrics).items() if isinstance(value, metrics.Metric)}

    assert {name for name in constants if not re.search(rf"\b{name}\b", code)} == set()
    assert not re.search(r"add_metric|single_metric|\bMetrics\(", code)
