"""The command routes: they only translate between HTTP and the commands."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from api.observability import rendering, views
from api.observability.commands import deciding, recording
from api.observability.commands.bodies import (
    Acknowledgement,
    Closing,
    NewAlertRule,
    NewMetrics,
    NewSecurityEvent,
    Resolution,
    Triage,
)
from api.observability.commands.container import container
from api.observability.commands.recording import RequestContext
from api.observability.parameters import AlertId, RuleId, SecurityEventId
from api.observability.resources import ADMIN, DEVELOPER, PREFIX, QUERIES
from api.web.leaving import refuse_leaving
from api.web.problems import InvalidParameter
from api.web.routing import Routes
from api.web.work import Work
from watchkeeper.observability import ids

_LEAVING = {410: "The account is being deleted, or has been."}
_BUSY = {409: "Too many concurrent changes; try again.", **_LEAVING}

routes = Routes(
    PREFIX,
    table=lambda: container().people,
    guard=refuse_leaving(lambda: container().people),
    elsewhere=[("GET", path) for path in QUERIES],
)


@routes.post("/metrics", "Record metrics", groups=(DEVELOPER, ADMIN), problems=_BUSY)
def record_metrics(body: Annotated[NewMetrics, Body()], work: Work) -> views.Recorded:
    """One metric, or a batch of up to 500. Each metric of a batch is accepted or rejected on its own, and the response
    says which, and why; a single metric that is invalid is rejected with 422.

    A result with `again` failed temporarily. Retry the same request with the same `Idempotency-Key`: what was recorded
    is not recorded twice, the age of values is measured at the first request, and a response is stored only once it is
    final. Without a key, send only those metrics again. If nothing could be recorded for temporary reasons, the
    response is a 503."""
    sent = body.sent
    parts, budget = container(), container().settings.budget
    parts.deadline.start(budget.request_seconds + recording.SECONDS_PER_COMMAND * recording.commands_of(sent))
    request = RequestContext(work.command_id(), deciding.cause_of(work), work.issued_at())
    outcome = recording.record(parts.metrics, sent, request)
    if body.is_single and not outcome.taken:
        raise InvalidParameter("", outcome.results[0]["reason"])
    if not outcome.is_last_word:
        work.leave_open()
    return outcome.view()


@routes.post(
    "/alert-rules",
    "Define an alert rule",
    status=HTTPStatus.CREATED,
    versioned=True,
    groups=(ADMIN,),
    problems=_BUSY | {409: "There are already 200 rules that are not retired."},
)
def define_alert_rule(body: Annotated[NewAlertRule, Body()], work: Work) -> views.AlertRuleDetail:
    """It watches values recorded from some seconds after this response on. A rule is immutable: to change it, retire it
    and define another. At most 200 rules can be active."""
    parts = container()
    rule = deciding.define_rule(parts.rules, parts.models, body, work)
    return rendering.alert_rule(rule.rule, rule.version)


@routes.post("/alert-rules/<rule_id>/retire", "Retire an alert rule", versioned=True, groups=(ADMIN,), problems=_BUSY)
def retire_alert_rule(rule_id: RuleId, work: Work) -> views.AlertRuleDetail:
    """It no longer watches anything, and its alerts end within seconds. Idempotent."""
    rule = deciding.retire_rule(container().rules, rule_id, work)
    return rendering.alert_rule(rule.rule, rule.version)


@routes.post(
    "/alerts/<alert_id>/acknowledge",
    "Acknowledge an alert",
    versioned=True,
    groups=(DEVELOPER, ADMIN),
    problems=_BUSY | {409: "It is not open, or somebody else has acknowledged it."},
)
def acknowledge_alert(
    alert_id: AlertId, work: Work, body: Annotated[Acknowledgement | None, Body()] = None
) -> views.AlertDetail:
    """Say that you are working on it. Idempotent for the same person, whose first note stays."""
    note = body.note if body else ""
    alert = deciding.decide(
        container().alerts,
        ids.alert(alert_id),
        lambda alert: alert.acknowledge(by=work.user, now=work.now, note=note),
        work,
    )
    return rendering.alert(alert.status, alert.version)


@routes.post(
    "/alerts/<alert_id>/resolve",
    "Resolve an alert",
    versioned=True,
    groups=(ADMIN,),
    problems=_BUSY | {409: "It is neither open nor acknowledged."},
)
def resolve_alert(alert_id: AlertId, body: Annotated[Resolution, Body()], work: Work) -> views.AlertDetail:
    """It ends, whatever the values are. After the cooldown, values that breach the rule raise it again."""
    alert = deciding.decide(
        container().alerts,
        ids.alert(alert_id),
        lambda alert: alert.resolve(by=work.user, now=work.now, reason=body.reason),
        work,
    )
    return rendering.alert(alert.status, alert.version)


@routes.post(
    "/security-events",
    "Report a security event",
    status=HTTPStatus.CREATED,
    versioned=True,
    groups=(ADMIN,),
    problems=_BUSY,
)
def detect_security_event(body: Annotated[NewSecurityEvent, Body()], work: Work) -> views.SecurityEventDetail:
    """Something that needs attention and was not detected by a system."""
    event = deciding.detect(container().security_events, body, work)
    return rendering.security_event(event.status, event.version)


@routes.post(
    "/security-events/<security_event_id>/triage",
    "Triage a security event",
    versioned=True,
    groups=(ADMIN,),
    problems=_BUSY | {409: "It is already triaged or closed."},
)
def triage_security_event(
    security_event_id: SecurityEventId, work: Work, body: Annotated[Triage | None, Body()] = None
) -> views.SecurityEventDetail:
    """Record that somebody has looked at it."""
    note = body.note if body else ""
    event = deciding.decide(
        container().security_events,
        ids.security_event(security_event_id),
        lambda event: event.triage(by=work.user, now=work.now, note=note),
        work,
    )
    return rendering.security_event(event.status, event.version)


@routes.post(
    "/security-events/<security_event_id>/close",
    "Close a security event",
    versioned=True,
    groups=(ADMIN,),
    problems=_BUSY | {409: "It is already closed."},
)
def close_security_event(
    security_event_id: SecurityEventId, body: Annotated[Closing, Body()], work: Work
) -> views.SecurityEventDetail:
    """Record that nothing more needs to be done about it."""
    event = deciding.decide(
        container().security_events,
        ids.security_event(security_event_id),
        lambda event: event.close(by=work.user, now=work.now, resolution=body.resolution),
        work,
    )
    return rendering.security_event(event.status, event.version)
