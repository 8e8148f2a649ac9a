"""The state machine of the projections, on moto's tables: that it makes the rows a rebuild makes, whatever comes in
whatever order, and that what it cannot project ends where somebody finds it."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.bus_events import SERIES, TYPES, event, late_first_value, metric, occurrence
from tests.integration.account import copy_of_tables, put_tables
from tests.integration.conftest import empty_cloud
from tests.integration.observability.states import Machine, StateFailed
from watchkeeper import aws
from watchkeeper.dynamodb import Table
from watchkeeper.events import event_id
from watchkeeper.eventsourcing.aggregate import EventData
from watchkeeper.eventsourcing.read_models import Generations, ReadModels
from watchkeeper.observability.events import CATALOGUE
from watchkeeper.observability.metrics import MAX_VALUES
from watchkeeper.observability.projections import MODELS, VERSIONS, Fold, rows

Started = dict[str, Any]
Rows = dict[tuple[str, str], dict[str, Any]]

TABLE = "projected"
PLACEHOLDERS = {"${ReadModelsTable}": TABLE, "${ErrorBus}": "errors", "${DeadLettersUrl}": "https://sqs/letters"}
ASL = Path(__file__).parents[3] / "services/ingest/resources/projections.asl.json"
MOST_ROWS = 2 * (1 + MAX_VALUES + 8 + 2)
"""Of an event, into two generations: its latest value, and roll-ups of each value's minute, 8 hours and 2 days."""
THROTTLED = "ProvisionedThroughputExceededException"


class Cloud:
    """What the machine's tasks reach: moto's table, a bus and a queue that note what they are sent."""

    def __init__(self, definition: str) -> None:
        for placeholder, value in PLACEHOLDERS.items():
            definition = definition.replace(placeholder, value)
        self._client: Any = aws.dynamodb_client()
        self.machine = Machine(
            json.loads(definition),
            {
                "dynamodb:getItem": self._failing(self._get, "getItem"),
                "dynamodb:putItem": self._failing(self._put, "putItem"),
                "events:putEvents": self._failing(self._tell, "putEvents"),
                "sqs:sendMessage": self._failing(self._send, "sendMessage"),
            },
        )
        self.read_models = ReadModels(Table(self._client, TABLE))
        self._empty = copy_of_tables()
        self.clear()

    def clear(self) -> None:
        put_tables(self._empty)
        self.errors: list[dict[str, Any]] = []
        self.letters: list[dict[str, Any]] = []
        self.calls = Counter[str]()
        self.refusals: dict[str, list[str]] = {}
        """Names of the errors the next calls of an action end with."""
        self.cause = "refused"

    def project(self, *started: Started) -> None:
        for one in started:
            self.machine.run(deepcopy(one))

    def fails(self, started: Any) -> str:
        """The error the execution ends with."""
        with pytest.raises(StateFailed) as failure:
            self.machine.run(deepcopy(started))
        return failure.value.error

    def rows(self) -> Rows:
        found = [item for item in Table(self._client, TABLE).scan() if item["pk"] != "READ-MODELS"]
        return {
            (str(item["pk"]), str(item["sk"])): {**item, "record": json.loads(str(item["record"]))} for item in found
        }

    def _failing(self, service: Callable[[Any], Any], action: str) -> Callable[[Any], Any]:
        def called(arguments: Any) -> Any:
            self.calls[action] += 1
            if refusals := self.refusals.get(action):
                raise StateFailed(refusals.pop(0), self.cause)
            return service(arguments)

        return called

    def _get(self, arguments: Any) -> Any:
        assert arguments["ConsistentRead"]
        return self._asked(self._client.get_item, arguments)

    def _put(self, arguments: Any) -> Any:
        return self._asked(self._client.put_item, arguments)

    def _asked(self, call: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
        try:
            answer = call(**arguments)
        except ClientError as error:
            raise StateFailed(f"DynamoDB.{error.response['Error']['Code']}", str(error)) from error
        return {name: value for name, value in answer.items() if name != "ResponseMetadata"}

    def _tell(self, arguments: Any) -> Any:
        (entry,) = arguments["Entries"]
        assert (entry["EventBusName"], entry["Source"], entry["DetailType"]) == (
            "errors",
            "watchkeeper.errors",
            "ErrorOccurred",
        )
        self.errors.append(entry["Detail"])
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}

    def _send(self, arguments: Any) -> Any:
        assert arguments["QueueUrl"] == "https://sqs/letters"
        self.letters.append(arguments)
        return {"MessageId": "1"}


