"""One complete event of each type, as the bus delivers it."""

from copy import deepcopy
from typing import Any

from watchkeeper.clock import from_iso
from watchkeeper.observability.projections import Occurrence

SERIES = "fetch.seconds{source=news}"

_LATEST = {"at": "2026-11-20T21:04:31Z", "value": "-12.500000000000001"}
_METRIC = {
    "name": "fetch.seconds",
    "unit": "Seconds",
    "dimensions": {"source": "news"},
    "values": [_LATEST],
    "rollups": [
        {"period": period, "start": start, "count": 3, "sum": "1234567890123456.5", "min": "-12.5", "max": "7"}
        for period, start in (
            ("minute", "2026-11-20T21:04:00Z"),
            ("hour", "2026-11-20T21:00:00Z"),
            ("day", "2026-11-20T00:00:00Z"),
        )
    ],
}
_RULE = {
    "id": "0123456789ab",
    "name": "Langsame Abrufe – zu langsam",
    "metric": "fetch.seconds",
    "dimensions": {},
    "comparison": "gt",
    "threshold": "30",
    "clear_threshold": "25.5",
    "breaches": 3,
    "cooldown_seconds": 600,
    "severity": "critical",
    "defined_at": "2026-11-20T20:00:00Z",
}
_ALERT = {
    "id": "0123456789ab.0123456789ab",
    "rule_id": "0123456789ab",
    "rule_name": "Langsame Abrufe – zu langsam",
    "metric": "fetch.seconds",
    "series": SERIES,
    "dimensions": {"source": "news"},
    "severity": "critical",
    "comparison": "gt",
    "threshold": "30",
    "state": "open",
    "breaches": 3,
    "value": "31.25",
    "observed": 12,
    "observed_at": "2026-11-20T21:04:31Z",
    "episode": 2,
    "raised_at": "2026-11-20T21:04:31Z",
}
_SECURITY_EVENT = {
    "id": "20261120T210512Z-89abcdef",
    "kind": "refused-requests",
    "severity": "high",
    "summary": "",
    "source": "watch-access",
    "state": "detected",
    "count": 1,
    "detected_at": "2026-11-20T21:05:12Z",
    "last_seen_at": "2026-11-20T21:05:12Z",
}
_HEALTH = {
    "component": "upstream/lore",
    "kind": "upstream",
    "status": "degraded",
    "previous": "healthy",
    "since": "2026-11-20T21:05:12Z",
    "reasons": [
        {"key": "stale:threads", "status": "degraded", "text": "three hours old", "since": "2026-11-20T21:05:12Z"}
    ],
}
_ERROR = {
    "where": "publish-events",
    "error": "DeliveryFailed",
    "cause": "",
    "event": {
        "id": "e-7",
        "type": "AlertRaised",
        "occurred_at": "2026-11-20T21:05:59Z",
        "aggregate_id": "alert:1",
        "sequence": 3,
    },
    "again": {"queue": "publication"},
}
_AGGREGATES = {
    "MetricRecorded": (f"metric:{SERIES}", _METRIC),
    "AlertRuleDefined": ("alert-rule:0123456789ab", {"rule": _RULE}),
    "AlertRuleRetired": ("alert-rule:0123456789ab", {"rule": _RULE | {"retired_at": "2026-11-20T21:06:40Z"}}),
    "AlertPending": ("alert:0123456789ab.0123456789ab", {"alert": _ALERT | {"state": "pending"}}),
    "AlertCalmed": ("alert:0123456789ab.0123456789ab", {"alert": _ALERT | {"state": "quiet"}}),
    "AlertRaised": ("alert:0123456789ab.0123456789ab", {"alert": _ALERT}),
    "AlertAcknowledged": ("alert:0123456789ab.0123456789ab", {"alert": _ALERT | {"state": "acknowledged"}}),
    "AlertResolved": ("alert:0123456789ab.0123456789ab", {"alert": _ALERT | {"state": "resolved"}}),
    "SecurityEventDetected": ("security-event:1", {"security_event": _SECURITY_EVENT}),
    "SecurityEventRepeated": ("security-event:1", {"security_event": _SECURITY_EVENT | {"count": 2}}),
    "SecurityEventTriaged": ("security-event:1", {"security_event": _SECURITY_EVENT | {"state": "triaged"}}),
    "SecurityEventClosed": ("security-event:1", {"security_event": _SECURITY_EVENT | {"state": "closed"}}),
    "HealthChanged": ("system-health:upstream/lore", {"health": _HEALTH}),
}

SOURCED = tuple(_AGGREGATES)
TYPES = (*SOURCED, "ErrorOccurred")


def event(event_type: str, sequence: int = 1) -> dict[str, Any]:
    """What EventBridge starts the state machine with."""
    detail: dict[str, Any] = {
        "id": f"{event_type}-{sequence}",
        "type": event_type,
        "version": 1,
        "occurred_at": f"2026-11-20T21:06:{sequence:02d}Z",
        "correlation_id": "cause-1",
    }
    if event_type == "ErrorOccurred":
        return _on_the_bus("watchkeeper.errors", detail | {"data": deepcopy(_ERROR)})
    aggregate_id, data = _AGGREGATES[event_type]
    of_aggregate = {
        "aggregate_id": aggregate_id,
        "aggregate_type": aggregate_id.partition(":")[0],
        "sequence": sequence,
        "causation_id": "cause-1",
        "actor": "sub-1",
    }
    return _on_the_bus("watchkeeper.observability", detail | of_aggregate | {"data": deepcopy(data)})


def metric(sequence: int, series: str, value: str, minute: int) -> dict[str, Any]:
    """An event of a metric, told ``minute`` minutes after nine."""
    recorded = event("MetricRecorded", sequence)
    data = recorded["detail"]["data"]
    minutes, hour, day = data["rollups"]
    minutes["start"] = f"2026-11-20T21:{minute:02d}:00Z"
    for rollup in (minutes, hour, day):
        rollup |= {"count": sequence, "max": value}
    values = [{"at": f"2026-11-20T21:{minute:02d}:30Z", "value": value}]
    changes = {
        "id": f"{series}-{sequence}",
        "aggregate_id": f"metric:{series}",
        "data": data | {"name": series, "dimensions": {}, "values": values},
    }
    return recorded | {"detail": recorded["detail"] | changes}


def late_first_value() -> dict[str, Any]:
    """An event of a metric that has newer values, and no others in the minute of this one."""
    recorded = event("MetricRecorded", 3)
    data = recorded["detail"]["data"]
    data["latest"] = {"at": "2026-11-20T21:05:00Z", "value": "7"}
    data["rollups"][0] = {"period": "minute", "start": "2026-11-20T21:04:00Z", "count": 1, "sum": "-12.5"}
    return recorded


def occurrence(started: dict[str, Any]) -> Occurrence:
    detail = started["detail"]
    return Occurrence(
        id=detail["id"],
        type=detail["type"],
        version=detail["version"],
        aggregate_id=detail.get("aggregate_id", ""),
        sequence=detail.get("sequence") or int(from_iso(detail["occurred_at"]).timestamp()),
        occurred_at=detail["occurred_at"],
        correlation_id=detail["correlation_id"],
        actor=detail.get("actor", ""),
        data=detail["data"],
    )


def _on_the_bus(source: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "11112222-3333-4444-5555-666677778888",
        "detail-type": detail["type"],
        "source": source,
        "account": "123456789012",
        "time": "2026-11-20T21:06:41Z",
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
    }
