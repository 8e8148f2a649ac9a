"""The projections' state machine as packaged: what starts it, and what it may do."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.infra.packages import Package, as_list
from tests.infra.test_roles import OF_LOG_DELIVERIES
from watchkeeper.observability import events

Machine = Mapping[str, Any]
State = Mapping[str, Any]

ACTIONS = {
    "dynamodb:getItem": "dynamodb:GetItem",
    "dynamodb:putItem": "dynamodb:PutItem",
    "events:putEvents": "events:PutEvents",
    "sqs:sendMessage": "sqs:SendMessage",
}
"""What a task's resource takes, by its end."""
OF_TRACES = {
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
"""What a state machine needs, as Step Functions has it, to trace; for functions Lambda chooses what is traced."""
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
LONGEST_EXECUTION = 300
"""Seconds, of an express one."""


@pytest.fixture(scope="module")
def ingest(packages: dict[str, Package]) -> Package:
    return packages["ingest"]


@pytest.fixture(scope="module")
def machine(ingest: Package) -> Machine:
    (found,) = ingest.properties("AWS::StepFunctions::StateMachine").values()
    return found


def definition(machine: Machine) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(machine["DefinitionString"])
    return loaded


def tasks(states: Mapping[str, State]) -> Iterator[State]:
    """Those of branches and of what is done for each item, too."""
    for state in states.values():
        if state["Type"] == "Task":
            yield state
        for inner in (*state.get("Branches", []), state.get("ItemProcessor", {"States": {}})):
            yield from tasks(inner["States"])


def uses(machine: Machine) -> set[tuple[str, str]]:
    """Actions of the tasks, and the placeholders of what they are done to."""
    return {
        (ACTIONS[":".join(task["Resource"].rsplit(":", 2)[1:])], placeholder)
        for task in tasks(definition(machine)["States"])
        for placeholder in PLACEHOLDER.findall(json.dumps(task["Arguments"]))
    }


def allowed(package: Package, reference: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Actions of a role, and the resources."""
    return {
        (action, resource if isinstance(resource, str) else resource["Fn::GetAtt"][0])
        for statement in package.statements()
        if statement.role == reference["Fn::GetAtt"][0]
        for action in statement.actions
        for resource in statement.resources
    }


def rules(package: Package) -> dict[str, Mapping[str, Any]]:
    """Those that start the state machine, by the name of their bus."""
    buses = package.properties("AWS::Events::EventBus")
    return {
        buses[rule["EventBusName"]["Ref"]]["Name"]: rule
        for rule in package.properties("AWS::Events::Rule").values()
        for target in rule["Targets"]
        if "RoleArn" in target
    }


class TestRole:
    def test_it_allows_what_the_states_do_and_nothing_else(self, ingest: Package, machine: Machine) -> None:
        named = {name: value["Ref"] for name, value in machine["DefinitionSubstitutions"].items()}
        done = {(action, named[placeholder]) for action, placeholder in uses(machine)}
        beside = {(action, "*") for action in OF_LOG_DELIVERIES | OF_TRACES}

        assert done
        assert allowed(ingest, machine["RoleArn"]) == done | beside

    def test_every_task_is_done_to_something_of_ours(self, machine: Machine) -> None:
        for task in tasks(definition(machine)["States"]):
            assert len(set(PLACEHOLDER.findall(json.dumps(task["Arguments"])))) == 1, task["Resource"]

    def test_nothing_is_left_to_be_put_in(self, machine: Machine) -> None:
        assert set(PLACEHOLDER.findall(machine["DefinitionString"])) == machine["DefinitionSubstitutions"].keys()

    def test_a_role_is_taken_by_its_service_for_this_account_alone(self, ingest: Package, machine: Machine) -> None:
        starting = {target["RoleArn"]["Fn::GetAtt"][0] for rule in rules(ingest).values() for target in rule["Targets"]}
        services = {machine["RoleArn"]["Fn::GetAtt"][0]: "states", **dict.fromkeys(starting, "events")}

        assert len(services) == 2
        for name, service in services.items():
            (trust,) = ingest.properties("AWS::IAM::Role")[name]["AssumeRolePolicyDocument"]["Statement"]
            assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}
            assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}

    def test_traces_are_allowed_where_the_stage_traces(
        self, ingest: Package, machine: Machine, local_ingest: Package
    ) -> None:
        (here,) = local_ingest.properties("AWS::StepFunctions::StateMachine").values()

        assert machine["TracingConfiguration"] == {"Enabled": True}
        assert here["TracingConfiguration"] == {"Enabled": False}
        assert {action for action, _ in allowed(local_ingest, here["RoleArn"])} == {
            action for action, _ in allowed(ingest, machine["RoleArn"])
        } - OF_TRACES


class TestStateMachine:
    def test_it_is_one_for_many_short_executions(self, machine: Machine) -> None:
        assert machine["StateMachineName"] == "watchkeeper-prod-projections"
        assert machine["StateMachineType"] == "EXPRESS"
        assert definition(machine)["QueryLanguage"] == "JSONata"
        assert definition(machine).get("TimeoutSeconds", 0) <= LONGEST_EXECUTION

    def test_what_fails_is_logged_without_what_events_say(self, ingest: Package, machine: Machine) -> None:
        logging = machine["LoggingConfiguration"]
        (destination,) = logging["Destinations"]
        group = destination["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"][0]

        assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False)
        assert ingest.properties("AWS::Logs::LogGroup")[group]["LogGroupName"].startswith("/aws/vendedlogs/states/")

    def test_calls_of_aws_are_tried_again(self, machine: Machine) -> None:
        assert [task["Resource"] for task in tasks(definition(machine)["States"]) if not task.get("Retry")] == []

    def test_letters_come_to_the_queue_it_is_told_of(self, ingest: Package, machine: Machine) -> None:
        queue = ingest.properties("AWS::SQS::Queue")[machine["DefinitionSubstitutions"]["DeadLettersUrl"]["Ref"]]

        assert queue["QueueName"] == "watchkeeper-prod-projections-dlq"


class TestStarting:
    def test_every_event_that_is_recorded_starts_it_and_every_error(self, ingest: Package) -> None:
        patterns = {bus: rule["EventPattern"] for bus, rule in rules(ingest).items()}

        assert patterns.keys() == {"watchkeeper-prod-events", "watchkeeper-prod-errors"}
        assert patterns["watchkeeper-prod-events"]["source"] == ["watchkeeper.observability"]
        assert set(patterns["watchkeeper-prod-events"]["detail-type"]) == {one.type for one in events.CATALOGUE}
        assert patterns["watchkeeper-prod-errors"] == {
            "source": ["watchkeeper.errors"],
            "detail-type": ["ErrorOccurred"],
        }

    def test_rules_may_start_it_and_nothing_else(self, ingest: Package) -> None:
        (machine,) = ingest.resources("AWS::StepFunctions::StateMachine")
        for rule in rules(ingest).values():
            (target,) = rule["Targets"]
            assert target["Arn"] == {"Fn::GetAtt": [machine, "Arn"]}
            assert "InputPath" not in target, "a letter is the event it was started with"
            assert allowed(ingest, target["RoleArn"]) == {("states:StartExecution", machine)}

    def test_an_operator_may_start_it_again(self, packages: dict[str, Package], machine: Machine) -> None:
        scheduler = packages["scheduler"]
        starting = [one for one in scheduler.statements() if "states:StartExecution" in one.actions]
        arns = [resource["Fn::Sub"] for one in starting for resource in one.resources]
        variables = scheduler.functions["DeadDashlettersLambdaFunction"]["Environment"]["Variables"]
        letters = json.loads(variables["DEAD_LETTER_QUEUES"]["Fn::Sub"])

        assert [one.role for one in starting] == [scheduler.role_of("DeadDashlettersLambdaFunction")]
        assert [arn.rpartition(":stateMachine:")[2] for arn in arns] == [machine["StateMachineName"]]
        assert [one["machine"] for one in letters.values() if "machine" in one] == arns
        assert letters["projections"]["machine"] == arns[0]


class TestStreams:
    def test_events_are_read_in_the_order_of_their_aggregate(self, ingest: Package) -> None:
        """More than one batch of a shard at a time would keep the order of each item alone."""
        found = list(streams(ingest, "EventStoreTable"))

        assert len(found) == 2
        assert [one for one in found if one.get("ParallelizationFactor", 1) != 1] == []

    def test_what_is_no_event_starts_nothing(self, ingest: Package) -> None:
        for mapping in streams(ingest, "EventStoreTable"):
            for pattern in patterns(mapping):
                assert pattern["eventName"] == ["INSERT"]
                assert pattern["dynamodb"]["NewImage"].keys() == {"eventType"}

    def test_values_alerts_that_begin_and_rules_that_are_retired_reach_the_evaluator(self, ingest: Package) -> None:
        (named,) = [
            types
            for mapping in streams(ingest, "EventStoreTable")
            for pattern in patterns(mapping)
            if isinstance((types := pattern["dynamodb"]["NewImage"]["eventType"]["S"])[0], str)
        ]

        assert named == [
            *(events.MetricRecorded.type, events.AlertPending.type, events.AlertRaised.type),
            events.AlertRuleRetired.type,
        ]

    def test_facts_are_read_of_what_is_known_of_sources_and_of_breakers(self, ingest: Package) -> None:
        (of_progress,) = streams(ingest, "ProgressTable")
        (of_breakers,) = streams(ingest, "BreakersTable")

        assert list(patterns(of_progress)) == [{"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "SOURCE"}]}}}}]
        assert list(patterns(of_breakers)) == []


def streams(package: Package, table: str) -> Iterator[Mapping[str, Any]]:
    for mapping in package.properties("AWS::Lambda::EventSourceMapping").values():
        if mapping["EventSourceArn"] == {"Fn::GetAtt": [table, "StreamArn"]}:
            yield mapping


def patterns(mapping: Mapping[str, Any]) -> Iterator[Any]:
    for one in as_list(mapping.get("FilterCriteria", {}).get("Filters", [])):
        yield json.loads(one["Pattern"])


class TestFacts:
    def test_all_that_is_told_of_the_system_waits_in_the_queue_without_its_envelope(self, ingest: Package) -> None:
        rule = ingest.properties("AWS::Events::Rule")["FactsRule"]
        (target,) = rule["Targets"]

        assert rule["EventPattern"] == {"source": ["watchkeeper.facts"]}
        assert rule["EventBusName"] == {"Ref": "EventBus"}
        assert target["Arn"] == {"Fn::GetAtt": ["FactsQueue", "Arn"]}
        assert target["InputPath"] == "$.detail"

    def test_the_queue_takes_messages_of_its_rule_only(self, ingest: Package) -> None:
        policy = ingest.properties("AWS::SQS::QueuePolicy")["FactsQueuePolicy"]
        (statement,) = policy["PolicyDocument"]["Statement"]

        assert policy["Queues"] == [{"Ref": "FactsQueue"}]
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["FactsRule", "Arn"]}}}

    def test_refusals_are_read_from_the_log_of_the_api(self, packages: dict[str, Package]) -> None:
        api = packages["api"]
        ((_, reading),) = api.resources("AWS::Logs::SubscriptionFilter").items()
        group = api.properties("AWS::Logs::LogGroup")["HttpApiLogGroup"]

        assert reading["Properties"]["LogGroupName"] == group["LogGroupName"]
        assert reading["Properties"]["FilterPattern"] == "{ $.status = 401 || $.status = 403 || $.status = 429 }"
        assert api.function_of(reading["Properties"]["DestinationArn"]) == "WatchDashaccessLambdaFunction"
        assert "HttpApiLogGroup" in reading["DependsOn"]


class TestErrors:
    def test_the_bus_of_errors_is_written_to_by_those_that_record_and_publish(
        self, ingest: Package, machine: Machine
    ) -> None:
        bus = {"Fn::GetAtt": ["ErrorBus", "Arn"]}
        told = {
            name
            for name, function in ingest.functions.items()
            if "ERROR_BUS" in function.get("Environment", {}).get("Variables", {})
        }
        writing = {
            one.role for one in ingest.statements() if "events:PutEvents" in one.actions and bus in one.resources
        } - {machine["RoleArn"]["Fn::GetAtt"][0]}

        assert writing == {ingest.role_of(name) for name in told}
        assert {ingest.functions[name]["FunctionName"].removeprefix("watchkeeper-prod-") for name in told} == {
            "publish-events",
            "evaluate-alerts",
            "record-facts",
        }
