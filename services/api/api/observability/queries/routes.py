"""The watch's queries: they translate, and nothing else."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from api.observability import views
from api.observability.parameters import AlertId, RuleId, SecurityEventId
from api.observability.queries import alerts, metrics, security, troubles
from api.observability.queries.alerts import AlertFilter
from api.observability.queries.container import container
from api.observability.queries.parameters import (
    AlertSeverities,
    AlertStates,
    Beginning,
    Dimensions,
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


@routes.get("/metrics", "List the newest values", cache=ALWAYS_ASK, groups=_READERS)
def list_metrics(
    name: Beginning = None,
    dimensions: Dimensions = None,
    stale: StaleSince = None,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> views.LatestMetricList:
    """Of each series that had one within 30 days."""
    asked = {"list": "metrics", "name": name, "dimensions": dimensions, "stale": stale}
    wanted, since = wanted_dimensions(dimensions), stale_since(stale)
    found, following = _page(
        asked,
        cursor,
        lambda reading, after: metrics.latest(reading, name or "", wanted, since, limit=limit, after=after),
    )
    return views.LatestMetricList(items=[metrics.latest_metric(one) for one in found], cursor=following)


@routes.get("/metrics/<name>/series", "Read what a metric was over time", cache=ALWAYS_ASK, groups=_READERS)
def read_metric_series(
    name: MetricSegment,
    since: FromMoment = None,
    until: ToMoment = None,
    period: PeriodName = "minute",
    stat: Statistic = "avg",
    dimensions: Dimensions = None,
) -> views.MetricHistory:
    """By minute, hour or day, in UTC: of a day at the most by minute, 31 by hour, 455 by day. Minutes are kept for 15
    days, hours for 63, days for 455. Of all series of the metric, if no dimensions are named; else of the one
    that has just these, or where there is none, of those that have them, too; of ten at the most."""
    reading, length = _reading(), Period(period)
    span = series_span(since, until, length, reading.now)
    wanted = metrics.Wanted(name, wanted_dimensions(dimensions), length, stat, span)
    return metrics.history(reading, wanted)


@routes.get("/alert-rules", "List alert rules", cache=ALWAYS_ASK, groups=_READERS)
def list_alert_rules(
    metric: Metric = None, retired: Retired = False, limit: Limit = 30, cursor: Cursor = None
) -> views.AlertRuleList:
    """By id."""
    items, following = _page(
        {"list": "alert rules", "metric": metric, "retired": retired},
        cursor,
        lambda reading, after: alerts.rules(reading, metric, retired=retired, limit=limit, after=after),
    )
    return views.AlertRuleList(items=items, cursor=following)


@routes.get("/alert-rules/<rule_id>", "Read an alert rule", cache=ALWAYS_ASK, versioned=True, groups=_READERS)
def read_alert_rule(rule_id: RuleId) -> views.AlertRuleDetail:
    """A new one is here a moment after it was defined."""
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
    """By rule, then by series. What has become quiet or was resolved is kept for 30 days."""
    wanted = AlertFilter(tuple(states or ("open", "acknowledged")), tuple(severities or ()), rule, metric)
    items, following = _page(
        {"list": "alerts", "wanted": wanted},
        cursor,
        lambda reading, after: alerts.alerts(reading, wanted, limit=limit, after=after),
    )
    return views.AlertList(items=items, cursor=following)


@routes.get("/alerts/<alert_id>", "Read an alert", cache=ALWAYS_ASK, versioned=True, groups=_READERS)
def read_alert(alert_id: AlertId) -> views.AlertDetail:
    """As it stands, in whatever state."""
    return alerts.alert(_reading(), alert_id)


@routes.get("/alerts/<alert_id>/history", "Read what happened to an alert", cache=ALWAYS_ASK, groups=_READERS)
def list_history_of_alert(alert_id: AlertId, limit: Limit = 30, cursor: Cursor = None) -> views.AlertHistory:
    """Newest first: when it was raised, acknowledged and resolved, of the last 400 days."""
    items, following = _page(
        {"list": "history of alert", "alert": alert_id},
        cursor,
        lambda reading, after: alerts.history_of(reading, alert_id, limit=limit, after=after),
    )
    return views.AlertHistory(items=items, cursor=following)


@routes.get("/alert-history", "List what happened to alerts", cache=ALWAYS_ASK, groups=_READERS)
def list_alert_history(
    since: FromHistory = None,
    until: ToMoment = None,
    severities: AlertSeverities = None,
    rule: Rule = None,
    metric: Metric = None,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> views.AlertHistory:
    """Newest first: which were raised, acknowledged and resolved. It is kept for 400 days."""
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
    since: FromHistory = None,
    until: ToMoment = None,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> views.SecurityEventList:
    """Newest first, by when they were detected. They are kept for 400 days."""
    span = security_span(since, until, utc_now())
    wanted = SecurityFilter(tuple(states or ()), tuple(severities or ()), span)
    items, following = _page(
        {"list": "security events", "from": since, "to": until, "states": states, "severities": severities},
        cursor,
        lambda reading, after: security.security_events(reading, wanted, limit=limit, after=after),
    )
    return views.SecurityEventList(items=items, cursor=following)


@routes.get(
    "/security-events/<security_event_id>",
    "Read a security event",
    cache=ALWAYS_ASK,
    versioned=True,
    groups=_READERS,
)
def read_security_event(security_event_id: SecurityEventId) -> views.SecurityEventDetail:
    """With what came of it."""
    return security.security_event(_reading(), security_event_id)


@routes.get("/health", "Ask how the system is", cache=ALWAYS_ASK, groups=_READERS)
def read_health() -> views.HealthBoard:
    """Each upstream facts are read from, and each service, with why it is not well, and since when."""
    return troubles.board(_reading())


@routes.get("/errors", "List what failed in the system's own work", cache=ALWAYS_ASK, groups=_READERS)
def list_errors(
    since: FromHistory = None, until: ToMoment = None, where: Where = None, limit: Limit = 30, cursor: Cursor = None
) -> views.ErrorList:
    """Newest first, of the last 30 days. Each can be done again from the queue of dead letters that it names."""
    span = errors_span(since, until, utc_now())
    items, following = _page(
        {"list": "errors", "from": since, "to": until, "where": where},
        cursor,
        lambda reading, after: troubles.errors(reading, where, span, limit=limit, after=after),
    )
    return views.ErrorList(items=items, cursor=following)


def _reading() -> Reading:
    return Reading(container().models.view(), utc_now())


def _page(
    asked: Mapping[str, Any], cursor: str | None, find: Callable[[Reading, str | None], Slice[RowT]]
) -> tuple[list[RowT], str | None]:
    """A page of what ``asked`` describes, from a sort key on."""
    return page(container().cursors, asked, cursor, lambda after: find(_reading(), after))
