"""The board of a simulated stage: what it shows, and what it reports as needing attention."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from local import board, declared
from local.board import Row, Section, read_board
from local.report import board_lines, status, verdict
from local.stages import StageRefused
from scheduler.kernel.freshness import STALE_AFTER_SECONDS
from scheduler.markets.freshness import FUNDAMENTALS, STALE_AFTER

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
Answer = Callable[..., Any]


@dataclass
class FakeClient:
    """Answers with what it was given; a paginator is one page of the same."""

    answers: Mapping[str, Any]

    def __getattr__(self, operation: str) -> Answer:
        return lambda **request: self._answer(operation, request)

    def get_paginator(self, operation: str) -> Any:
        return FakePaginator(lambda **request: [self._answer(operation, request)])

    def _answer(self, operation: str, request: Mapping[str, Any]) -> Any:
        answer = self.answers[operation]
        answer = answer(**request) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class FakePaginator:
    paginate: Answer


@dataclass
class FakeStage:
    """A stage on which all is well, but for what is changed by operation."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    stage: str = "prod"

    def name(self, thing: str) -> str:
        return f"watchkeeper-{self.stage}-{thing}"

    def client(self, service: str) -> Any:
        return FakeClient({**WELL, **self.changes})


def answer_metrics(**values: list[float]) -> Answer:
    """Of a metric, by its name and statistic, as in `ErrorsSum`, for every function and queue."""

    def answer(MetricDataQueries: list[Any], **_: Any) -> Any:  # noqa: N803 -- as boto3 has it
        return {
            "MetricDataResults": [{"Id": one["Id"], "Values": values.get(_key(one), [])} for one in MetricDataQueries]
        }

    return answer


def _key(query: Mapping[str, Any]) -> str:
    return f"{query['MetricStat']['Metric']['MetricName']}{query['MetricStat']['Stat']}"


def depth(ready: int = 0, taken: int = 0, delayed: int = 0) -> Any:
    counts = zip(("Messages", "MessagesNotVisible", "MessagesDelayed"), (ready, taken, delayed), strict=True)
    return {"Attributes": {f"ApproximateNumberOf{kind}": str(count) for kind, count in counts}}


def source(name: str = "lore:leds", **record: Any) -> Any:
    """As the progress table has it, read five minutes ago."""
    run = {"id": "1", "mode": "recent", "started_at": moment(5), "fetched": 7, "stored": 3, "refused": 1}
    whole = {"phase": "live", "run": run, "last_success": moment(5), **record}
    return {"pk": {"S": "SOURCE"}, "sk": {"S": name}, "record": {"S": json.dumps(whole)}}


def moment(minutes: float) -> str:
    return (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def configuration(FunctionName: str) -> Any:  # noqa: N803
    calls = {"PER_SECOND": "1.25", "PER_MINUTE": "75", "PER_DAY": "25", "NEWS_PER_DAY": "5"}
    variables = {f"ALPHAVANTAGE_{name}": value for name, value in calls.items()}
    return {"Environment": {"Variables": {"PROJECTS": "", "LISTS": "leds", "MAINTENANCE_DAYS": "SUN", **variables}}}


def found_by(request: Mapping[str, Any]) -> list[Any]:
    """Every source there is, each watch's in its partition; no reminders."""
    place = next(iter(request["ExpressionAttributeValues"].values()))["S"]
    names = {"SOURCE": ["lore:leds"], "SOURCE#markets": list(board.MARKETS_LATE_AFTER)}
    return [source(name) for name in names.get(place, ())]


def sources(kernel: list[Any], markets: list[Any] | None = None) -> Answer:
    """These, and of the markets' all if none are given."""

    def answer(ExpressionAttributeValues: Mapping[str, Any], **request: Any) -> Any:  # noqa: N803
        place = next(iter(ExpressionAttributeValues.values()))["S"]
        if place == "SOURCE":
            return {"Items": kernel}
        found = found_by({"ExpressionAttributeValues": ExpressionAttributeValues})
        return {"Items": found if markets is None else markets}

    return answer


def stored(**items: Any) -> Answer:
    """Items of the progress table, by their partition."""

    def answer(Key: Mapping[str, Any], **_: Any) -> Any:  # noqa: N803 -- as boto3 has it
        return {"Item": items[Key["pk"]["S"]]} if Key["pk"]["S"] in items else {}

    return answer


def rules(state: str = "ENABLED") -> Any:
    names = [f"watchkeeper-prod-{name}" for name in declared.schedules()]
    return {"Rules": [{"Name": name, "State": state, "ScheduleExpression": "rate(1 hour)"} for name in names]}


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "No."}}, "Anything")


