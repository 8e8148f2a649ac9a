"""The query routes: they only translate between HTTP and the queries."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from api.observability import views
from api.observability.parameters import AlertId, RuleId, SecurityEventId
from api.observability.queries import alerts, errors, health, metrics, security
from api.observability.queries.alerts import AlertFilter
from api.observability.queries.container import container
from api.observability.queries.parameters import (
    AlertSeverities,
    AlertStates,
    Beginning,
    Dimensions,
    Exact,
    FromDetection,
    FromHistory,
    FromMoment,
    Metric,
    MetricSegment,
    PeriodName,
    Retired,
    Rule,
    SecuritySeverities,
    SecurityStates,
    StaleSince,
    Statistic,
    ToAnyMoment,
    ToMoment,
    Where,
    errors_span,
    history_span,
    security_span,
    series_span,
    stale_since,
    wanted_dimensions,
)
from api.observability.queries.reading import Reading
from api.observability.queries.security import SecurityFilter
from api.observability.resources import ADMIN, COMMANDS, DEVELOPER, PREFIX, VIEWER
from api.web.paging import Slice, page
from api.web.parameters import Cursor, Limit
from api.web.routing import ALWAYS_ASK, Routes
from watchkeeper.clock import utc_now
from watchkeeper.observability.models import Period

_READERS = (VIEWER, DEVELOPER, ADMIN)

RowT = TypeVar("RowT")

routes = Routes(PREFIX, elsewhere=[("POST", path) for path in COMMANDS])


@routes.get("/metrics", "List the latest values", cache=ALWAYS_ASK, groups=_READERS)
def list_metrics(
    name: Beginning = None,
    dimensions: Dimensions = None,
    stale: StaleSince = None,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> views.LatestMetricList:
    """One for each series with a value within the last 30 days."""
    asked = {"list": "metrics", "name": name, "dimensions": dimensions, "stale": stale}
    wanted, since = wanted_dimensions(dimensions), stale_since(stale)
    items, following = _page(
        asked,
        cursor,
        lambda reading, after: metrics.latest(reading, name or "", wanted, since, limit=limit, after=after),
    )
    return views.LatestMetricList(items=items, cursor=following)


@routes.get("/metrics/<name>/series", "Get the history of a metric", cache=ALWAYS_ASK, groups=_READERS)
def read_metric_series(
    name: MetricSegment,
    since: FromMoment = None,
    until: ToMoment = None,
    period: PeriodName = "minute",
    stat: Statistic = "avg",
    dimensions: Dimensions = None,
    exact: Exact = False,
) -> views.MetricHistory:
    """In buckets of a minute, an hour or a day, in UTC. The time range is at most 1 day by minute, 31 days by hour and
    455 by day. Minutes are kept for 15 days, hours for 63, days for 455. Returns up to ten series of the metric that
    have the given dimensions; with `exact`, only the one that has no others."""
    reading, length = _reading(), Period(period)
    span = series_span(since, until, length, reading.now)
    wanted = metrics.Wanted(name, wanted_dimensions(dimensions), exact, length, stat, span)
    return metrics.history(reading, wanted)


@routes.get("/alert-rules", "List alert rules", cache=ALWAYS_ASK, groups=_READERS)
def list_alert_rules(
    metric: Metric = None, retired: Retired = False, limit: Limit = 30, cursor: Cursor = None
) -> views.AlertRuleList:
    """Sorted by id."""
    items, following = _page(
        {"list": "alert rules", "metric": metric, "retired": retired},
        cursor,
        lambda reading, after: alerts.rules(reading, metric, retired=retired, limit=limit, after=after),
    )
    return views.AlertRuleList(items=items, cursor=following)


@routes.get("/alert-rules/<rule_id>", "Get an alert rule", cache=ALWAYS_ASK, versioned=True, groups=_READERS)
def read_alert_rule(rule_id: RuleId) -> views.AlertRuleDetail:
    """A new rule appears here shortly after it was defined."""
    return alerts.rule(_reading(), rule_id)


@routes.get("/alerts", "List alerts", cache=ALWAYS_ASK, groups=_READERS)
def list_alerts(
    states: AlertStates = None,
    severities: AlertSeverities = None,
    rule: Rule = None,
    metric: Metric = None,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> views.AlertList:
    """Sorted by rule, then by series. Quiet and resolved alerts are kept for 30 days."""
    wanted = AlertFilter(tuple(states or ("open", "acknowledged")), tuple(severities or ()), rule, metric)
    items, following = _page(
        {"list": "alerts", "wanted": wanted},
        cursor,
        lambda reading, after: alerts.alerts(reading, wanted, limit=limit, after=after),
    )
    return views.AlertList(items=items, cursor=following)


@routes.get("/alerts/<alert_id>", "Get an alert", cache=ALWAYS_ASK, versioned=True, groups=_READERS)
def read_alert(alert_id: AlertId) -> views.AlertDetail:
    """In its current state, whatever that is."""
    return alerts.alert(_reading(), alert_id)


@routes.get("/alerts/<alert_id>/history", "Get the history of an alert", cache=ALWAYS_ASK, groups=_READERS)
def list_history_of_alert(alert_id: AlertId, limit: Limit = 30, cursor: Cursor = None) -> views.AlertHistory:
    """Newest first: when it was raised, acknowledged and resolved, within the last 400 days."""
    items, following = _page(
        {"list": "history of alert", "alert": alert_id},
        cursor,
        lambda reading, after: alerts.history_of(reading, alert_id, limit=limit, after=after),
    )
    return views.AlertHistory(items=items, cursor=following)


@routes.get("/alert-history", "List the history of alerts", cache=ALWAYS_ASK, groups=_READERS)
def list_alert_history(
    since: FromHistory = None,
    until: ToMoment = None,
    severities: AlertSeverities = None,
    rule: Rule = None,
    metric: Metric = None,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> views.AlertHistory:
    """Newest first: alerts raised, acknowledged and resolved. History is kept for 400 days."""
    wanted = AlertFilter(severities=tuple(severities or ()), rule=rule, metric=metric)
    span = history_span(since, until, utc_now())
    items, following = _page(
        {"list": "alert history", "from": since, "to": until, "wanted": wanted},
        cursor,
        lambda reading, after: alerts.history(reading, wanted, span, limit=limit, after=after),
    )
    return views.AlertHistory(items=items, cursor=following)


@routes.get("/security-events", "List security events", cache=ALWAYS_ASK, groups=_READERS)
def list_security_events(
    states: SecurityStates = None,
    severities: SecuritySeverities = None,
    since: FromDetection = None,
    until: ToMoment = None,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> views.SecurityEventList:
    """Newest first, by time of detection; an event that counts repeats within an hour is sorted at the start of that
    hour. They are kept for 400 days after they were last seen."""
    span = security_span(since, until, utc_now(), only_open=security.only_open(states or ()))
    wanted = SecurityFilter(tuple(states or ()), tuple(severities or ()), span)
    items, following = _page(
        {"list": "security events", "from": since, "to": until, "states": states, "severities": severities},
        cursor,
        lambda reading, after: security.security_events(reading, wanted, limit=limit, after=after),
    )
    return views.SecurityEventList(items=items, cursor=following)


@routes.get(
    "/security-events/<security_event_id>",
    "Get a security event",
    cache=ALWAYS_ASK,
    versioned=True,
    groups=_READERS,
)
def read_security_event(security_event_id: SecurityEventId) -> views.SecurityEventDetail:
    """Including its triage and resolution."""
    return security.security_event(_reading(), security_event_id)


@routes.get("/health", "Get the health of the system", cache=ALWAYS_ASK, groups=_READERS)
def read_health() -> views.HealthBoard:
    """The status of each upstream data source and service, why it is not healthy, and since when."""
    return health.board(_reading())


@routes.get("/errors", "List processing errors", cache=ALWAYS_ASK, groups=_READERS)
def list_errors(
    since: FromHistory = None, until: ToAnyMoment = None, where: Where = None, limit: Limit = 30, cursor: Cursor = None
) -> views.ErrorList:
    """Errors in the system's own event processing, newest event first, for 30 days after the failure. An event that
    fails repeatedly in the same place is listed once, with its latest error. Each can be redriven from the dead-letter
    queue it names. To include events that were already old when they failed, give an earlier `from`."""
    span = errors_span(since, until, utc_now())
    items, following = _page(
        {"list": "errors", "from": since, "to": until, "where": where},
        cursor,
        lambda reading, after: errors.errors(reading, where, span, limit=limit, after=after),
    )
    return views.ErrorList(items=items, cursor=following)


def _reading() -> Reading:
    return Reading(container().models.view(), utc_now())


def _page(
    asked: Mapping[str, Any], cursor: str | None, find: Callable[[Reading, str | None], Slice[RowT]]
) -> tuple[list[RowT], str | None]:
    """A page of what ``asked`` describes, after the cursor's sort key."""
    return page(container().cursors, asked, cursor, lambda after: find(_reading(), after))
