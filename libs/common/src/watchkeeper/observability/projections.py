"""The rows of the read models that an event yields: the projections that a rebuild uses.

New events are projected by the state machine in ``services/ingest/resources/projections.asl.json``, which writes
the same rows. It also validates events; a rebuild checks those that rows are built from.

| model | partition | sort | a row expires |
|---|---|---|---|
| latest-metrics | | series | 30 days after its value |
| metric-series | ``<series>#<period>`` | start | 15, 63 or 455 days after a minute's, hour's or day's start |
| alert-rules | | id of the rule | 30 days after it was retired |
| alerts | | id of the alert | 30 days after it became quiet |
| alert-history | ``<month>``, and ``alert#<id>`` | ``<time>#<id>#<sequence>``, and ``<sequence>`` | after 400 days |
| security-events | | id | 400 days after it was last seen |
| health-board | | component | never |
| errors | | ``<time>#<id>`` | 30 days after it last failed |

The time of an error's row is that of the failed event, which stays the same: an event that fails again in the same
place replaces its row. The sequence of such a row is the time of the failure, in seconds.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from watchkeeper import records
from watchkeeper.clock import from_iso, to_iso
from watchkeeper.dynamodb import Item
from watchkeeper.eventsourcing.aggregate import EventData
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.read_models import Row, Stamp
from watchkeeper.eventsourcing.upcasting import UnknownEvent
from watchkeeper.observability import ids
from watchkeeper.observability.errors import ErrorOccurred
from watchkeeper.observability.events import CATALOGUE, UPCASTERS, latest_of
from watchkeeper.observability.events import VERSIONS as SOURCED
from watchkeeper.observability.models import figures_of

LATEST_METRICS = "latest-metrics"
METRIC_SERIES = "metric-series"
ALERT_RULES = "alert-rules"
ALERTS = "alerts"
ALERT_HISTORY = "alert-history"
SECURITY_EVENTS = "security-events"
HEALTH_BOARD = "health-board"
ERRORS = "errors"

LATEST_METRICS_DAYS = 30
METRIC_SERIES_DAYS = {"minute": 15, "hour": 63, "day": 455}
RETIRED_RULES_DAYS = 30
QUIET_ALERTS_DAYS = 30
ALERT_HISTORY_DAYS = 400
SECURITY_EVENTS_DAYS = 400
ERRORS_DAYS = 30

_OF_RULES = frozenset({"AlertRuleDefined", "AlertRuleRetired"})
_OF_EPISODES = frozenset({"AlertRaised", "AlertAcknowledged", "AlertResolved"})
_OF_ALERTS = frozenset({"AlertPending", "AlertCalmed"}) | _OF_EPISODES
_OF_SECURITY_EVENTS = frozenset(
    {"SecurityEventDetected", "SecurityEventRepeated", "SecurityEventTriaged", "SecurityEventClosed"}
)

MODELS: Mapping[str, frozenset[str]] = {
    LATEST_METRICS: frozenset({"MetricRecorded"}),
    METRIC_SERIES: frozenset({"MetricRecorded"}),
    ALERT_RULES: _OF_RULES,
    ALERTS: _OF_ALERTS,
    ALERT_HISTORY: _OF_EPISODES,
    SECURITY_EVENTS: _OF_SECURITY_EVENTS,
    HEALTH_BOARD: frozenset({"HealthChanged"}),
    ERRORS: frozenset({"ErrorOccurred"}),
}
"""The types of events that each is projected from."""

REBUILT = tuple(model for model in MODELS if model != ERRORS)
"""The models that can be rebuilt from the event store, which holds no errors."""

VERSIONS: Mapping[str, int] = {**SOURCED, ErrorOccurred.type: ErrorOccurred.version}
"""The version of each type that is projected: the newest, to which older ones are upcast first."""

_DATA: Mapping[str, type[EventData]] = {event.type: event for event in CATALOGUE}
_SECONDS_PER_DAY = 86400


class Occurrence(NamedTuple):
    """An event as projections need it: mostly undecoded, since a rebuild reads a great many."""

    id: str
    type: str
    version: int
    aggregate_id: str
    sequence: int
    occurred_at: str
    """ISO 8601 in UTC to the second."""
    correlation_id: str
    actor: str
    data: Mapping[str, Any]

    @classmethod
    def of(cls, event: Event) -> "Occurrence":
        moment = to_iso(event.occurred_at)
        return cls(
            event.id,
            event.type,
            event.version,
            event.aggregate_id,
            event.sequence,
            moment,
            event.correlation_id,
            event.actor,
            event.data,
        )

    @classmethod
    def of_item(cls, item: Item) -> "Occurrence":
        """The event in an item of the event store, in the newest version. Raises ``UnknownEvent``, or one of
        ``MALFORMED``, for one that obviously cannot be read."""
        kind: Any = item["eventType"]
        version: Any = item["eventVersion"]
        data = records.loads(item["data"])  # type: ignore[arg-type]
        if version != (newest := VERSIONS.get(kind, version)):
            version, data = newest, UPCASTERS.upcast_data(kind, version, data, newest)
        return cls(
            item["eventId"],  # type: ignore[arg-type]
            kind,
            version,
            item["aggregateId"],  # type: ignore[arg-type]
            item["eventSequence"],  # type: ignore[arg-type]
            item["occurredAt"],  # type: ignore[arg-type]
            item["correlationId"],  # type: ignore[arg-type]
            item["actor"],  # type: ignore[arg-type]
            data,
        )

    @property
    def stamp(self) -> Stamp:
        return Stamp(self.id, self.sequence, self.occurred_at, self.correlation_id)


_Place = tuple[str, str, str]
"""Model, partition and sort key of a row."""
_Part = Mapping[str, Any]
"""The part of the event's ``data`` that a row is made of."""
_Placed = tuple[_Place, _Part]


