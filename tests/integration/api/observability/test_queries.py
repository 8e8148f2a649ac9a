"""What is read of the read models: filters, pages, spans of time, and what is gone."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from pydantic import ConfigDict, TypeAdapter, create_model

from tests.integration.api.asking import Asker
from tests.integration.api.conftest import Reply
from tests.integration.api.observability.conftest import NOON, Store
from tests.integration.tables import table_name
from watchkeeper import aws
from watchkeeper.clock import to_iso
from watchkeeper.dynamodb import Table
from watchkeeper.eventsourcing.event import Event
from watchkeeper.eventsourcing.read_models import KEYS, Generations
from watchkeeper.observability.errors import FailedEvent, error_event
from watchkeeper.observability.events import AlertRaised, AlertResolved, HealthChanged, SecurityEventDetected
from watchkeeper.observability.models import (
    AlertSeverity,
    AlertState,
    AlertStatus,
    Comparison,
    ComponentKind,
    Health,
    HealthStatus,
    Reason,
    SecuritySeverity,
    SecurityState,
    SecurityStatus,
)

PATHS = (
    "/metrics",
    "/metrics/latency/series",
    "/alert-rules",
    "/alert-rules/<rule>",
    "/alerts",
    "/alerts/<alert>",
    "/alerts/<alert>/history",
    "/alert-history",
    "/security-events",
    "/security-events/20261120T12-sign-in",
    "/health",
    "/errors",
)
LISTS = ("/metrics", "/alerts", "/alert-rules", "/alert-history", "/security-events", "/errors")


def event(data: Any, aggregate_id: str, sequence: int = 1, at: datetime = NOON) -> Event:
    return Event(
        id=f"{aggregate_id}/{sequence}",
        type=data.type,
        version=1,
        occurred_at=at,
        correlation_id="cause",
        data=data.encoded(),
        aggregate_id=aggregate_id,
        aggregate_type="Any",
        sequence=sequence,
        causation_id="cause",
        actor="evaluate-alerts",
    )


def an_alert(alert_id: str = "r.1", **changes: Any) -> AlertStatus:
    fields: dict[str, Any] = {
        "id": alert_id,
        "rule_id": alert_id.partition(".")[0],
        "rule_name": "slow",
        "metric": "latency",
        "series": "latency",
        "dimensions": {},
        "severity": AlertSeverity.WARNING,
        "comparison": Comparison.GT,
        "threshold": 1,
        "state": AlertState.OPEN,
        "episode": 1,
        "raised_at": NOON,
    }
    return AlertStatus(**fields | changes)


def a_security_event(event_id: str, at: datetime = NOON, **changes: Any) -> SecurityStatus:
    fields: dict[str, Any] = {
        "id": event_id,
        "kind": "leak",
        "severity": SecuritySeverity.HIGH,
        "summary": "A leak",
        "source": "a test",
        "state": SecurityState.DETECTED,
        "count": 1,
        "detected_at": at,
        "last_seen_at": at,
    }
    return SecurityStatus(**fields | changes)


def an_error(number: int, where: str = "projections", at: datetime = NOON) -> Any:
    failed = FailedEvent(f"event-{number}", "MetricRecorded", at, "metric:a", number)
    return error_event(failed, ValueError("it is wrong"), where=where, queue=where, occurred_at=at, correlation_id="c")


def health(name: str, status: HealthStatus, since: datetime = NOON) -> Health:
    kind = ComponentKind(name.partition("/")[0])
    reasons = () if status is HealthStatus.HEALTHY else (Reason("circuit", status, "It is left alone.", since),)
    return Health(name, kind, status, since, reasons)


def put_health(store: Store, *told: Health) -> None:
    for one in told:
        store.put(event(HealthChanged(one), f"system-health:{one.component}"))


def put_alerts(store: Store, *alerts: AlertStatus, at: datetime = NOON) -> None:
    for one in alerts:
        data = AlertResolved(one) if one.state is AlertState.RESOLVED else AlertRaised(one)
        store.put(event(data, f"alert:{one.id}", at=at))


def put_security_events(store: Store, *events: SecurityStatus) -> None:
    for one in events:
        store.put(event(SecurityEventDetected(one), f"security-event:{one.id}", at=one.detected_at))


def read_models() -> Table:
    return Table(aws.dynamodb_client(), table_name("read-models"))


def ids(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.text
    return [one["id"] for one in reply.json["items"]]


def all_pages(ask: Asker, path: str) -> list[list[Any]]:
    pages: list[list[Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        reply = ask.get(f"{path}{'&' if '?' in path else '?'}cursor={cursor}")
        assert reply.status == 200, reply.text
        pages.append(reply.json["items"])
        cursor = reply.json["cursor"]
    return pages


def refused(reply: Reply) -> list[str]:
    assert reply.status == 422, reply.text
    return [error["parameter"] for error in reply.json["errors"]]


@pytest.fixture
def everything(admin: Asker, store: Store) -> dict[str, str]:
    """One of each; the ids of the rule and the alert."""
    rule = {"name": "slow", "metric": "latency", "comparison": "gt", "threshold": 2}
    made = admin.post("/alert-rules", rule).json["id"]
    admin.post("/metrics", {"name": "latency", "value": 3, "unit": "Seconds", "dimensions": {"app": "a"}})
    store.evaluate()
    store.project()
    put_security_events(store, a_security_event("20261120T12-sign-in"))
    put_health(store, health("upstream/lore", HealthStatus.DOWN))
    store.put_error(an_error(1))
    return {"rule": made, "alert": admin.get("/alerts").json["items"][0]["id"]}


def filled(path: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        path = path.replace(f"<{name}>", value)
    return path


def view_at(path: str) -> Any:
    """The shape that is documented."""
    from api.observability.queries.handler import application
    from api.observability.queries.routes import routes

    candidates = [*application.resolver._static_routes, *application.resolver._dynamic_routes]
    route = next(route for route in candidates if route.rule.match(routes.prefix + path))
    return routes.operations[str(route.operation_id)].view


class TestAnswers:
    @pytest.mark.parametrize("path", PATHS)
    def test_every_answer_is_of_the_documented_shape(
        self, viewer: Asker, everything: dict[str, str], path: str
    ) -> None:
        asked = filled(path, everything)
        reply, view = viewer.get(asked), view_at(asked)

        assert reply.status == 200, reply.text
        strict: Any = create_model("Strict", __config__=ConfigDict(extra="forbid"), answer=(view, ...))
        TypeAdapter(strict).validate_json(f'{{"answer": {reply.text}}}', strict=True)
        assert reply.json.get("items", [None]), "it shows nothing"
        assert reply.headers["Cache-Control"] == "no-cache"

    @pytest.mark.parametrize("path", PATHS)
    def test_what_did_not_change_is_not_sent_again(self, viewer: Asker, everything: dict[str, str], path: str) -> None:
        first = viewer.get(filled(path, everything))

        again = viewer.get(filled(path, everything), {"If-None-Match": first.headers["ETag"]})

        assert (again.status, again.octets) == (304, b"")

    @pytest.mark.parametrize("path", LISTS)
    def test_where_nothing_is_there_is_an_empty_list(self, viewer: Asker, path: str) -> None:
        assert viewer.get(path).json == {"items": [], "cursor": None}

    @pytest.mark.parametrize(
        "path", ["/alerts/none", "/alert-rules/none", "/alerts/none/history", "/security-events/x", "/metrics/x/series"]
    )
    def test_what_is_not_there_is_not_found(self, viewer: Asker, path: str) -> None:
        assert viewer.get(path).status == 404

    @pytest.mark.parametrize("path", LISTS)
    def test_a_cursor_is_of_one_query(self, viewer: Asker, path: str) -> None:
        assert viewer.get(f"{path}?cursor=x").status == 400
        assert refused(viewer.get(f"{path}?limit=101")) == ["limit"]

    @pytest.mark.parametrize("path", [*LISTS, "/alerts/<alert>/history", "/metrics/latency/series", "/health"])
    def test_a_row_that_cannot_be_read_is_left_out_and_logged(
        self, admin: Asker, everything: dict[str, str], path: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = filled(path, everything)
        before = admin.get(path).json
        for item in list(read_models().scan()):
            if "record" in item:
                read_models().put({**item, "sk": str(item["sk"]) + "~", "record": "{}"}, keys=KEYS)

        assert admin.get(path).json == before
        assert "a row of a read model cannot be read" in caplog.text

    def test_one_that_is_asked_for_by_itself_is_our_own_fault(self, viewer: Asker, everything: dict[str, str]) -> None:
        for item in list(read_models().scan()):
            if "record" in item:
                read_models().put({**item, "record": "{}"}, keys=KEYS)

        assert viewer.get(filled("/alerts/<alert>", everything)).status == 500
        assert viewer.get("/alerts?state=open").json == {"items": [], "cursor": None}

    def test_it_is_read_of_the_generation_that_is_to_be_read(self, viewer: Asker, store: Store) -> None:
        put_health(store, health("service/api", HealthStatus.DOWN))
        store.models.change("health-board", Generations(), Generations(read="2"))

        assert viewer.get("/health").json["components"] == []


class TestLatestMetrics:
    @pytest.fixture
    def sent(self, admin: Asker, store: Store) -> None:
        for name, dimensions, age in (
            ("cpu", {}, 0),
            ("cpu", {"app": "a", "host": "x"}, 1),
            ("cpu", {"app": "b", "host": "x"}, 3),
            ("cpu.idle", {}, 0),
            ("disk", {"host": "y"}, 5),
        ):
            at = to_iso(NOON - timedelta(hours=age))
            admin.post("/metrics", {"name": name, "value": 0.25, "dimensions": dimensions, "at": at})
        store.project()

    @pytest.mark.usefixtures("sent")
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", ["cpu", "cpu.idle", "cpu{app=a,host=x}", "cpu{app=b,host=x}", "disk{host=y}"]),
            ("?name=cpu", ["cpu", "cpu.idle", "cpu{app=a,host=x}", "cpu{app=b,host=x}"]),
            ("?name=cpu.", ["cpu.idle"]),
            ("?dimension=host:x", ["cpu{app=a,host=x}", "cpu{app=b,host=x}"]),
            ("?dimension=host:x&dimension=app:b", ["cpu{app=b,host=x}"]),
            ("?stale_since=2026-11-20T10:00:00Z", ["cpu{app=b,host=x}", "disk{host=y}"]),
            ("?name=disk&stale_since=2026-11-20T07:00:00Z", []),
        ],
    )
    def test_they_are_found_by_name_dimension_and_age(self, viewer: Asker, query: str, found: list[str]) -> None:
        assert [one["series"] for one in viewer.get(f"/metrics{query}").json["items"]] == found

    @pytest.mark.usefixtures("sent")
    def test_one_says_all_of_its_newest_value(self, viewer: Asker) -> None:
        assert viewer.get("/metrics?name=disk").json["items"] == [
            {
                "series": "disk{host=y}",
                "name": "disk",
                "dimensions": {"host": "y"},
                "unit": "None",
                "value": "0.25",
                "at": "2026-11-20T07:00:00Z",
            }
        ]

    @pytest.mark.usefixtures("sent")
    @pytest.mark.parametrize("query", ["?limit=2", "?limit=2&name=c", "?limit=2&dimension=host:x"])
    def test_page_by_page_it_is_the_same(self, viewer: Asker, query: str) -> None:
        pages = all_pages(viewer, f"/metrics{query}")

        assert all(len(page) <= 2 for page in pages)
        assert [one for page in pages for one in page] == viewer.get(
            f"/metrics{query.replace('limit=2', 'limit=100')}"
        ).json["items"]

    @pytest.mark.usefixtures("sent")
    def test_the_link_to_the_next_page_asks_the_same(self, viewer: Asker) -> None:
        query = "dimension=host:x&stale_since=2026-11-20T13:30:00%2B01:00&limit=1"
        first = viewer.get(f"/metrics?{query}")
        reference = first.headers["Link"].removeprefix("<").removesuffix('>; rel="next"')

        following = viewer.get(f"/metrics{reference}")

        assert [one["series"] for one in first.json["items"]] == ["cpu{app=a,host=x}"]
        assert [one["series"] for one in following.json["items"]] == ["cpu{app=b,host=x}"]

    @pytest.mark.usefixtures("sent")
    def test_a_page_may_be_of_another_length_and_of_no_other_filter(self, viewer: Asker) -> None:
        cursor = viewer.get("/metrics?name=cpu&limit=1").json["cursor"]

        assert len(viewer.get(f"/metrics?name=cpu&limit=2&cursor={cursor}").json["items"]) == 2
        assert viewer.get(f"/metrics?name=c&cursor={cursor}").status == 400

    @pytest.mark.usefixtures("sent")
    def test_what_had_no_value_for_long_is_gone(self, viewer: Asker, time: time_machine.Traveller) -> None:
        time.shift(timedelta(days=30) - timedelta(hours=2))

        assert [one["series"] for one in viewer.get("/metrics").json["items"]] == [
            "cpu",
            "cpu.idle",
            "cpu{app=a,host=x}",
        ]

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ("name=9", "name"),
            ("dimension=host", "dimension"),
            ("dimension=a:1&dimension=a:2", "dimension"),
            ("stale_since=late", "stale_since"),
        ],
    )
    def test_what_means_nothing_is_refused(self, viewer: Asker, query: str, parameter: str) -> None:
        assert refused(viewer.get(f"/metrics?{query}")) == [parameter]


class TestSeries:
    PATH = "/metrics/latency/series"

    def record(self, admin: Asker, store: Store, *values: tuple[str, Any], **dimensions: str) -> None:
        sent = [{"name": "latency", "value": value, "at": at, "dimensions": dimensions} for at, value in values]
        reply = admin.post("/metrics", {"metrics": sent})
        assert reply.json["refused"] == 0, reply.text
        store.project()

    def test_it_is_of_the_last_hour_by_minute_unless_it_is_asked_otherwise(self, admin: Asker, store: Store) -> None:
        self.record(
            admin,
            store,
            ("2026-11-20T10:59:59Z", 9),
            ("2026-11-20T11:00:00Z", 1),
            ("2026-11-20T11:30:10Z", 2),
            ("2026-11-20T11:30:50Z", 3),
            ("2026-11-20T12:00:00Z", 4),
        )

        assert admin.get(self.PATH).json == {
            "name": "latency",
            "period": "minute",
            "stat": "avg",
            "since": "2026-11-20T11:00:00Z",
            "until": "2026-11-20T12:00:00Z",
            "items": [
                {
                    "series": "latency",
                    "dimensions": {},
                    "unit": "None",
                    "buckets": [
                        {"start": "2026-11-20T11:00:00Z", "value": "1", "count": 1},
                        {"start": "2026-11-20T11:30:00Z", "value": "2.5", "count": 2},
                        {"start": "2026-11-20T12:00:00Z", "value": "4", "count": 1},
                    ],
                }
            ],
        }

    @pytest.mark.parametrize(
        ("stat", "value"), [("avg", "0.333333333333333"), ("sum", "1"), ("min", "-1"), ("max", "1.5"), ("count", "3")]
    )
    def test_each_statistic(self, admin: Asker, store: Store, stat: str, value: str) -> None:
        self.record(admin, store, *(("2026-11-20T11:30:00Z", one) for one in (0.5, -1, 1.5)))

        (series,) = admin.get(f"{self.PATH}?stat={stat}").json["items"]
        assert [bucket["value"] for bucket in series["buckets"]] == [value]

    @pytest.mark.parametrize(
        ("query", "starts"),
        [
            ("period=hour", ["2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z"]),
            ("period=day", ["2026-11-20T00:00:00Z"]),
            ("from=2026-11-20T10:30:30Z&to=2026-11-20T10:59:00Z", ["2026-11-20T10:30:00Z", "2026-11-20T10:59:00Z"]),
            ("from=2026-11-20&to=2026-11-20&period=hour", ["2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z"]),
            ("from=2026-11-19&to=2026-11-19&period=hour", []),
            ("from=2026-11-20T11:10:00%2B01:00&to=2026-11-20T11:35:00%2B01:00", ["2026-11-20T10:30:00Z"]),
            ("to=2026-11-20", ["2026-11-20T11:00:00Z"]),
            ("to=2030-01-01", ["2026-11-20T11:00:00Z"]),
        ],
    )
    def test_from_when_to_when_and_by_what(self, admin: Asker, store: Store, query: str, starts: list[str]) -> None:
        self.record(admin, store, ("2026-11-20T10:30:45Z", 1), ("2026-11-20T10:59:59Z", 2), ("2026-11-20T11:00:00Z", 3))

        (series,) = admin.get(f"{self.PATH}?{query}").json["items"]
        assert [bucket["start"] for bucket in series["buckets"]] == starts

    def test_it_is_of_all_series_with_the_dimensions_that_are_named(self, admin: Asker, store: Store) -> None:
        self.record(admin, store, ("2026-11-20T11:30:00Z", 1))
        self.record(admin, store, ("2026-11-20T11:30:00Z", 2), app="a", host="x")
        self.record(admin, store, ("2026-11-20T11:30:00Z", 3), app="b", host="x")
        admin.post("/metrics", {"name": "latency-other", "value": 1})
        store.project()

        def found(query: str) -> list[str]:
            return [one["series"] for one in admin.get(self.PATH + query).json["items"]]

        assert found("") == ["latency", "latency{app=a,host=x}", "latency{app=b,host=x}"]
        assert found("?dimension=host:x") == ["latency{app=a,host=x}", "latency{app=b,host=x}"]
        assert found("?dimension=app:b&dimension=host:x") == ["latency{app=b,host=x}"]
        assert found("?exact=true") == ["latency"]
        assert found("?exact=true&dimension=host:x,app:a") == ["latency{app=a,host=x}"]
        assert admin.get(f"{self.PATH}?dimension=app:c").status == 404
        assert admin.get(f"{self.PATH}?exact=true&dimension=host:x").status == 404

    def test_too_many_series_are_to_be_narrowed(self, admin: Asker, store: Store) -> None:
        for number in range(11):
            self.record(admin, store, ("2026-11-20T11:30:00Z", 1), host=f"h{number}")

        assert refused(admin.get(self.PATH)) == ["dimension"]
        assert len(admin.get(f"{self.PATH}?dimension=host:h7").json["items"]) == 1

    def test_one_series_exactly_is_found_among_however_many(
        self, admin: Asker, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("api.web.paging.MAX_ROWS", 0)
        self.record(admin, store, ("2026-11-20T11:30:00Z", 1), app="a", host="x")
        self.record(admin, store, ("2026-11-20T11:30:00Z", 2), app="a", host="x", zone="1")

        (series,) = admin.get(f"{self.PATH}?dimension=host:x&dimension=app:a&exact=true").json["items"]

        assert series["series"] == "latency{app=a,host=x}"

    def test_a_series_is_no_less_among_those_with_its_dimensions_for_being_named_fully(
        self, admin: Asker, store: Store
    ) -> None:
        self.record(admin, store, ("2026-11-20T11:30:00Z", 1), app="a")
        self.record(admin, store, ("2026-11-20T11:30:00Z", 2), app="a", host="x")

        found = [one["series"] for one in admin.get(f"{self.PATH}?dimension=app:a").json["items"]]

        assert found == ["latency{app=a,host=x}", "latency{app=a}"]

    def test_a_series_that_went_silent_is_found_beside_one_that_did_not(
        self, admin: Asker, store: Store, time: time_machine.Traveller
    ) -> None:
        self.record(admin, store, ("2026-11-20T11:30:00Z", 1))
        time.shift(timedelta(days=40))
        self.record(admin, store, ("2026-12-30T11:30:00Z", 2), app="a")

        (series,) = admin.get(f"{self.PATH}?period=day&from=2026-11-01&exact=true").json["items"]

        assert (series["series"], len(series["buckets"])) == ("latency", 1)

    def test_a_metric_of_very_many_series_is_not_looked_through(
        self, admin: Asker, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(4):
            self.record(admin, store, ("2026-11-20T11:30:00Z", 1), app="a", host=f"h{number}")
        found = admin.get(f"{self.PATH}?dimension=app:a").json["items"]

        monkeypatch.setattr("api.web.paging.MAX_ROWS", 4)
        assert admin.get(f"{self.PATH}?dimension=app:a").json["items"] == found
        monkeypatch.setattr("api.web.paging.MAX_ROWS", 3)
        assert refused(admin.get(f"{self.PATH}?dimension=app:a")) == ["dimension"]

    def test_days_outlive_the_newest_value(self, admin: Asker, store: Store, time: time_machine.Traveller) -> None:
        self.record(admin, store, ("2026-11-20T11:30:00Z", 1), app="a")
        time.shift(timedelta(days=40))

        (series,) = admin.get(f"{self.PATH}?period=day&from=2026-11-01&dimension=app:a").json["items"]
        assert (series["unit"], len(series["buckets"])) == ("None", 1)
        assert admin.get(f"{self.PATH}?period=minute&from=2026-11-20T11:00:00Z&to=2026-11-20T12:00:00Z").status == 404

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ("from=x", "from"),
            ("to=x", "to"),
            ("from=2026-11-20&to=2026-11-19", "to"),
            ("from=2026-11-18T00:00:00Z&to=2026-11-19T00:00:01Z", "from"),
            ("period=hour&from=2026-10-01", "from"),
            ("period=day&from=2025-01-01", "from"),
            ("period=week", "period"),
            ("stat=median", "stat"),
            ("dimension=x", "dimension"),
            ("to=0001-01-01", "to"),
            ("from=9999-12-31", "from"),
            ("exact=perhaps", "exact"),
        ],
    )
    def test_what_means_nothing_is_refused(self, viewer: Asker, query: str, parameter: str) -> None:
        assert refused(viewer.get(f"{self.PATH}?{query}")) == [parameter]


class TestAlerts:
    @pytest.fixture
    def alerts(self, store: Store) -> None:
        put_alerts(
            store,
            an_alert("a.1"),
            an_alert("a.2", state=AlertState.ACKNOWLEDGED, severity=AlertSeverity.CRITICAL),
            an_alert("b.1", state=AlertState.RESOLVED, metric="size"),
            an_alert("b.2", metric="size", severity=AlertSeverity.INFO),
        )

    @pytest.mark.usefixtures("alerts")
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", ["a.1", "a.2", "b.2"]),
            ("?state=resolved", ["b.1"]),
            ("?state=resolved&state=open", ["a.1", "b.1", "b.2"]),
            ("?severity=critical&severity=info", ["a.2", "b.2"]),
            ("?rule=a", ["a.1", "a.2"]),
            ("?metric=size", ["b.2"]),
            ("?metric=size&rule=a", []),
        ],
    )
    def test_the_raised_ones_are_listed_unless_others_are_asked_for(
        self, viewer: Asker, query: str, found: list[str]
    ) -> None:
        assert ids(viewer.get(f"/alerts{query}")) == found

    @pytest.mark.usefixtures("alerts")
    def test_those_of_a_rule_are_found_among_however_many(self, viewer: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("api.web.paging.MAX_ROWS", 2)

        reply = viewer.get("/alerts?rule=b")

        assert (ids(reply), reply.json["cursor"]) == (["b.2"], None)

    @pytest.mark.usefixtures("alerts")
    def test_page_by_page_it_is_the_same(self, viewer: Asker) -> None:
        pages = all_pages(viewer, "/alerts?limit=1")

        assert [one["id"] for page in pages for one in page] == ["a.1", "a.2", "b.2"]

    @pytest.mark.usefixtures("alerts")
    def test_what_was_resolved_long_ago_is_gone(self, viewer: Asker, time: time_machine.Traveller) -> None:
        time.shift(timedelta(days=30))

        assert ids(viewer.get("/alerts?state=resolved")) == []
        assert viewer.get("/alerts/b.1").status == 404
        assert viewer.get("/alerts/a.1").status == 200

    def test_a_retired_rule_is_listed_on_demand(self, admin: Asker, store: Store) -> None:
        rule = {"name": "slow", "metric": "latency", "comparison": "gt", "threshold": 2}
        kept, gone = (admin.post("/alert-rules", rule).json["id"] for _ in range(2))
        admin.post(f"/alert-rules/{gone}/retire")
        store.project()

        assert ids(admin.get("/alert-rules")) == [kept]
        assert ids(admin.get("/alert-rules?retired=true&metric=latency")) == sorted((kept, gone))
        assert ids(admin.get("/alert-rules?metric=size")) == []

    @pytest.mark.parametrize("query", ["state=new", "severity=high", "metric=9", "rule="])
    def test_what_means_nothing_is_refused(self, viewer: Asker, query: str) -> None:
        assert refused(viewer.get(f"/alerts?{query}")) == [query.partition("=")[0]]


class TestHistory:
    @pytest.fixture
    def past(self, store: Store) -> None:
        """Raised and resolved on the first of some months."""
        for month in (8, 9, 10, 11):
            at = NOON.replace(month=month, day=1)
            name = f"a.{month}"
            store.put(event(AlertRaised(an_alert(name)), f"alert:{name}", 1, at))
            resolved = an_alert(name, state=AlertState.RESOLVED, severity=AlertSeverity.CRITICAL)
            store.put(event(AlertResolved(resolved), f"alert:{name}", 2, at + timedelta(hours=1)))

    def told(self, reply: Reply) -> list[str]:
        assert reply.status == 200, reply.text
        return [f"{one['at'][5:7]} {one['type']}" for one in reply.json["items"]]

    @pytest.mark.usefixtures("past")
    def test_it_is_of_the_last_thirty_days_unless_it_is_asked_otherwise(self, viewer: Asker) -> None:
        reply = viewer.get("/alert-history")

        assert self.told(reply) == ["11 AlertResolved", "11 AlertRaised"]
        assert reply.json["items"][0]["actor"] == "evaluate-alerts"
        assert reply.json["items"][0]["alert"]["version"] == 2

    @pytest.mark.usefixtures("past")
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("from=2026-08-01", "11 11 10 10 09 09 08 08"),
            ("from=2020-01-01", "11 11 10 10 09 09 08 08"),
            ("from=2026-08-01T12:00:01Z&to=2026-10-01T12:00:00Z", "10 09 09 08"),
            ("from=2026-09-01&to=2026-09-01", "09 09"),
            ("from=2026-08-01&severity=warning", "11 10 09 08"),
            ("from=2026-08-01&rule=b", ""),
            ("from=2026-08-01&metric=latency&severity=critical", "11 10 09 08"),
            ("to=2026-09-15", "09 09"),
        ],
    )
    def test_from_when_to_when_and_of_what(self, viewer: Asker, query: str, found: str) -> None:
        assert " ".join(one[:2] for one in self.told(viewer.get(f"/alert-history?{query}"))) == found

    @pytest.mark.usefixtures("past")
    @pytest.mark.parametrize("limit", [1, 2, 3, 7])
    def test_page_by_page_it_is_the_same_across_months(self, viewer: Asker, limit: int) -> None:
        whole = viewer.get("/alert-history?from=2026-08-01").json["items"]

        pages = all_pages(viewer, f"/alert-history?from=2026-08-01&limit={limit}")

        assert [one for page in pages for one in page] == whole
        assert all(len(page) <= limit for page in pages)

    @pytest.mark.usefixtures("past")
    def test_that_of_one_alert_is_newest_first(self, viewer: Asker) -> None:
        assert self.told(viewer.get("/alerts/a.8/history")) == ["08 AlertResolved", "08 AlertRaised"]
        assert len(all_pages(viewer, "/alerts/a.8/history?limit=1")) == 2

    def test_that_of_an_alert_that_was_never_raised_is_empty(self, admin: Asker, store: Store) -> None:
        rule = {"name": "slow", "metric": "latency", "comparison": "gt", "threshold": 2, "breaches": 2}
        admin.post("/alert-rules", rule)
        admin.post("/metrics", {"name": "latency", "value": 3})
        store.evaluate()
        store.project()
        (pending,) = ids(admin.get("/alerts?state=pending"))

        assert admin.get(f"/alerts/{pending}/history").json == {"items": [], "cursor": None}

    @pytest.mark.parametrize("query", ["from=x", "to=x", "from=2026-11-02&to=2026-11-01", "severity=bad"])
    def test_what_means_nothing_is_refused(self, viewer: Asker, query: str) -> None:
        expected = "to" if "&" in query else query.partition("=")[0]
        assert refused(viewer.get(f"/alert-history?{query}")) == [expected]


class TestSecurityEvents:
    @pytest.fixture
    def told(self, store: Store) -> None:
        put_security_events(
            store,
            a_security_event("20261120T11-sign-in", NOON - timedelta(minutes=20), severity=SecuritySeverity.LOW),
            a_security_event("20261120T113000Z-00000000", NOON - timedelta(minutes=30)),
            a_security_event("20261110T120000Z-00000000", NOON - timedelta(days=10), state=SecurityState.CLOSED),
            a_security_event("20260901T120000Z-00000000", NOON - timedelta(days=80)),
        )

    @pytest.mark.usefixtures("told")
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", ["20261120T113000Z-00000000", "20261120T11-sign-in", "20261110T120000Z-00000000"]),
            (
                "?state=detected,triaged",
                ["20261120T113000Z-00000000", "20261120T11-sign-in", "20260901T120000Z-00000000"],
            ),
            ("?state=detected&to=2026-11-19", ["20260901T120000Z-00000000"]),
            ("?state=detected&from=2026-11-01", ["20261120T113000Z-00000000", "20261120T11-sign-in"]),
            ("?state=detected&state=closed&severity=low", ["20261120T11-sign-in"]),
            ("?severity=low&severity=critical", ["20261120T11-sign-in"]),
            ("?from=2026-11-20T11:35:00Z", ["20261120T11-sign-in"]),
            ("?from=2026-11-20T11:30:00Z&to=2026-11-20T11:30:00Z", ["20261120T113000Z-00000000"]),
            ("?from=2026-01-01&to=2026-11-10", ["20261110T120000Z-00000000", "20260901T120000Z-00000000"]),
            ("?to=2026-11-12&state=detected,closed", ["20261110T120000Z-00000000"]),
        ],
    )
    def test_the_newest_come_first(self, viewer: Asker, query: str, found: list[str]) -> None:
        assert ids(viewer.get(f"/security-events{query}")) == found

    @pytest.mark.usefixtures("told")
    def test_page_by_page_it_is_the_same(self, viewer: Asker) -> None:
        pages = all_pages(viewer, "/security-events?from=2026-01-01&limit=1")

        assert [one["id"] for page in pages for one in page] == ids(viewer.get("/security-events?from=2026-01-01"))

    @pytest.mark.usefixtures("told")
    def test_it_is_gone_after_400_days(self, viewer: Asker, time: time_machine.Traveller) -> None:
        time.shift(timedelta(days=400))

        assert viewer.get("/security-events/20261110T120000Z-00000000").status == 404
        assert ids(viewer.get("/security-events?from=2026-01-01")) == []


class TestHealth:
    def test_before_anything_is_known_it_is_unknown(self, viewer: Asker) -> None:
        assert viewer.get("/health").json == {"status": "unknown", "since": None, "components": []}

    def test_all_are_healthy(self, viewer: Asker, store: Store) -> None:
        put_health(store, health("service/api", HealthStatus.HEALTHY), health("upstream/lore", HealthStatus.HEALTHY))

        board = viewer.get("/health").json

        assert (board["status"], board["since"]) == ("healthy", None)
        assert [one["component"] for one in board["components"]] == ["service/api", "upstream/lore"]

    def test_the_worst_tells_how_the_whole_is_and_since_when(self, viewer: Asker, store: Store) -> None:
        put_health(
            store,
            health("service/api", HealthStatus.DEGRADED, NOON - timedelta(hours=5)),
            health("service/ingest", HealthStatus.DOWN, NOON - timedelta(hours=1)),
            health("upstream/lore", HealthStatus.DOWN, NOON - timedelta(hours=2)),
            health("upstream/patchwork", HealthStatus.HEALTHY),
        )

        board = viewer.get("/health").json

        assert (board["status"], board["since"]) == ("down", "2026-11-20T10:00:00Z")
        assert board["components"][2] == {
            "component": "upstream/lore",
            "kind": "upstream",
            "status": "down",
            "previous": None,
            "since": "2026-11-20T10:00:00Z",
            "reasons": [
                {"key": "circuit", "status": "down", "text": "It is left alone.", "since": "2026-11-20T10:00:00Z"}
            ],
        }


class TestErrors:
    @pytest.fixture
    def failed(self, store: Store) -> None:
        for number in range(3):
            store.put_error(an_error(number, at=NOON - timedelta(days=number)))
        store.put_error(an_error(9, where="publish-events", at=NOON - timedelta(days=1)))

    @pytest.mark.usefixtures("failed")
    def test_one_says_what_failed_where_and_how_it_is_done_again(self, viewer: Asker) -> None:
        first = viewer.get("/errors").json["items"][0]

        assert {name: value for name, value in first.items() if name != "id"} == {
            "occurred_at": "2026-11-20T12:00:00Z",
            "where": "projections",
            "error": "ValueError",
            "cause": "it is wrong",
            "event": {
                "id": "event-0",
                "type": "MetricRecorded",
                "occurred_at": "2026-11-20T12:00:00Z",
                "aggregate_id": "metric:a",
                "sequence": 0,
            },
            "again": "projections",
            "correlation_id": "c",
        }

    def test_an_event_that_failed_again_is_one_error_of_the_last_time(self, viewer: Asker, store: Store) -> None:
        failed = an_error(1, at=NOON - timedelta(hours=2))
        later = replace(failed, occurred_at=NOON, data={**failed.data, "error": "KeyError"})
        for one in (failed, later, failed):
            store.put_error(one)

        [found] = viewer.get("/errors").json["items"]

        assert (found["error"], found["occurred_at"]) == ("KeyError", "2026-11-20T12:00:00Z")
        assert found["event"]["occurred_at"] == "2026-11-20T10:00:00Z"

    def test_what_was_told_as_it_was_is_shown_without_secrets(self, viewer: Asker, store: Store) -> None:
        failed = an_error(1)
        poisoned = {**failed.data["event"], "occurred_at": "2026-11-19T99:00:00Z"}
        secret = "token=hunter2hunter2 of ada@example.org"
        poisoned |= {"id": secret, "type": secret, "aggregate_id": secret}
        data = {**failed.data, "error": secret, "cause": secret, "event": poisoned}
        store.put_error(replace(failed, data=data, correlation_id=secret))

        [found] = viewer.get("/errors").json["items"]

        event = found["event"]
        told = [found["error"], found["cause"], found["correlation_id"], event["id"], event["type"]]
        assert {*told, event["aggregate_id"]} == {"token=[redacted] of [address]"}
        assert event["occurred_at"] is None

    def test_what_is_shown_of_a_malformed_event_is_not_long(self, viewer: Asker, store: Store) -> None:
        failed = an_error(1)
        store.put_error(replace(failed, data={**failed.data, "event": {**failed.data["event"], "type": "x" * 9999}}))

        [found] = viewer.get("/errors").json["items"]

        assert len(found["event"]["type"]) == 1000

    @pytest.mark.parametrize(
        ("ahead", "query"),
        [(timedelta(hours=2), ""), (timedelta(days=9), "?to=2026-12-24"), (-timedelta(days=70), "?from=2026-01-01")],
    )
    def test_one_is_found_whatever_time_its_event_says(
        self, viewer: Asker, store: Store, ahead: timedelta, query: str
    ) -> None:
        error = an_error(1, at=NOON + ahead)
        store.put_error(replace(error, occurred_at=NOON))

        assert len(viewer.get(f"/errors{query}").json["items"]) == 1

    @pytest.mark.usefixtures("failed")
    @pytest.mark.parametrize(
        ("query", "days"),
        [
            ("", [20, 19, 19, 18]),
            ("?where=publish-events", [19]),
            ("?from=2026-11-19", [20, 19, 19]),
            ("?from=2026-11-18&to=2026-11-19", [19, 19, 18]),
            ("?where=nowhere", []),
        ],
    )
    def test_the_newest_come_first(self, viewer: Asker, query: str, days: list[int]) -> None:
        found = viewer.get(f"/errors{query}").json["items"]

        assert [int(one["occurred_at"][8:10]) for one in found] == days
        pages = all_pages(viewer, f"/errors{query or '?'}&limit=1")
        assert [one for page in pages for one in page] == found