WELL: Mapping[str, Any] = {
    "describe_stacks": {"Stacks": [{"Outputs": [{"OutputKey": "ApiUrl", "OutputValue": "https://api.example"}]}]},
    "get_metric_data": answer_metrics(
        InvocationsSum=[2.0, 1.0], DurationSum=[300.0], DurationSampleCount=[3.0], DurationMaximum=[120.0, 2500.0]
    ),
    "describe_log_streams": {"logStreams": [{"lastEventTimestamp": int(NOW.timestamp() - 240) * 1000}]},
    "get_queue_url": {"QueueUrl": "url"},
    "get_queue_attributes": depth(),
    "query": lambda **request: {"Items": found_by(request)},
    "get_item": {},
    "get_function_configuration": configuration,
    "scan": {"Items": []},
    "describe_alarms": {"MetricAlarms": [{"AlarmName": "watchkeeper-prod-one", "StateValue": "OK"}]},
    "list_rules": rules(),
}


def waiting(*minutes: float) -> Answer:
    """Reminders that have waited so long, all in the first of each kind's shards."""

    def answer(ExpressionAttributeValues: Mapping[str, Any], **_: Any) -> Any:  # noqa: N803 -- as boto3 has it
        place, until = (ExpressionAttributeValues[name]["S"] for name in (":pk", ":high"))
        times = [moment(one) for one in minutes if place.endswith("#0") and moment(one) < until]
        return {"Items": [{"PK": {"S": "USER#ada"}, "SK": {"S": f"REMINDER#{number}"}} for number in range(len(times))]}

    return answer


def section(title: str, **changes: Any) -> Section:
    [found] = [one for one in read_board(FakeStage(changes), NOW) if one.title == title]
    return found


def row(found: Section, name: str) -> Row:
    [row] = [one for one in found.rows if one.cells[0] == name]
    return row


def test_nothing_needs_a_look_where_all_is_well() -> None:
    sections = read_board(FakeStage(), NOW)

    assert [trouble for one in sections for trouble in one.troubles] == []
    assert [one.title for one in sections] == list(board.SECTIONS)


def test_reminders_show_how_many_wait_and_which_are_late() -> None:
    found = section("Reminders", query=waiting(1, 20, 40, 70))

    assert row(found, "to be sent") == Row(("to be sent", "4", "2"), "has 2 late")
    assert row(found, "to ask Expo about") == Row(("to ask Expo about", "4", "1"), "has 1 late")


def kept(sort: str, record: Mapping[str, Any]) -> Any:
    """A row of a read model, as the table has it."""
    stamp = {name: {"S": "2026-11-20T11:00:00Z"} for name in ("event_id", "correlation_id", "occurred_at")}
    return {"pk": {"S": ""}, "sk": {"S": sort}, "record": {"S": json.dumps(record)}, "sequence": {"N": "1"}, **stamp}


def rows_of(**models: list[Any]) -> Answer:
    """Of the read models, by their names with underscores."""

    def answer(ExpressionAttributeValues: Mapping[str, Any], **_: Any) -> Any:  # noqa: N803 -- as boto3 has it
        partition = next(iter(ExpressionAttributeValues.values()))["S"]
        return {"Items": models.get(partition.partition("#")[0].replace("-", "_"), [])}

    return answer


def component(name: str, status: str, *reasons: str) -> Any:
    told = [{"key": text, "status": status, "text": text, "since": moment(90)} for text in reasons]
    return kept(name, {"component": name, "kind": "upstream", "status": status, "since": moment(180), "reasons": told})


