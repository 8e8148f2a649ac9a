"""The watch's commands: they translate, and nothing else."""

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
from api.observability.commands.recording import Command
from api.observability.parameters import AlertId, RuleId, SecurityEventId
from api.observability.resources import ADMIN, DEVELOPER, PREFIX, QUERIES
from api.web.leaving import refuse_leaving
from api.web.problems import InvalidParameter
from api.web.routing import Routes
from api.web.work import Work
from watchkeeper.observability import ids

_LEAVING = {410: "The account is being deleted, or was."}
_BUSY = {409: "Other requests change it all the time.", **_LEAVING}

routes = Routes(
    PREFIX,
    table=lambda: container().people,
    guard=refuse_leaving(lambda: container().people),
    elsewhere=[("GET", path) for path in QUERIES],
)


@routes.post("/metrics", "Record metrics", groups=(DEVELOPER, ADMIN), problems=_BUSY)
def record_metrics(body: Annotated[NewMetrics, Body()], work: Work) -> views.Recorded:
    """One metric, or up to 500 at once. Of those that come together each is taken or refused by itself, and the answer
    says which, and why; one that comes alone and cannot be taken is refused with 422.

    Where a result says `again`, there was no time, or others were faster. Send the same request with the same
    `Idempotency-Key` again: what was taken is not taken twice, and the answer is kept only once it is the last one.
    Without a key, send those again that say so. If nothing at all could be taken for now, it is answered with 503."""
    sent = body.sent
    parts, budget = container(), container().settings.budget
    parts.deadline.start(budget.request_seconds + recording.SECONDS_PER_SERIES * recording.series_of(sent))
    outcome = recording.record(
        parts.metrics, sent, Command(work.command_id, deciding.cause_of(work), work.now, work.given_at)
    )
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
    problems=_BUSY | {409: "There are 200 rules that are not retired."},
)
def define_alert_rule(body: Annotated[NewAlertRule, Body()], work: Work) -> views.AlertRuleDetail:
    """It watches values that are recorded from now on. A rule is never changed: retire it, and define another. There
    are at most 200 that are not retired."""
    parts = container()
    rule = deciding.define_rule(parts.rules, parts.models, body, work)
    return rendering.alert_rule(rule.rule, rule.version)


@routes.post("/alert-rules/<rule_id>/retire", "Retire an alert rule", versioned=True, groups=(ADMIN,), problems=_BUSY)
def retire_alert_rule(rule_id: RuleId, work: Work) -> views.AlertRuleDetail:
    """It watches nothing any more, and its alerts are resolved. A second time changes nothing, but resolves what was
    left."""
    parts = container()
    rule = deciding.retire_rule(parts.rules, parts.alerts, parts.models, rule_id, work)
    return rendering.alert_rule(rule.rule, rule.version)


@routes.post(
    "/alerts/<alert_id>/acknowledge",
    "Take an alert on",
    versioned=True,
    groups=(DEVELOPER, ADMIN),
    problems=_BUSY | {409: "It is not open, or somebody else has acknowledged it."},
)
def acknowledge_alert(
    alert_id: AlertId, work: Work, body: Annotated[Acknowledgement | None, Body()] = None
) -> views.AlertDetail:
    """Somebody says that they see to it. The same person a second time changes nothing."""
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
    """It is over, whatever the values are. Values that breach the rule raise it again, after its cooldown."""
    alert = deciding.decide(
        container().alerts,
        ids.alert(alert_id),
        lambda alert: alert.resolve(by=work.user, now=work.now, reason=body.reason),
        work,
    )
    return rendering.alert(alert.status, alert.version)


@routes.post(
    "/security-events",
    "Tell of a security event",
    status=HTTPStatus.CREATED,
    versioned=True,
    groups=(ADMIN,),
    problems=_BUSY,
)
def detect_security_event(body: Annotated[NewSecurityEvent, Body()], work: Work) -> views.SecurityEventDetail:
    """Something that somebody should look at, and no system has noticed."""
    event = deciding.detect(container().security_events, body, work)
    return rendering.security_event(event.status, event.version)


@routes.post(
    "/security-events/<security_event_id>/triage",
    "Triage a security event",
    versioned=True,
    groups=(ADMIN,),
    problems=_BUSY | {409: "It is triaged or closed already."},
)
def triage_security_event(
    security_event_id: SecurityEventId, work: Work, body: Annotated[Triage | None, Body()] = None
) -> views.SecurityEventDetail:
    """Somebody has looked at it."""
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
    problems=_BUSY | {409: "It is closed already."},
)
def close_security_event(
    security_event_id: SecurityEventId, body: Annotated[Closing, Body()], work: Work
) -> views.SecurityEventDetail:
    """Nothing is left to be done about it."""
    event = deciding.decide(
        container().security_events,
        ids.security_event(security_event_id),
        lambda event: event.close(by=work.user, now=work.now, resolution=body.resolution),
        work,
    )
    return rendering.security_event(event.status, event.version)