def rows(event: Occurrence) -> list[Row]:
    """All rows that the event yields. Raises ``UnknownEvent`` for an event of no model."""
    return [_row(place, part, event) for place, part in _places(event)]


class Fold:
    """Folds many events into the rows of some models: for each key, the event with the highest sequence wins.

    Rows are built, and events decoded, only for the winners, at the end.
    """

    def __init__(self, models: Collection[str] = REBUILT) -> None:
        if unknown := set(models) - MODELS.keys():
            raise ValueError(f"no read models: {', '.join(sorted(unknown))}")
        self._models = frozenset(models)
        self._types = frozenset[str]().union(*(MODELS[model] for model in models))
        self._newest: dict[_Place, tuple[int, _Part, Occurrence]] = {}

    def takes(self, event_type: str) -> bool:
        """Whether events of the type yield any of these rows; others need not even be read."""
        return event_type in self._types

    def add(self, event: Occurrence) -> None:
        """Raises ``UnknownEvent`` for an event of no model, and one of ``MALFORMED`` for one without the keys of its
        rows."""
        newest, models, sequence = self._newest, self._models, event.sequence
        for place, part in _places(event):
            if place[0] in models and ((there := newest.get(place)) is None or there[0] < sequence):
                newest[place] = (sequence, part, event)

    def winners(self) -> Iterator[tuple[Row, Stamp]]:
        """Each row with the stamp of its event. Raises one of ``MALFORMED`` for an event that cannot be decoded."""
        check = _Check()
        for place, (_, part, event) in self._newest.items():
            check(event)
            yield _row(place, part, event), event.stamp


class _Check:
    """Whether events are as their types require. Each is decoded once, however many rows it yields."""

    def __init__(self) -> None:
        self._checked = set[tuple[str, int]]()

    def __call__(self, event: Occurrence) -> None:
        """Raises one of ``MALFORMED``."""
        if (key := (event.aggregate_id, event.sequence)) in self._checked:
            return
        from_iso(event.occurred_at)
        if data := _DATA.get(event.type):
            data.of(event.data)
        self._checked.add(key)


def _places(event: Occurrence) -> Iterable[_Placed]:
    places = _PLACES.get(event.type)
    if places is None or event.version != VERSIONS[event.type]:
        raise UnknownEvent(f"no read model takes version {event.version} of {event.type}")
    return places(event)


def _row(place: _Place, part: _Part, event: Occurrence) -> Row:
    model, partition, sort = place
    if not isinstance(sort, str) or not sort:
        raise ValueError("the key of a row is text")
    record, since, days = _RECORDS[model](part, event)
    return Row(model, partition, sort, record, _after(since, days) if days else None)


def _after(since: str, days: int) -> int:
    return int(from_iso(since).timestamp()) + days * _SECONDS_PER_DAY


# The keys of the rows of an event. These run for every event in the store.