def alert(state: str) -> Any:
    told = {"id": f"rule.{state}", "rule_id": "rule", "rule_name": "Slow\x1b[2J", "metric": "seconds", "series": state}
    more = {"dimensions": {}, "severity": "critical", "comparison": "gt", "threshold": "1", "state": state}
    return kept(told["id"], {**told, **more, "breaches": 3, "observed": 3, "episode": 1, "raised_at": moment(30)})


def test_what_is_not_healthy_is_told_with_its_reasons() -> None:
    ill = component("upstream/lore", "down", "it is blocked", "its breaker is open")
    found = section("Health", query=rows_of(health_board=[component("service/api", "healthy"), ill]))

    told = Row(("upstream/lore", "down", "3 h ago"), "is down: it is blocked; its breaker is open")
    assert found.rows == (told,)


def test_alerts_are_told_until_they_are_over_and_need_a_look_until_somebody_has_taken_it() -> None:
    states = ("quiet", "pending", "open", "acknowledged", "resolved")
    found = section("Health", query=rows_of(alerts=[alert(state) for state in states]))

    assert found.rows == (
        Row(("Slow [2J, open", "open", "30 min ago"), "is critical"),
        Row(("Slow [2J, acknowledged", "acknowledged", "30 min ago")),
    )


def test_not_all_of_very_many_alerts_are_looked_at() -> None:
    found = section("Health", query=rows_of(alerts=[alert("quiet")] * board.ALERTS_READ))
    assert found.rows == ()

    found = section("Health", query=rows_of(alerts=[*[alert("quiet")] * board.ALERTS_READ, alert("open")]))
    assert found.rows == (Row(("alerts", "at least 500"), "are at /api/v1/observability/alerts"),)


@pytest.mark.parametrize(("count", "told"), [(2, "2"), (board.ERRORS_COUNTED + 1, "1000 and more")])
def test_the_errors_of_the_last_day_are_counted(count: int, told: str) -> None:
    found = section("Health", query=rows_of(errors=[kept(str(number), {}) for number in range(count)]))

    [only] = found.rows
    assert (only.cells[1], bool(only.trouble)) == (told, True)


def test_nothing_is_told_of_health_that_is_good() -> None:
    found = section("Health", query=rows_of(health_board=[component("service/api", "healthy")]))

    assert (found.rows, found.remark) == ((), "1 components are healthy, and no alert is open")


def test_a_stage_without_schedules_is_late_with_no_reminder() -> None:
    [found] = [one for one in read_board(FakeStage({"query": waiting(40)}, "dev"), NOW) if one.title == "Reminders"]

    assert row(found, "to be sent") == Row(("to be sent", "1", "0"))


def test_a_function_shows_its_runs_and_the_last_one() -> None:
    found = section("Functions")

    assert row(found, "kernel").cells == ("kernel", "3", "0", "0", "100 ms", "2.5 s", "4 min ago")
    assert {one.cells[0] for one in found.rows} == declared.functions().keys()


def test_a_function_that_never_ran_has_no_durations() -> None:
    found = section("Functions", get_metric_data=answer_metrics(), describe_log_streams={"logStreams": []})

    assert row(found, "kernel") == Row(("kernel", "0", "0", "0", "-", "-", "never"))


def test_failed_and_throttled_runs_need_a_look() -> None:
    found = section("Functions", get_metric_data=answer_metrics(ErrorsSum=[1.0, 1.0], ThrottlesSum=[3.0]))

    assert "kernel 2 failed, 3 throttled" in found.troubles


def test_what_is_not_deployed_needs_a_look() -> None:
    absent = refused("ResourceNotFoundException")

    assert "kernel not deployed" in section("Functions", describe_log_streams=absent).troubles
    assert "threads not deployed" in section("Queues", get_queue_url=refused("QueueDoesNotExist")).troubles
    assert "failures not deployed" in section("Dead letters", get_queue_url=refused("QueueDoesNotExist")).troubles
    assert "patches-full not deployed" in section("Schedules", list_rules={"Rules": []}).troubles