@pytest.fixture(scope="module")
def laid() -> Iterator[Cloud]:
    with pytest.MonkeyPatch.context() as monkeypatch, empty_cloud(monkeypatch):
        client: Any = aws.dynamodb_client()
        keys = ("pk", "HASH"), ("sk", "RANGE")
        client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        )
        yield Cloud(ASL.read_text())


@pytest.fixture
def cloud(laid: Cloud) -> Cloud:
    laid.clear()
    return laid


def rebuilt(cloud: Cloud, events: Iterable[Started], *generations: str) -> Rows:
    """The rows a rebuild makes of the events, in their order."""
    cloud.clear()
    fold = Fold(MODELS)
    for one in events:
        fold.add(occurrence(one))
    for row, stamp in fold.winners():
        for generation in generations or ("1",):
            cloud.read_models.put(row, generation, stamp)
    return cloud.rows()


def without(started: Started, path: tuple[Any, ...], instead: object = None) -> Started:
    """The event without one of its fields, or with something else there."""
    changed = deepcopy(started)
    *parents, name = path
    holder: Any = changed["detail"]
    for parent in parents:
        holder = holder[parent]
    if instead is None:
        del holder[name]
    else:
        holder[name] = instead
    return changed


def paths(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """Where its fields are, however deep."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, below in entries:
        if isinstance(name, str):
            yield (*path, name)
        yield from paths(below, *path, name)


# What it writes


@pytest.mark.parametrize("event_type", TYPES)
def test_an_event_becomes_the_rows_a_rebuild_makes_of_it(cloud: Cloud, event_type: str) -> None:
    cloud.project(event(event_type, 7))
    projected = cloud.rows()

    assert len(projected) == len(rows(occurrence(event(event_type, 7)))) > 0
    assert not cloud.errors + cloud.letters
    assert projected == rebuilt(cloud, [event(event_type, 7)])


def test_a_row_goes_when_its_time_is_over_even_if_that_is_past(cloud: Cloud) -> None:
    cloud.project(event("MetricRecorded"))

    gone = {key[0]: item["expires_at"] for key, item in cloud.rows().items()}
    assert gone == {
        "latest-metrics#1#": 1797800671,
        f"metric-series#1#{SERIES}#minute": 1796504640,
        f"metric-series#1#{SERIES}#hour": 1800651600,
        f"metric-series#1#{SERIES}#day": 1834444800,
    }


def test_a_late_value_leaves_the_latest_and_is_all_there_is_of_its_minute(cloud: Cloud) -> None:
    cloud.project(late_first_value())

    assert cloud.rows() == rebuilt(cloud, [late_first_value()])


def test_an_event_that_fails_again_replaces_its_row_and_an_earlier_failure_does_not(cloud: Cloud) -> None:
    again = without(event("ErrorOccurred", 2), ("id",), "ErrorOccurred-1")
    cloud.project(event("ErrorOccurred", 1), again, event("ErrorOccurred", 1))

    [((_, sort), row)] = cloud.rows().items()
    assert sort == "2026-11-20T21:05:59Z#ErrorOccurred-1"
    assert (row["occurred_at"], row["expires_at"]) == ("2026-11-20T21:06:02Z", 1797800762)


def test_a_component_without_reasons_is_on_the_board(cloud: Cloud) -> None:
    healthy = without(event("HealthChanged"), ("data", "health", "reasons"), [])
    cloud.project(healthy)

    assert cloud.rows() == rebuilt(cloud, [healthy])


def test_every_type_has_its_model_and_the_machine_knows_it() -> None:
    assert set(TYPES) == set().union(*MODELS.values()) == {kind.type for kind in CATALOGUE} | {"ErrorOccurred"}


def test_the_machine_takes_the_newest_version_of_each_type_and_none_that_is_newer() -> None:
    taken = [(kind, int(version)) for kind, version in re.findall(r"'(\w+)\.v(\d+)'", ASL.read_text())]

    assert set(VERSIONS.items()) <= set(taken)
    assert all(version <= VERSIONS[kind] for kind, version in taken)


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.type)
def test_the_events_here_are_what_the_aggregates_tell(kind: type[EventData]) -> None:
    data = event(kind.type)["detail"]["data"]

    assert kind.of(data).encoded() == data


HISTORY = [
    *(metric(number, "a", f"{number}.5", minute) for number, minute in ((1, 1), (2, 1), (3, 2))),
    metric(1, "b", "7", 1),
    event("AlertRuleDefined", 1),
    event("AlertRuleRetired", 2),
    event("AlertRaised", 1),
    event("AlertResolved", 2),
    event("SecurityEventDetected", 1),
    event("SecurityEventTriaged", 2),
    event("HealthChanged", 1),
    without(event("HealthChanged", 2), ("data", "health", "reasons"), []),
    event("ErrorOccurred", 1),
    without(event("ErrorOccurred", 2), ("id",), "ErrorOccurred-1"),  # it failed again
]


def test_the_events_of_these_histories_make_rows_of_every_model() -> None:
    assert {row.model for one in HISTORY for row in rows(occurrence(one))} == set(MODELS)


@pytest.mark.parametrize("writes", [{}, {"metric-series": ("1", "2"), "alerts": ("3",)}], ids=["one", "some"])
@settings(  # an order that fails is told as it is: to look for a shorter one would take minutes
    max_examples=3,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_in_any_order_and_however_often_they_come_the_rows_are_the_same(
    cloud: Cloud, writes: dict[str, tuple[str, ...]], data: st.DataObject
) -> None:
    repeats = data.draw(st.lists(st.sampled_from(HISTORY), max_size=4))
    order = data.draw(st.permutations([*HISTORY, *repeats]))
    in_first = rebuilt(cloud, HISTORY)
    cloud.clear()
    for model, written in writes.items():
        cloud.read_models.change(model, Generations(), Generations(written=written))
    cloud.project(*order)

    assert by_generation(cloud.rows()) == {
        (model, generation): found
        for (model, _), found in by_generation(in_first).items()
        for generation in writes.get(model, ("1",))
    }


def by_generation(found: Rows) -> dict[tuple[str, str], Rows]:
    divided: dict[tuple[str, str], Rows] = {}
    for (pk, sk), item in found.items():
        model, generation, partition = pk.split("#", 2)
        divided.setdefault((model, generation), {})[partition, sk] = {**item, "pk": partition}
    return divided


# What it does not


def ends_as_a_letter(cloud: Cloud, poisoned: Any, *, told: bool = True) -> None:
    assert cloud.rows() == {}
    assert len(cloud.errors) == told
    (letter,) = cloud.letters
    assert json.loads(letter["MessageBody"]) == poisoned


_NOT_NEEDED = {
    *(("detail", name) for name in ("aggregate_type", "causation_id")),
    *(("alert", name) for name in ("value", "observed_at", "raised_at")),
    ("data", "values"),
    ("health", "previous"),
    ("dimensions", "source"),
}
_PARTS = [
    pytest.param(event_type, path, id=f"{event_type}-{'.'.join(map(str, path))}")
    for event_type in ("MetricRecorded", "AlertRuleDefined", "AlertRaised", "SecurityEventDetected", "HealthChanged")
    for path in paths(event(event_type)["detail"])
    if "values" not in path and ("detail", *path)[-2:] not in _NOT_NEEDED
    if path[0] == "data" or event_type == "AlertRaised"
]


@pytest.mark.parametrize(("event_type", "path"), _PARTS)
def test_an_event_that_is_not_whole_writes_nothing(cloud: Cloud, event_type: str, path: tuple[Any, ...]) -> None:
    for instead in (None, ["what", 1]):
        cloud.clear()
        poisoned = without(event(event_type), path, instead)
        error = cloud.fails(poisoned)

        ends_as_a_letter(cloud, poisoned)
        assert error == ("UnknownEvent" if path in (("type",), ("version",)) else "IncompleteEvent")


def recorded(instead: object, *path: Any) -> Started:
    return without(event("MetricRecorded"), ("data", *path), instead)


@pytest.mark.parametrize(
    ("poisoned", "error"),
    [
        pytest.param({**event("AlertRaised"), "detail": {}}, "UnknownEvent", id="nothing in it"),
        pytest.param({**event("AlertRaised"), "detail": "AlertRaised"}, "UnknownEvent", id="no envelope"),
        pytest.param({}, "UnknownEvent", id="nothing"),
        pytest.param(["AlertRaised"], "UnknownEvent", id="a list"),
        pytest.param(without(event("AlertRaised"), ("type",), "AlertForgotten"), "UnknownEvent", id="an unknown type"),
        pytest.param(without(event("AlertRaised"), ("version",), 2), "UnknownEvent", id="an unknown version"),
        pytest.param(without(event("AlertRaised"), ("sequence",), 1.5), "IncompleteEvent", id="no whole sequence"),
        pytest.param(without(event("AlertRaised"), ("sequence",), "7"), "IncompleteEvent", id="a text for a sequence"),
        pytest.param(recorded("week", "rollups", 1, "period"), "IncompleteEvent", id="an unknown period"),
        pytest.param(recorded([], "values"), "IncompleteEvent", id="no value"),
        pytest.param(recorded([{"at": "now"}], "values"), "IncompleteEvent", id="half a value"),
        pytest.param(recorded({"value": "7"}, "latest"), "IncompleteEvent", id="half a latest value"),
        pytest.param(
            recorded("2026-13-20T00:00:00Z", "rollups", 2, "start"), "States.QueryEvaluationError", id="no such day"
        ),
    ],
)
def test_what_is_no_event_writes_nothing(cloud: Cloud, poisoned: Any, error: str) -> None:
    assert cloud.fails(poisoned) == error

    ends_as_a_letter(cloud, poisoned)


@pytest.mark.parametrize("action", ["getItem", "putItem"])
def test_what_aws_says_of_a_failure_is_told_to_nobody(cloud: Cloud, action: str) -> None:
    cloud.cause = (
        "User: arn:aws:sts::123456789012:assumed-role/projections is not authorized; token=hunter2hunter2; "
        "Authorization: Bearer hunter2.hunter2; asked by ada@example.org"
    )
    cloud.refusals[action] = ["DynamoDB.AccessDeniedException"] * 5
    with pytest.raises(StateFailed) as failure:
        cloud.project(event("HealthChanged"))

    [told] = cloud.errors
    assert told["data"]["error"] == "DynamoDB.AccessDeniedException"
    assert told["data"]["cause"] == failure.value.cause
    assert re.search("arn:|1234|hunter2|ada@", json.dumps([cloud.errors, failure.value.cause])) is None


@pytest.mark.parametrize(
    ("poisoned", "at"),
    [
        pytest.param(event("AlertRaised"), "2026-11-20T21:06:01Z", id="its own"),
        pytest.param(without(event("AlertRaised"), ("occurred_at",), "now"), "2026-11-20T21:06:41Z", id="the bus's"),
        pytest.param(
            without(event("AlertRaised"), ("occurred_at",), "9999-99-99T99:99:99Z"),
            "2026-11-20T21:06:41Z",
            id="no time yet",
        ),
        pytest.param({"detail": event("AlertRaised")["detail"] | {"occurred_at": 7}}, "2026-11-20T21:07:00Z", id="now"),
    ],
)
def test_an_error_tells_the_time_of_what_failed_as_far_as_it_is_known(cloud: Cloud, poisoned: Any, at: str) -> None:
    cloud.fails(without(poisoned, ("actor",)))

    [told] = cloud.errors
    assert told["data"]["event"]["occurred_at"] == at


def test_a_letter_that_fails_again_is_no_error_more(cloud: Cloud) -> None:
    cloud.fails(without(event("AlertRaised"), ("actor",)))
    cloud.fails(json.loads(cloud.letters[0]["MessageBody"]))
    told = [event("ErrorOccurred") | {"detail": detail} for detail in cloud.errors]
    told[1]["detail"]["occurred_at"] = "2026-11-21T09:00:00Z"
    cloud.project(*told)

    [row] = cloud.rows().values()
    assert row["occurred_at"] == "2026-11-21T09:00:00Z"


def test_what_fails_is_told_in_terms_of_the_errors_bus(cloud: Cloud) -> None:
    poisoned = without(event("AlertRaised", 3), ("data", "alert", "state"))
    cloud.fails(poisoned)

    assert cloud.errors == [
        {
            "id": event_id("AlertRaised-3", "projections"),
            "type": "ErrorOccurred",
            "version": 1,
            "occurred_at": "2026-11-20T21:07:00Z",
            "correlation_id": "cause-1",
            "data": {
                "where": "projections",
                "error": "IncompleteEvent",
                "cause": "Missing or of another type: state",
                "event": {
                    "id": "AlertRaised-3",
                    "type": "AlertRaised",
                    "occurred_at": "2026-11-20T21:06:03Z",
                    "aggregate_id": "alert:0123456789ab.0123456789ab",
                    "sequence": 3,
                },
                "again": {"queue": "projections"},
            },
        }
    ]
    (letter,) = cloud.letters
    assert letter["MessageAttributes"] == {"correlation_id": {"DataType": "String", "StringValue": "cause-1"}}


def test_a_told_error_is_projected_itself(cloud: Cloud) -> None:
    cloud.fails(without(event("AlertRaised"), ("actor",)))
    told = event("ErrorOccurred") | {"detail": cloud.errors[0]}
    cloud.project(told)

    assert cloud.rows() == rebuilt(cloud, [told])


@pytest.mark.parametrize("path", [path for path in paths(event("ErrorOccurred")["detail"]) if len(path) < 3], ids=str)
def test_an_error_that_cannot_be_projected_is_not_told_as_another(cloud: Cloud, path: tuple[Any, ...]) -> None:
    poisoned = without(event("ErrorOccurred"), path)
    cloud.fails(poisoned)

    ends_as_a_letter(cloud, poisoned, told=False)


# What goes wrong around it


@pytest.mark.parametrize("action", ["getItem", "putItem"])
@pytest.mark.parametrize("error", [f"DynamoDB.{THROTTLED}", "DynamoDB.InternalServerError", "States.Timeout"])
def test_what_passes_is_waited_for(cloud: Cloud, action: str, error: str) -> None:
    cloud.refusals[action] = [error] * 4
    cloud.project(event("HealthChanged"))

    assert cloud.rows() == rebuilt(cloud, [event("HealthChanged")])


@pytest.mark.parametrize("action", ["getItem", "putItem"])
def test_what_does_not_pass_ends_as_a_letter_that_can_be_done_again(cloud: Cloud, action: str) -> None:
    cloud.refusals[action] = [f"DynamoDB.{THROTTLED}"] * 5
    assert cloud.fails(event("HealthChanged")) == f"DynamoDB.{THROTTLED}"
    ends_as_a_letter(cloud, event("HealthChanged"))

    cloud.project(json.loads(cloud.letters[0]["MessageBody"]))
    assert cloud.rows() == rebuilt(cloud, [event("HealthChanged")])


def test_a_late_event_is_not_tried_again(cloud: Cloud) -> None:
    cloud.project(event("HealthChanged", 2), event("HealthChanged", 1))

    assert cloud.calls["putItem"] == 2
    assert not cloud.errors + cloud.letters


def test_a_bus_that_refuses_does_not_keep_the_letter_back(cloud: Cloud) -> None:
    poisoned = without(event("HealthChanged"), ("actor",))
    cloud.refusals["putEvents"] = ["EventBridge.FailedEntry"] * 3
    assert cloud.fails(poisoned) == "IncompleteEvent"

    assert cloud.calls["putEvents"] == 3
    ends_as_a_letter(cloud, poisoned, told=False)


def test_an_entry_the_bus_did_not_take_is_put_again(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([1, 1, 0])
    telling = {"events:putEvents": lambda _: {"FailedEntryCount": next(answers)}}
    monkeypatch.setattr(cloud.machine, "services", {**cloud.machine.services, **telling})
    cloud.fails(without(event("HealthChanged"), ("actor",)))

    assert next(answers, None) is None
    assert len(cloud.letters) == 1


def test_a_queue_that_refuses_is_tried_again(cloud: Cloud) -> None:
    poisoned = without(event("HealthChanged"), ("actor",))
    cloud.refusals["sendMessage"] = ["SQS.ServiceUnavailable"] * 4
    cloud.fails(poisoned)

    ends_as_a_letter(cloud, poisoned)


def test_all_that_can_be_waited_for_is_less_than_an_execution_may_take(cloud: Cloud) -> None:
    states = list(all_states(cloud.machine.definition))
    tasks = [state for state in states if state["Type"] == "Task"]

    assert len(tasks) == 4
    (rows_at_once,) = [state["MaxConcurrency"] for state in states if state["Type"] == "Map"]
    (row,) = [task for task in tasks if task["Resource"].endswith(":putItem")]
    # Rows may each be written at the last attempt, and what comes after them may fail then.
    rounds_after_the_first = ceil(MOST_ROWS / rows_at_once) - 1
    assert sum(map(longest, tasks)) + rounds_after_the_first * longest(row) < 280


def all_states(machine: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for state in machine["States"].values():
        yield state
        for inner in [*state.get("Branches", []), *filter(None, [state.get("ItemProcessor")])]:
            yield from all_states(inner)


def longest(task: Mapping[str, Any]) -> float:
    """Seconds a task takes when every attempt of it times out."""
    retrier = task["Retry"][-1]
    pauses = [
        min(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** number, retrier["MaxDelaySeconds"])
        for number in range(retrier["MaxAttempts"])
    ]
    return float(sum(pauses) + task["TimeoutSeconds"] * (len(pauses) + 1))
