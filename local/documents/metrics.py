"""The metrics: ours, from their catalogue, and AWS's own that have alarms, from alarms.yml."""

import yaml

from local.workspace import REPOSITORY
from watchkeeper.metrics import CATALOGUE, NAMESPACE, Metric


def catalogue() -> str:
    """A table of all metrics; the dimensions are those after ``stage`` and ``service``."""
    head = ["| metric | unit | dimensions | counts or measures |", "|---|---|---|---|"]
    return "\n".join([*head, *(_row(metric) for metric in CATALOGUE)])


def watched() -> str:
    """A table of the metrics of AWS that have an alarm."""
    alarms = yaml.safe_load((REPOSITORY / "alarms.yml").read_text())
    rows = [
        f"| `{alarm['metric']}` | `{alarm['namespace']}` | {alarm['watches']} | [{name}](runbook.md#{name}) |"
        for name, alarm in alarms.items()
        if alarm["namespace"] != NAMESPACE
    ]
    return "\n".join(["| metric | namespace | of each | alarm |", "|---|---|---|---|", *rows])


def _row(metric: Metric) -> str:
    dimensions = ", ".join(f"`{name}`" for name in metric.dimension)
    return f"| `{metric.name}` | {metric.unit.value} | {dimensions} | {metric.meaning} |"