def test_waiting_messages_show_how_long_the_oldest_waits() -> None:
    aged = answer_metrics(ApproximateAgeOfOldestMessageMaximum=[400.0, 9000.0])
    found = section("Queues", get_queue_attributes=depth(2, 1, 5), get_metric_data=aged)

    assert row(found, "threads").cells == ("threads", "2", "1", "5", "6 min")
    assert found.troubles == []


def test_the_oldest_message_is_unknown_where_nobody_tells() -> None:
    assert row(section("Queues", get_queue_attributes=depth(1)), "threads").cells[-1] == "?"


@pytest.mark.parametrize(("count", "told"), [(1, "1 dead letter"), (3, "3 dead letters")])
def test_dead_letters_need_a_look(count: int, told: str) -> None:
    assert f"threads-dlq holds {told}" in section("Dead letters", get_queue_attributes=depth(count)).troubles


def test_a_source_shows_its_age_and_its_last_run() -> None:
    assert row(section("Sources"), "lore:leds").cells == ("lore:leds", "live", "5 min", "7", "3", "1")


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"last_success": moment(181)}, "late"),
        ({"last_success": None, "failing_since": moment(200)}, "late"),
        ({"last_success": None, "run": None}, "never read"),
        ({"error": "lore answered 503"}, "fails: lore answered 503"),
        ({"blocked_since": moment(90)}, "blocked for 90 min"),
        ({"gaps": [{"since": moment(9), "reason": "the cursor was lost"}]}, "has 1 gap: the cursor was lost"),
    ],
)
def test_a_source_in_trouble_needs_a_look(record: Mapping[str, Any], told: str) -> None:
    assert section("Sources", query=sources([source(**record)])).troubles == [f"lore:leds {told}"]


def test_a_source_nobody_has_read_yet_needs_a_look() -> None:
    assert section("Sources", query=sources([])).troubles == ["lore:leds never read"]


def test_a_source_nobody_watches_needs_none() -> None:
    found = section("Sources", query=sources([source(), source("lore:threads", error="No.", last_success=None)]))

    assert row(found, "lore:threads") == Row(("lore:threads", "not watched", "-", "7", "3", "1"))


def test_late_means_the_same_as_to_those_who_measure_it() -> None:
    assert timedelta(seconds=STALE_AFTER_SECONDS) == board.LATE_AFTER
    assert {**board.MARKETS_LATE_AFTER, FUNDAMENTALS: timedelta(hours=50)} == STALE_AFTER


def test_sources_of_the_markets_are_always_watched_and_may_rest_on_a_sunday() -> None:
    resting = source("alpaca:assets", last_success=moment(49 * 60))
    late = source("alphavantage:news", last_success=moment(33 * 60))

    found = section("Sources", query=sources([source()], [resting, late]))

    assert row(found, "alpaca:assets").cells == ("alpaca:assets", "live", "2 d", "7", "3", "1")
    assert found.troubles == ["alphavantage:earnings-calendar never read", "alphavantage:news late"]


def test_the_markets_show_their_calls_and_how_much_is_known() -> None:
    spent = {"day": "2026-11-20", "used": 12, "news": 2, "next_at": 0.0, "paused_until": 0.0, "seconds": []}
    counted = {"counted_at": moment(20), "assets": {"1d": 3, "older": 1, "never": 6}, "newest": moment(30)}
    items = {
        "BUDGET": {"edition": {"N": "1"}, "record": {"S": json.dumps(spent)}},
        "COVERAGE": {"record": {"S": json.dumps(counted)}},
    }

    found = section("Markets", get_item=stored(**items))

    assert found.rows == (
        Row(("calls of AlphaVantage", "12 of 25 used (2 for news), 13 left")),
        Row(("maintenance window", "off")),
        Row(("assets pollenated", "4 of 10, 3 within 90 days, the last 30 min ago")),
    )


