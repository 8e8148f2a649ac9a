"""Request bodies. Unknown members are rejected.

The metrics of a batch are validated one by one: an invalid one is no reason to reject the others.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
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
from watchkeeper.observability.decimals import DIGITS, rounded, unfit
from watchkeeper.observability.models import AlertSeverity, Comparison, SecuritySeverity
from watchkeeper.observability.reserved import PREFIXES, reserved_prefix
from watchkeeper.observability.security import LONGEST_SOURCE, LONGEST_SUMMARY
from watchkeeper.observability.series import KEY, MAX_DIMENSIONS, NAME, NO_UNIT, UNIT, VALUE

MAX_METRICS = 500
LONGEST_BODY = 512 * 1024
"""Bytes: enough for that many metrics with all their dimensions."""

LONGEST_MEMBER = 100
"""Characters of a member's name in a response: an unknown one can be as long as the body, and responses are stored."""

_DECIMAL = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?", re.ASCII)


def _figure(value: object) -> Decimal:
    """A JSON number arrives as a float; the shortest text that parses to the same float is what was sent.

    A fraction is rounded: most quotients have more digits than can be stored, and no program relies on those."""
    text = value if isinstance(value, str) else repr(value)
    if isinstance(value, bool) or not _DECIMAL.fullmatch(text):
        raise ValueError("is not a finite number")
    figure = Decimal(text)
    if isinstance(value, float) and not value.is_integer():
        figure = rounded(figure)
    if reason := unfit(figure):
        raise ValueError(reason)
    return figure


Figure = Annotated[
    Decimal,
    BeforeValidator(_figure),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number"}, {"type": "string", "pattern": f"^(?:{_DECIMAL.pattern})$"}],
            "description": f"A number, or a string with one; its absolute value is below 10^{DIGITS}. It has up to "
            f"{DIGITS} significant digits and up to {DIGITS} decimal places. A fractional number is rounded to that; a "
            f"string with more is rejected",
        }
    ),
]
MetricName = Annotated[str, StringConstraints(pattern=f"^{NAME}$")]


_RESERVED = ", ".join(f"`{prefix}`" for prefix in sorted(PREFIXES))


def _not_reserved(name: str) -> str:
    if prefix := reserved_prefix(name):
        raise ValueError(f"names beginning with '{prefix}' are reserved for the system")
    return name


RecordableName = Annotated[MetricName, AfterValidator(_not_reserved)]
Dimensions = Annotated[
    dict[
        Annotated[str, StringConstraints(pattern=f"^{KEY}$")], Annotated[str, StringConstraints(pattern=f"^{VALUE}$")]
    ],
    Field(max_length=MAX_DIMENSIONS),
]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_TEXT, pattern=LINES)]
NeededText = Annotated[Text, Field(min_length=1)]


class NewMetric(Body):
    name: Annotated[
        RecordableName, Field(description=f"Not beginning with {_RESERVED}, which are reserved for the system")
    ]
    value: Figure
    unit: Annotated[
        str, StringConstraints(pattern=f"^{UNIT}$"), Field(description="As in CloudWatch; a series keeps its first one")
    ] = NO_UNIT
    dimensions: Annotated[Dimensions, Field(default_factory=dict, description="Name and dimensions identify a series")]
    at: Annotated[Moment | None, Field(description="RFC 3339, up to 6 hours ago or 10 minutes ahead. Default: now")] = (
        None
    )


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An invalid metric."""

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
    """Told apart by the single member of a batch, so that errors name members as they were sent."""
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
            description="The rule covers every series of the metric that has at least these",
        ),
    ]
    comparison: Annotated[Comparison, Field(description="How a breaching value compares with `threshold`")]
    threshold: Figure
    clear_threshold: Annotated[
        Figure | None,
        Field(
            description="The value that must be reached again for an alert to be resolved. At most `threshold` with "
            "`gt` and `gte`, at least `threshold` with `lt` and `lte`. Default: `threshold`"
        ),
    ] = None
    breaches: Annotated[
        int, Field(strict=True, ge=1, le=MAX_BREACHES, description="Consecutive breaching values that raise an alert")
    ] = 1
    cooldown_seconds: Annotated[
        int,
        Field(strict=True, ge=0, le=MAX_COOLDOWN_SECONDS, description="How long after a resolution values are ignored"),
    ] = 0
    severity: AlertSeverity = AlertSeverity.WARNING


class Acknowledgement(Body):
    note: Annotated[Text, Field(description="A note for others")] = ""


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
        Field(description="Where it was detected"),
    ]


class Triage(Body):
    note: Annotated[Text, Field(description="A note for others")] = ""


class Closing(Body):
    resolution: NeededText
