"""The system's own metrics are known by what their names begin with."""

import pytest

from watchkeeper.observability.reserved import SystemMetric, reserved_prefix


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("ingest.run.failures", "ingest."),
        ("dead_letters.waiting", "dead_letters."),
        ("circuit.anything", "circuit."),
        ("source.", "source."),
        ("source", None),
        ("ingestion.run", None),
        ("Ingest.run", None),
        ("my.ingest.run", None),
        ("", None),
    ],
)
def test_a_name_is_the_systems_own_by_what_stands_before_its_first_dot(name: str, prefix: str | None) -> None:
    assert reserved_prefix(name) == prefix


@pytest.mark.parametrize("metric", SystemMetric)
def test_each_name_the_system_records_under_is_its_own(metric: SystemMetric) -> None:
    assert reserved_prefix(metric) == metric.value.partition(".")[0] + "."