def test_markets_nobody_has_read_yet_are_no_trouble() -> None:
    found = section("Markets")

    assert row(found, "calls of AlphaVantage").cells[1] == "0 of 25 used (0 for news), 25 left"
    assert row(found, "assets pollenated") == Row(("assets pollenated", "-"))
    assert found.troubles == []


def test_calls_the_vendor_refuses_need_a_look() -> None:
    until = (NOW + timedelta(hours=2)).timestamp()
    spent = {"day": "2026-11-20", "used": 25, "news": 2, "next_at": 0.0, "paused_until": until, "seconds": []}
    items = {"BUDGET": {"edition": {"N": "1"}, "record": {"S": json.dumps(spent)}}}

    found = section("Markets", get_item=stored(**items))

    assert found.troubles == ["calls of AlphaVantage are refused until 2026-11-20T14:00:00Z"]


@pytest.mark.parametrize(
    ("word", "minutes", "state"),
    [("closed", -60, "on: closed until 2026-11-20T13:00:00Z"), ("open", -60, "off: open until 2026-11-20T13:00:00Z")],
)
def test_an_operators_word_on_maintenance_is_shown_and_needs_no_look(word: str, minutes: float, state: str) -> None:
    said = {"word": {"S": word}, "until": {"S": moment(minutes)}}

    found = section("Markets", get_item=stored(MAINTENANCE=said))

    assert row(found, "maintenance window") == Row(("maintenance window", state))


def test_what_of_the_markets_can_be_read_is_shown() -> None:
    found = section("Markets", get_function_configuration=refused("AccessDeniedException"))

    assert [one.cells[0] for one in found.rows] == ["assets pollenated"]
    assert found.troubles == ["markets unread"]


def breaker(state: str) -> Any:
    opened = {} if state == "CLOSED" else {"opened_at": {"N": str(NOW.timestamp() - 180)}}
    return {"Items": [{"id": {"S": "lore"}, "state": {"S": state}, "failure_count": {"N": "5"}, **opened}]}


def test_a_breaker_that_is_not_closed_needs_a_look() -> None:
    assert section("Breakers", scan=breaker("OPEN")).rows == (Row(("lore", "open", "3 min ago"), "is open"),)
    assert section("Breakers", scan=breaker("HALF_OPEN")).troubles == ["lore is half-open"]
    assert section("Breakers", scan=breaker("CLOSED")).rows == (Row(("lore", "closed", "-")),)
    assert section("Breakers").remark == "none has ever opened"


def test_alarms_that_ring_need_a_look() -> None:
    ringing = {"AlarmName": "watchkeeper-prod-late", "StateValue": "ALARM", "StateUpdatedTimestamp": NOW}
    quiet = {"AlarmName": "watchkeeper-prod-quiet", "StateValue": "OK"}

    found = section("Alarms", describe_alarms={"MetricAlarms": [quiet, ringing]})
    assert found.rows == (Row(("late", "0 s ago"), "rings"),)
    assert section("Alarms").remark == "none of 1 rings"
    assert section("Alarms", describe_alarms={"MetricAlarms": []}).remark == "none deployed"


def test_a_schedule_that_is_not_as_its_stage_wants_it_needs_a_look() -> None:
    found = section("Schedules", list_rules=rules("DISABLED"))

    assert "patches-full is disabled, against stages.yml" in found.troubles
    assert row(section("Schedules"), "patches-full") == Row(("patches-full", "enabled", "rate(1 hour)"))


def test_schedules_may_be_off_where_the_stage_says_so() -> None:
    events = {"list_rules": {"Rules": [{**rule, "State": "DISABLED"} for rule in named_for("dev")]}}
    [found] = [one for one in read_board(FakeStage(events, "dev"), NOW) if one.title == "Schedules"]

    assert found.troubles == []


def named_for(stage: str) -> list[Any]:
    names = [f"watchkeeper-{stage}-{name}" for name in declared.schedules()]
    return [{"Name": name, "ScheduleExpression": "rate(1 hour)"} for name in names]


