"""The corrections of the emulator, tested in an interpreter of its own."""

import subprocess
from pathlib import Path

from local.workspace import REPOSITORY

MENDED = """
import json, sys, time
sys.path.insert(0, "local")
import emulator
from ministack.services import dynamodb, iam, lambda_svc, sqs, stepfunctions

def make_table(name, **more):
    dynamodb._create_table({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        **more,
    })

def wait_for(condition):
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("in vain")
"""

MOVED = """
made = sqs._act_create_queue({"QueueName": "work"}, "")["QueueUrl"]
sqs.DEFAULT_PORT = "6450"
emulator.find_queues_by_name()
assert sqs._queue_url("work") == made, sqs._queue_url("work")
assert ":6450/" in sqs._queue_url("other")
"""

STREAM = """
make_table("events", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
stream = dynamodb._tables["events"]["LatestStreamArn"]
lambda_svc._functions["publish"] = lambda_svc._functions["evaluate"] = {"config": {"FunctionArn": "publish"}}
lambda_svc._get_func_record_for_qualifier = lambda name, _: ({"config": {"FunctionName": name}}, {})
lambda_svc._ensure_poller = lambda: None
lambda_svc._ESM_BACKOFF_SECONDS = 0
given_up = []
lambda_svc._send_ddb_stream_failure_record = lambda _, function, records, *rest: given_up.extend(map(which, records))
emulator.let_functions_answer_for_changes()

def connect(function, **more):
    mapping = {"EventSourceArn": stream, "FunctionName": function, "StartingPosition": "TRIM_HORIZON", **more}
    lambda_svc._create_esm({"FunctionResponseTypes": ["ReportBatchItemFailures"], **mapping})

def put(*names):
    for name in names:
        dynamodb._put_item({"TableName": "events", "Item": {"id": {"S": name}}})

def which(record):
    return record["dynamodb"]["Keys"]["id"]["S"]

given = {"publish": [], "evaluate": []}
failing, raising = set(), set()

def execute(function, event):
    name = function["config"]["FunctionName"]
    given[name].append([which(record) for record in event["Records"]])
    if name == "evaluate":
        return {"body": None}
    if raising.intersection(given[name][-1]):
        return {"error": True, "body": {}}
    failed = [record for record in event["Records"] if which(record) in failing]
    return {"body": {"batchItemFailures": [{"itemIdentifier": r["dynamodb"]["SequenceNumber"]} for r in failed]}}

lambda_svc._execute_function = execute

def poll():
    lambda_svc._poll_dynamodb_streams()
    wait_for(lambda: not lambda_svc._esm_inflight)
"""

FAILING = """
put("a", "b", "c")
connect("publish")
failing.add("b")
poll()
failing.clear()
poll(), poll(), poll()
assert given["publish"] == [["a", "b", "c"], ["b"], ["c"]], given
"""

SHARED = """
connect("publish")
connect("evaluate", FilterCriteria={"Filters": [{"Pattern": json.dumps({"dynamodb": {"Keys": {"id": {"S": ["b"]}}}})}]})
put("a", "b", "c")
raising.add("a")
poll(), poll()
assert given == {"publish": [["a", "b", "c"], ["a"]], "evaluate": [["b"]]}, given
"""

OLD = """
connect("publish", MaximumRecordAgeInSeconds=3600)
put("a", "b", "c")
raising.add("a")
poll(), poll(), poll()
for record in dynamodb._stream_records["events"]:
    record["dynamodb"]["ApproximateCreationDateTime"] -= 3601
poll(), poll()
assert given_up == ["a"], given_up
assert given["publish"][-1] == ["b"], given
"""

RESTARTED = """
from ministack.core import persistence
from ministack.services import dynamodb_streams
emulator.keep_changes()
connect("publish")
put("a", "b")
poll()
put("c", "d")
persistence.PERSIST_STATE, persistence.STATE_DIR = True, sys.argv[1]
persistence.save_all({"streams": dynamodb_streams.get_state})
dynamodb._stream_records.clear(), dynamodb._stream_trimmed.clear()
dynamodb_streams.load_persisted_state(persistence.load_state("streams"))
poll()
put("e")
poll()
assert given["publish"] == [["a", "b"], ["c", "d"], ["e"]], given
dynamodb._stream_records.clear(), dynamodb._stream_trimmed.clear()
put("f")
poll()
assert given["publish"][-1] == ["f"], given
"""

