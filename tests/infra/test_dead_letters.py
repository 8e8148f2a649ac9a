"""Everything that fails permanently is kept where the operator's function finds it and may redrive it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.infra.packages import Package
from watchkeeper.observability.facts import ALL_SERVICES

PREFIX = "watchkeeper-prod-"
OPERATOR = "DeadDashlettersLambdaFunction"
COUNTER = "CheckDashdeadDashlettersLambdaFunction"


@pytest.fixture(scope="session")
def environment(packages: dict[str, Package]) -> Mapping[str, Any]:
    variables: Mapping[str, Any] = packages["scheduler"].functions[OPERATOR]["Environment"]["Variables"]
    return variables


@pytest.fixture(scope="session")
def known(environment: Mapping[str, Any]) -> dict[str, dict[str, str | None]]:
    """The queues of the operator's function."""
    queues: dict[str, dict[str, str | None]] = json.loads(environment["DEAD_LETTER_QUEUES"]["Fn::Sub"])
    return queues


def queue_names(packages: dict[str, Package]) -> set[str]:
    return {queue["QueueName"] for package in packages.values() for queue in queues(package).values()}


def queues(package: Package) -> dict[str, Mapping[str, Any]]:
    return package.properties("AWS::SQS::Queue")


def resources_for(packages: dict[str, Package], action: str, function: str = OPERATOR) -> str:
    """What the operator's function, or another of the service, may do this to, as one text."""
    package = packages["scheduler"]
    role = package.role_of(function)
    allowed = [one.resources for one in package.statements() if one.role == role and action in one.actions]
    return json.dumps(allowed)


def test_every_queue_of_letters_is_known_and_may_be_tended(
    packages: dict[str, Package], known: dict[str, dict[str, str | None]]
) -> None:
    of_letters = {name for name in queue_names(packages) if name.endswith(("-dlq", "-failures"))}

    assert {str(queue["dlq"]).rpartition("/")[2] for queue in known.values()} == of_letters
    for action in ("ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes"):
        allowed = resources_for(packages, f"sqs:{action}")
        assert all(f":{name}" in allowed for name in of_letters)


def test_every_queue_of_letters_is_counted_as_the_service_s_that_has_it_and_failures_as_all_services(
    packages: dict[str, Package],
) -> None:
    scheduler = packages["scheduler"]
    environment = scheduler.functions[COUNTER]["Environment"]["Variables"]
    counted = json.loads(environment["DEAD_LETTER_QUEUES"]["Fn::Sub"])
    owners = {
        queue["QueueName"]: service
        for service, package in packages.items()
        for queue in queues(package).values()
        if "RedrivePolicy" not in queue
    } | {f"{PREFIX}failures": ALL_SERVICES}

    assert {one["dlq"].rpartition("/")[2]: one["service"] for one in counted.values()} == owners
    allowed = resources_for(packages, "sqs:GetQueueAttributes", COUNTER)
    assert all(f":{name}" in allowed for name in owners)


def test_letters_go_back_to_the_queue_they_came_from(
    packages: dict[str, Package], known: dict[str, dict[str, str | None]]
) -> None:
    came_from = {
        queues(package)[queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]]["QueueName"]: queue["QueueName"]
        for package in packages.values()
        for queue in queues(package).values()
        if "RedrivePolicy" in queue
    }

    back = {str(queue["dlq"]).rpartition("/")[2]: str(queue["queue"]).rpartition("/")[2] for queue in known.values()}
    assert came_from.items() <= back.items()
    assert all(f":{name}" in resources_for(packages, "sqs:SendMessage") for name in came_from.values())


def test_the_function_of_a_queue_is_the_one_that_takes_its_messages(
    packages: dict[str, Package], known: dict[str, dict[str, str | None]]
) -> None:
    takers = {
        queues(package)[source]["QueueName"].removeprefix(PREFIX): name(package, function)
        for package in packages.values()
        for function, source in sources(package, "Arn")
    }

    assert {queue: settings["function"] for queue, settings in known.items() if settings["queue"]} == takers


def test_a_function_with_a_queue_writes_letters_that_say_why(packages: dict[str, Package]) -> None:
    for package, function, source in [(one, *taken) for one in packages.values() for taken in sources(one, "Arn")]:
        redrive = queues(package)[source]["RedrivePolicy"]
        letters = redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]
        variables = package.functions[function]["Environment"]["Variables"]
        assert variables["DEAD_LETTERS_URL"] == {"Ref": letters}
        assert int(variables["MAX_RECEIVES"]) == redrive["maxReceiveCount"]
        assert any(
            one.role == package.role_of(function)
            and "sqs:SendMessage" in one.actions
            and {"Fn::GetAtt": [letters, "Arn"]} in one.resources
            for one in package.statements()
        )


def test_every_function_that_can_fail_for_good_can_be_invoked_again_but_the_operators_own(
    packages: dict[str, Package], environment: Mapping[str, Any]
) -> None:
    failing = {function for package in packages.values() for function in failing_for_good(package)} - {"dead-letters"}

    assert set(environment["REDRIVEN_FUNCTIONS"].split(",")) == failing
    allowed = resources_for(packages, "lambda:InvokeFunction")
    assert {function for function in failing if f':function:{PREFIX}{function}"' not in allowed} == set()
    assert allowed.count(":function:") == len(failing)


def failing_for_good(package: Package) -> Iterator[str]:
    """Functions whose schedules or asynchronous invocations end among the failures."""
    for config in package.properties("AWS::Lambda::EventInvokeConfig").values():
        yield name(package, config["FunctionName"]["Ref"])
    for rule in package.properties("AWS::Events::Rule").values():
        for target in rule["Targets"]:
            if (called := target["Arn"]["Fn::GetAtt"][0]) in package.functions:
                yield name(package, called)


def test_every_stream_a_function_fails_on_can_be_read_again(packages: dict[str, Package]) -> None:
    ingest = packages["ingest"]
    tables = ingest.properties("AWS::DynamoDB::Table")
    streams = {tables[source]["TableName"] for _, source in sources(ingest, "StreamArn")}

    assert streams
    for action in ("dynamodb:GetShardIterator", "dynamodb:GetRecords"):
        allowed = resources_for(packages, action)
        assert all(f":table/{table}/stream/*" in allowed for table in streams)
        assert allowed.count(":table/") == len(streams)


def sources(package: Package, attribute: str) -> Iterator[tuple[str, str]]:
    """Functions and the queues (`Arn`) or tables (`StreamArn`) they are given the records of."""
    for mapping in package.properties("AWS::Lambda::EventSourceMapping").values():
        source, named = mapping["EventSourceArn"]["Fn::GetAtt"]
        if named == attribute:
            yield mapping["FunctionName"]["Fn::GetAtt"][0], source


def name(package: Package, function: str) -> str:
    full: str = package.functions[function]["FunctionName"]
    return full.removeprefix(PREFIX)
