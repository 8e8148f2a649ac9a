"""Ids of aggregates, derived from their cause where possible, so that the same cause yields the same id."""

from datetime import UTC, datetime
from hashlib import sha256

from watchkeeper.observability.series import Series


def metric(series: Series) -> str:
    return f"metric:{series.text}"


def alert_rule(rule_id: str) -> str:
    return f"alert-rule:{rule_id}"


def alert(alert_id: str) -> str:
    return f"alert:{alert_id}"


def security_event(security_event_id: str) -> str:
    return f"security-event:{security_event_id}"


def system_health(component: str) -> str:
    return f"system-health:{component}"


def own(aggregate_id: str) -> str:
    """An aggregate's id without the prefix of its type, as people and read models use it."""
    return aggregate_id.partition(":")[2]


def rule_by(command_id: str) -> str:
    """The id of the rule that a command defines."""
    return _digest(command_id, 12)


def alert_of(rule_id: str, series: Series) -> str:
    """The id of a rule's alert for a series: there is one for each series it covers."""
    return f"{rule_id}.{_digest(series.text, 12)}"


def security_event_by(command_id: str, at: datetime) -> str:
    """The id of the security event that a command reports. Ids sort in order of time."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{_digest(command_id, 8)}"


def security_event_of_hour(kind: str, at: datetime) -> str:
    """The id of a security event that the system itself detects: one for each kind and hour, which counts repeats."""
    return f"{at.astimezone(UTC):%Y%m%dT%H}-{kind}"


def _digest(text: str, length: int) -> str:
    return sha256(text.encode()).hexdigest()[:length]