MACHINE = """
make_table("read-models")
role = "arn:aws:iam::000000000000:role/projections"
iam._roles["projections"] = {"RoleName": "projections", "Arn": role, "InlinePolicies": {}}
put = {
    "Type": "Task",
    "Resource": "arn:aws:states:::dynamodb:putItem",
    "Arguments": {"TableName": "read-models", "Item": {"id": {"S": "{% $states.input.id %}"}}},
    "End": True,
}
definition = json.dumps({"QueryLanguage": "JSONata", "StartAt": "Put", "States": {"Put": put}})
request = {"name": "projections", "type": "EXPRESS", "roleArn": role, "definition": definition}
machine = json.loads(stepfunctions._create_state_machine(request)[2])["stateMachineArn"]
decided = []

class Noted:
    def note(self, key, action, resource, allowed):
        decided.append((emulator.iam_evaluator.resolve_principal(key, "000000000000").arn, action, resource, allowed))

emulator.forget_executions()
emulator.ask_for_machines()
emulator.note_decisions(Noted())

def execute(name):
    stepfunctions._start_execution({"stateMachineArn": machine, "input": json.dumps({"id": name})})
    assert len(stepfunctions._executions) == 1
    assert len(stepfunctions.get_state()["executions"]) == 0
    wait_for(lambda: not stepfunctions._executions)

session = "arn:aws:sts::000000000000:assumed-role/projections/projections"
table = "arn:aws:dynamodb:us-east-1:000000000000:table/read-models"
"""

EXECUTED = """
statement = {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": table}
iam._roles["projections"]["InlinePolicies"]["project"] = json.dumps({"Statement": statement})
execute("a")
assert "a" in dynamodb._tables["read-models"]["items"]
assert decided == [(session, "dynamodb:PutItem", table, True)], decided
"""

DENIED = """
execute("a")
assert not dynamodb._tables["read-models"]["items"]
assert decided == [(session, "dynamodb:PutItem", table, False)], decided
"""

SCHEDULED = """
from ministack.services import eventbridge
emulator.fire_no_cron()
eventbridge._ensure_default_bus()
fired = []
eventbridge._invoke_target = lambda target, event, rule, *_: fired.append(rule["Name"])
for name, expression in {"cron": "cron(* * * * ? *)", "rate": "rate(1 minute)"}.items():
    eventbridge._put_rule({"Name": name, "ScheduleExpression": expression})
    eventbridge._put_targets({"Rule": name, "Targets": [{"Id": "1", "Arn": "arn:aws:sqs:us-east-1:000000000000:any"}]})
for minutes in range(3):
    eventbridge._now_ts = lambda: time.time() + 60 * minutes + 1
    eventbridge._tick_scheduled_rules()
assert fired == ["rate", "rate"], fired
"""


def succeeds(*scripts: str, argument: str = "") -> None:
    python = REPOSITORY / ".local" / "ministack" / "bin" / "python"
    command = [str(python), "-c", "\n".join((MENDED, *scripts)), argument]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_a_queue_is_found_when_the_state_was_taken_to_another_port() -> None:
    succeeds(MOVED)


def test_a_change_a_function_failed_for_comes_again_and_what_was_done_before_it_does_not() -> None:
    succeeds(STREAM, FAILING)


def test_functions_of_one_stream_do_not_wait_for_each_other_and_are_given_what_they_want() -> None:
    succeeds(STREAM, SHARED)


def test_a_change_that_fails_until_it_is_too_old_is_given_up_alone() -> None:
    succeeds(STREAM, OLD)


def test_changes_are_handed_on_where_it_was_after_a_restart(tmp_path: Path) -> None:
    succeeds(STREAM, RESTARTED, argument=str(tmp_path))


def test_an_execution_of_an_express_machine_is_allowed_by_its_role_and_forgotten() -> None:
    succeeds(MACHINE, EXECUTED)


def test_an_execution_does_not_do_what_its_role_may_not() -> None:
    succeeds(MACHINE, DENIED)


def test_rates_are_fired_without_cron_expressions_where_those_are_not_to_be() -> None:
    succeeds(SCHEDULED)