@pytest.mark.parametrize(
    ("operation", "title"),
    [
        ("describe_log_streams", "Functions"),
        ("get_metric_data", "Functions"),
        ("get_queue_attributes", "Dead letters"),
        ("query", "Sources"),
        ("get_item", "Markets"),
        ("scan", "Breakers"),
        ("describe_alarms", "Alarms"),
        ("list_rules", "Schedules"),
    ],
)
@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
def test_what_cannot_be_read_is_told_in_its_place(operation: str, title: str, code: str) -> None:
    sections = read_board(FakeStage({operation: refused(code)}), NOW)

    [unread] = [one for one in sections if one.title == title]
    assert unread.unread
    assert f"{title.lower()} unread" in unread.troubles
    assert [one for one in sections if not one.unread]


def test_what_somebody_has_broken_is_told_in_its_place() -> None:
    broken = {"pk": {"S": "SOURCE"}, "sk": {"S": "lore:leds"}, "record": {"S": "{"}}

    found = section("Sources", query=sources([broken]))

    assert found.unread.startswith("not understood: ")
    assert found.troubles == ["sources unread"]


def test_what_of_the_functions_can_be_read_is_shown() -> None:
    blind = section("Functions", get_metric_data=refused("AccessDenied"))
    forgetful = section("Functions", describe_log_streams=refused("AccessDenied"))

    assert row(blind, "kernel").cells == ("kernel", *"?????", "4 min ago")
    assert row(forgetful, "kernel").cells == ("kernel", "3", "0", "0", "100 ms", "2.5 s", "?")


def test_sources_are_shown_where_it_cannot_be_read_which_are_watched() -> None:
    found = section("Sources", get_function_configuration=refused("AccessDeniedException"))

    assert row(found, "lore:leds").cells[1] == "live"
    assert "sources unread" in found.troubles


def test_a_stage_nothing_of_which_can_be_read_is_refused() -> None:
    nothing = dict.fromkeys(WELL, NoCredentialsError())

    with pytest.raises(StageRefused, match="credentials"):
        read_board(FakeStage(nothing), NOW)


# How it is shown

SHOWN = [
    Section("Queues", ("ready", "oldest"), (Row(("patches", "12", "-")), Row(("threads",), "not deployed"))),
    Section("Alarms", ("since",), (), "none deployed"),
    Section("Breakers", unread="Stage prod refuses: No."),
]


def test_columns_are_aligned_and_lines_of_trouble_marked() -> None:
    assert board_lines(SHOWN) == [
        "",
        "  Queues    ready  oldest",
        "  patches      12       -",
        "! threads                  ! not deployed",
        "",
        "  Alarms    none deployed",
        "",
        "  Breakers",
        "! could not be read: Stage prod refuses: No.",
    ]


def test_the_board_ends_with_what_needs_a_look() -> None:
    troubles = [trouble for one in SHOWN for trouble in one.troubles]

    assert verdict(troubles) == "2 things need a look: threads not deployed, breakers unread"
    assert verdict(troubles[:1]) == "1 thing needs a look: threads not deployed"
    assert verdict([]) == "all well"


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.report.utc_now", lambda: NOW)


@pytest.mark.usefixtures("at_noon")
def test_a_stage_on_aws_begins_with_the_address_of_its_api() -> None:
    shown = status(FakeStage())

    assert shown.lines[:2] == ["Stage       prod", "API         https://api.example/api/v1"]
    assert (shown.lines[-1], shown.troubles) == ("all well", [])


@pytest.mark.usefixtures("at_noon")
def test_a_stage_whose_address_is_unknown_is_shown_all_the_same() -> None:
    shown = status(FakeStage({"describe_stacks": refused("AccessDenied"), "scan": breaker("OPEN")}))

    assert shown.lines[1].startswith("API         unknown: ")
    assert shown.lines[-1] == "1 thing needs a look: lore is open"


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(seconds=-3), "0 s"),
        (timedelta(seconds=119), "119 s"),
        (timedelta(minutes=119), "119 min"),
        (timedelta(hours=47), "47 h"),
        (timedelta(days=9), "9 d"),
    ],
)
def test_ages_are_rough(span: timedelta, said: str) -> None:
    assert board.age(span) == said