def _of_metric(event: Occurrence) -> list[_Placed]:
    series = ids.own(event.aggregate_id)
    placed: list[_Placed] = [((LATEST_METRICS, "", series), event.data)]
    for rollup in event.data["rollups"]:
        placed.append(((METRIC_SERIES, f"{series}#{rollup['period']}", rollup["start"]), rollup))
    return placed


def _of_rule(event: Occurrence) -> list[_Placed]:
    rule = event.data["rule"]
    return [((ALERT_RULES, "", rule["id"]), rule)]


def _of_alert(event: Occurrence) -> list[_Placed]:
    alert = event.data["alert"]
    return [((ALERTS, "", alert["id"]), alert)]


def _of_episode(event: Occurrence) -> list[_Placed]:
    alert = event.data["alert"]
    place, moment = f"{event.sequence:010d}", event.occurred_at
    by_month = (ALERT_HISTORY, moment[:7], f"{moment}#{alert['id']}#{place}")
    by_alert = (ALERT_HISTORY, f"alert#{alert['id']}", place)
    return [*_of_alert(event), (by_month, alert), (by_alert, alert)]


def _of_security_event(event: Occurrence) -> list[_Placed]:
    found = event.data["security_event"]
    return [((SECURITY_EVENTS, "", found["id"]), found)]


def _of_health(event: Occurrence) -> list[_Placed]:
    health = event.data["health"]
    return [((HEALTH_BOARD, "", health["component"]), health)]


def _of_error(event: Occurrence) -> list[_Placed]:
    return [((ERRORS, "", f"{event.data['event']['occurred_at']}#{event.id}"), event.data)]


_PLACES: Mapping[str, Callable[[Occurrence], list[_Placed]]] = {
    "MetricRecorded": _of_metric,
    **dict.fromkeys(_OF_RULES, _of_rule),
    **dict.fromkeys(_OF_ALERTS, _of_alert),
    **dict.fromkeys(_OF_EPISODES, _of_episode),
    **dict.fromkeys(_OF_SECURITY_EVENTS, _of_security_event),
    "HealthChanged": _of_health,
    "ErrorOccurred": _of_error,
}


# The content of a row, and from when it is kept for how many days. These run only for rows that are written.

_Told = tuple[_Part, str, int | None]


def _latest_metric(data: _Part, event: Occurrence) -> _Told:
    latest, series = latest_of(data), ids.own(event.aggregate_id)
    kept = {name: data[name] for name in ("name", "unit", "dimensions")}
    return {**kept, "series": series, "at": latest["at"], "value": latest["value"]}, latest["at"], LATEST_METRICS_DAYS


def _metric_series(rollup: _Part, event: Occurrence) -> _Told:
    total, least, most = figures_of(rollup)
    record = {"count": rollup["count"], "sum": total, "min": least, "max": most, "unit": event.data["unit"]}
    return record, rollup["start"], METRIC_SERIES_DAYS[rollup["period"]]


def _alert_rule(rule: _Part, event: Occurrence) -> _Told:
    return rule, event.occurred_at, RETIRED_RULES_DAYS if event.type == "AlertRuleRetired" else None


def _alert(alert: _Part, event: Occurrence) -> _Told:
    return alert, event.occurred_at, QUIET_ALERTS_DAYS if alert["state"] in ("quiet", "resolved") else None


def _alert_history(alert: _Part, event: Occurrence) -> _Told:
    past = {"type": event.type, "at": event.occurred_at, "actor": event.actor, "alert": alert}
    return past, event.occurred_at, ALERT_HISTORY_DAYS


def _security_event(found: _Part, _event: Occurrence) -> _Told:
    return found, found["last_seen_at"], SECURITY_EVENTS_DAYS


def _health(health: _Part, event: Occurrence) -> _Told:
    return health, event.occurred_at, None


def _error(data: _Part, event: Occurrence) -> _Told:
    return data, event.occurred_at, ERRORS_DAYS


_RECORDS: Mapping[str, Callable[[_Part, Occurrence], _Told]] = {
    LATEST_METRICS: _latest_metric,
    METRIC_SERIES: _metric_series,
    ALERT_RULES: _alert_rule,
    ALERTS: _alert,
    ALERT_HISTORY: _alert_history,
    SECURITY_EVENTS: _security_event,
    HEALTH_BOARD: _health,
    ERRORS: _error,
}
