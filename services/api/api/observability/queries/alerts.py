"""Alert rules, alerts, and the history of alerts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.observability import rendering, views
from api.observability.queries.parameters import Span
from api.observability.queries.reading import Reading
from api.observability.rows import beginning, of_times
from api.web.paging import Slice
from watchkeeper.clock import from_iso, to_iso
from watchkeeper.eventsourcing.read_models import StoredRow
from watchkeeper.observability.models import AlertStatus, Rule
from watchkeeper.observability.projections import ALERT_HISTORY, ALERT_RULES, ALERTS


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Criteria for alerts; an empty one matches everything."""

    states: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    rule: str | None = None
    metric: str | None = None

    def matches(self, alert: views.AlertDetail) -> bool:
        return (
            (not self.states or alert["state"] in self.states)
            and (not self.severities or alert["severity"] in self.severities)
            and self.rule in (None, alert["rule_id"])
            and self.metric in (None, alert["metric"])
        )


def rules(
    reading: Reading, metric: str | None, *, retired: bool, limit: int, after: str | None
) -> Slice[views.AlertRuleDetail]:
    def matches(rule: views.AlertRuleDetail) -> bool:
        return metric in (None, rule["metric"]) and (retired or rule["retired_at"] is None)

    return reading.page(ALERT_RULES, _rule, matches=matches, limit=limit, after=after)


def rule(reading: Reading, rule_id: str) -> views.AlertRuleDetail:
    """Raises ``ItemNotFound``."""
    return _rule(reading.get(ALERT_RULES, rule_id))


def alerts(reading: Reading, wanted: AlertFilter, *, limit: int, after: str | None) -> Slice[views.AlertDetail]:
    of_rule = beginning(f"{wanted.rule}.") if wanted.rule else None
    return reading.page(ALERTS, _alert, matches=wanted.matches, between=of_rule, limit=limit, after=after)


def alert(reading: Reading, alert_id: str) -> views.AlertDetail:
    """Raises ``ItemNotFound``."""
    return _alert(reading.get(ALERTS, alert_id))


def history(
    reading: Reading, wanted: AlertFilter, span: Span, *, limit: int, after: str | None
) -> Slice[views.AlertChange]:
    """Newest first, month after month."""
    return reading.page(
        ALERT_HISTORY,
        _change,
        _months(span, after),
        matches=lambda change: wanted.matches(change["alert"]),
        between=of_times(*span.iso()),
        descending=True,
        limit=limit,
        after=after,
    )


def history_of(reading: Reading, alert_id: str, *, limit: int, after: str | None) -> Slice[views.AlertChange]:
    """Newest first. Raises ``ItemNotFound`` for an unknown alert."""
    found = reading.page(ALERT_HISTORY, _change, (f"alert#{alert_id}",), limit=limit, after=after, descending=True)
    if not found.items and after is None:
        reading.get(ALERTS, alert_id)
    return found


def _months(span: Span, after: str | None) -> Sequence[str]:
    """Newest first, starting at the month of the cursor if there is one: fourteen at most."""
    months: list[str] = []
    moment: datetime = min(span.until, from_iso(after.partition("#")[0])) if after else span.until
    while to_iso(moment)[:7] >= to_iso(span.since)[:7]:
        months.append(to_iso(moment)[:7])
        moment = moment.replace(day=1) - timedelta(days=1)
    return months


def _rule(kept: StoredRow) -> views.AlertRuleDetail:
    return rendering.alert_rule(Rule.of(kept.record), kept.stamp.sequence)


def _alert(kept: StoredRow) -> views.AlertDetail:
    return rendering.alert(AlertStatus.of(kept.record), kept.stamp.sequence)


def _change(kept: StoredRow) -> views.AlertChange:
    record = kept.record
    return views.AlertChange(
        type=record["type"],
        at=from_iso(record["at"]),
        actor=record["actor"],
        alert=rendering.alert(AlertStatus.of(record["alert"]), kept.stamp.sequence),
    )
