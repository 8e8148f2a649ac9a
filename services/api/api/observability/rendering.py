"""From domain models to response models."""

from api.observability import views
from watchkeeper.observability.models import AlertStatus, Health, Rule, SecurityStatus


def alert_rule(rule: Rule, version: int) -> views.AlertRuleDetail:
    return views.AlertRuleDetail(
        id=rule.id,
        version=version,
        name=rule.name,
        metric=rule.metric,
        dimensions=dict(rule.dimensions),
        comparison=rule.comparison.value,
        threshold=rule.threshold,
        clear_threshold=rule.clear_threshold,
        breaches=rule.breaches,
        cooldown_seconds=rule.cooldown_seconds,
        severity=rule.severity.value,
        defined_at=rule.defined_at,
        retired_at=rule.retired_at,
    )


def alert(status: AlertStatus, version: int) -> views.AlertDetail:
    return views.AlertDetail(
        id=status.id,
        version=version,
        state=status.state.value,
        severity=status.severity.value,
        rule_id=status.rule_id,
        rule_name=status.rule_name,
        metric=status.metric,
        series=status.series,
        dimensions=dict(status.dimensions),
        comparison=status.comparison.value,
        threshold=status.threshold,
        breaches=status.breaches,
        value=status.value,
        observed_at=status.observed_at,
        episode=status.episode,
        raised_at=status.raised_at,
        acknowledged_at=status.acknowledged_at,
        acknowledged_by=status.acknowledged_by,
        note=status.note,
        resolved_at=status.resolved_at,
        resolved_by=status.resolved_by,
        reason=status.reason,
    )


def security_event(status: SecurityStatus, version: int) -> views.SecurityEventDetail:
    return views.SecurityEventDetail(
        id=status.id,
        version=version,
        kind=status.kind,
        severity=status.severity.value,
        summary=status.summary,
        source=status.source,
        state=status.state.value,
        count=status.count,
        detected_at=status.detected_at,
        last_seen_at=status.last_seen_at,
        triaged_at=status.triaged_at,
        triaged_by=status.triaged_by,
        note=status.note,
        closed_at=status.closed_at,
        closed_by=status.closed_by,
        resolution=status.resolution,
    )


def component_health(health: Health) -> views.ComponentHealth:
    return views.ComponentHealth(
        component=health.component,
        kind=health.kind.value,
        status=health.status.value,
        previous=health.previous.value if health.previous else None,
        since=health.since,
        reasons=[
            views.HealthReason(key=one.key, status=one.status.value, text=one.text, since=one.since)
            for one in health.reasons
        ],
    )
