"""What the routes are sent. What is no member is refused.

Metrics that come together are taken or refused one by one: what is wrong with one is no reason to refuse the others.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    RootModel,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    WrapValidator,
)

from api.web.bodies import LINES, ONE_LINE, Body, Moment, OneLine
from watchkeeper.observability.alerts import LONGEST_NAME, LONGEST_TEXT, MAX_BREACHES, MAX_COOLDOWN_SECONDS
from watchkeeper.observability.figures import DIGITS, unfit
from watchkeeper.observability.models import AlertSeverity, Comparison, SecuritySeverity
from watchkeeper.observability.security import LONGEST_SOURCE, LONGEST_SUMMARY
from watchkeeper.observability.series import KEY, MAX_DIMENSIONS, NAME, NO_UNIT, UNIT, VALUE

MAX_METRICS = 500
LONGEST_BODY = 512 * 1024
"""Octets: so many metrics with all their dimensions fit in."""

LONGEST_MEMBER = 100
"""Characters of a member's name in an answer: that of a stranger can be as long as the body, and answers are kept."""

_DECIMAL = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?", re.ASCII)


def _figure(value: object) -> Decimal:
    """A JSON number has been a float on its way here; the shortest text that gives the same float is what was sent."""
    text = value if isinstance(value, str) else repr(value)
    if isinstance(value, bool) or not _DECIMAL.fullmatch(text):
        raise ValueError("is no number that is finite")
    figure = Decimal(text)
    if reason := unfit(figure):
        raise ValueError(reason)
    return figure


Figure = Annotated[
    Decimal,
    BeforeValidator(_figure),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number"}, {"type": "string", "pattern": _DECIMAL.pattern}],
            "description": f"A number, or the same as a text; below 10^{DIGITS}, of {DIGITS} digits at the most",
        }
    ),
]
MetricName = Annotated[str, StringConstraints(pattern=f"^{NAME}$")]
Dimensions = Annotated[
    dict[
        Annotated[str, StringConstraints(pattern=f"^{KEY}$")], Annotated[str, StringConstraints(pattern=f"^{VALUE}$")]
    ],
    Field(max_length=MAX_DIMENSIONS),
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_TEXT, pattern=LINES)]
NeededText = Annotated[Text, Field(min_length=1)]


class NewMetric(Body):
    name: MetricName
    value: Figure
    unit: Annotated[
        str, StringConstraints(pattern=f"^{UNIT}$"), Field(description="As CloudWatch's; a series keeps its first one")
    ] = NO_UNIT
    dimensions: Annotated[Dimensions, Field(default_factory=dict, description="With the name they are the series")]
    at: Annotated[
        Moment | None, Field(description="Now if not sent; up to 6 hours ago, or 10 minutes ahead. RFC 3339")
    ] = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What was sent for a metric, and is none."""

    member: str
    reason: str


def _read_metric(value: object, read: Callable[[object], NewMetric]) -> NewMetric | Unreadable:
    try:
        return read(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        member = ".".join(str(step) for step in first["loc"] if step != "[key]")
        return Unreadable(member[:LONGEST_MEMBER], first["msg"].removeprefix("Value error, "))


AnyMetric = Annotated[NewMetric, WrapValidator(_read_metric)]
"""A metric, or ``Unreadable``."""


class NewMetricBatch(Body):
    metrics: Annotated[list[AnyMetric], Field(min_length=1, max_length=MAX_METRICS)]


def _read_metrics(value: object, read: Callable[[object], Any]) -> Any:  # noqa: ARG001 -- the signature is pydantic's
    """Told apart by the one member a batch has, so that what is refused is named as it was sent."""
    if isinstance(value, dict) and "metrics" in value:
        return NewMetricBatch.model_validate(value)
    return NewMetric.model_validate(value)


class NewMetrics(RootModel[Annotated[NewMetricBatch | NewMetric, WrapValidator(_read_metrics)]]):
    """One metric, or up to 500 of them."""

    @property
    def is_single(self) -> bool:
        return isinstance(self.root, NewMetric)

    @property
    def sent(self) -> list[NewMetric | Unreadable]:
        return [*self.root.metrics] if isinstance(self.root, NewMetricBatch) else [self.root]


class NewAlertRule(Body):
    name: Annotated[OneLine, Field(min_length=1, max_length=LONGEST_NAME)]
    metric: MetricName
    dimensions: Annotated[
        Dimensions,
        Field(
            default_factory=dict,
            description="It covers every series of the metric that has these, and perhaps more",
        ),
    ]
    comparison: Annotated[Comparison, Field(description="How a value that breaches it compares with `threshold`")]
    threshold: Figure
    clear_threshold: Annotated[
        Figure | None,
        Field(
            description="What a value has to come back to before an alert is resolved; `threshold` if not sent. Not "
            "above it where large values breach, not below it where small ones do"
        ),
    ] = None
    breaches: Annotated[
        int, Field(strict=True, ge=1, le=MAX_BREACHES, description="So many values in a row raise an alert")
    ] = 1
    cooldown_seconds: Annotated[
        int,
        Field(strict=True, ge=0, le=MAX_COOLDOWN_SECONDS, description="For so long after a resolution no value counts"),
    ] = 0
    severity: AlertSeverity = AlertSeverity.WARNING


class Acknowledgement(Body):
    note: Annotated[Text, Field(description="For others")] = ""


class Resolution(Body):
    reason: NeededText


class NewSecurityEvent(Body):
    kind: Annotated[str, StringConstraints(pattern=f"^{NAME}$")]
    severity: SecuritySeverity
    summary: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_SUMMARY, pattern=ONE_LINE)
    ]
    source: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_SOURCE, pattern=ONE_LINE),
        Field(description="Where it was noticed"),
    ]


class Triage(Body):
    note: Annotated[Text, Field(description="For others")] = ""


class Closing(Body):
    resolution: NeededText
