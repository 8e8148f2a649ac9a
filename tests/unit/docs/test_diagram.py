"""The picture of the architecture, drawn from small templates written by hand."""

from typing import Any

import pytest

from local.documents.diagram import section

FAILURES = {"Fn::GetAtt": ["FailuresQueue", "Arn"]}
TABLE = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/watchkeeper-prod-facts"


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def role(*statements: tuple[list[str], list[Any]]) -> dict[str, Any]:
    allowed = [{"Effect": "Allow", "Action": actions, "Resource": resources} for actions, resources in statements]
    return resource("IAM::Role", Policies=[{"PolicyDocument": {"Statement": allowed}}])


def function(name: str, role: str) -> dict[str, Any]:
    return resource("Lambda::Function", FunctionName=f"watchkeeper-prod-{name}", Role={"Fn::GetAtt": [role, "Arn"]})


def queue(name: str, dead_letters: str | None = None) -> dict[str, Any]:
    redrive = {"RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": [dead_letters, "Arn"]}}} if dead_letters else {}
    return resource("SQS::Queue", QueueName=f"watchkeeper-prod-{name}", **redrive)


def table(name: str) -> dict[str, Any]:
    return resource("DynamoDB::Table", TableName=f"watchkeeper-prod-{name}")


def ingest(**more: dict[str, Any]) -> dict[str, Any]:
    """A function that takes messages of its queue and keeps facts."""
    rule = resource(
        "Events::Rule",
        Name="watchkeeper-prod-work-hourly",
        ScheduleExpression="rate(1 hour)",
        Targets=[{"Arn": {"Fn::GetAtt": ["Fetch", "Arn"]}, "DeadLetterConfig": {"Arn": FAILURES}}],
    )
    mapping = resource(
        "Lambda::EventSourceMapping",
        EventSourceArn={"Fn::GetAtt": ["WorkQueue", "Arn"]},
        FunctionName={"Fn::GetAtt": ["Fetch", "Arn"]},
    )
    fetching = role(
        (["sqs:ReceiveMessage", "sqs:DeleteMessage"], [{"Fn::GetAtt": ["WorkQueue", "Arn"]}]),
        (["sqs:SendMessage"], [FAILURES, {"Fn::GetAtt": ["WorkDead", "Arn"]}]),
        (["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"], [{"Fn::GetAtt": ["FactsTable", "Arn"]}]),
        (["dynamodb:Query"], [{"Fn::Sub": "${NotesTable.Arn}/index/TimeIndex"}]),
        (["logs:PutLogEvents", "xray:PutTraceSegments"], ["*"]),
    )
    return {
        "Resources": {
            "Fetch": function("fetch", "FetchRole"),
            "FetchRole": fetching,
            "WorkQueue": queue("work", "WorkDead"),
            "WorkDead": queue("work-dlq"),
            "FailuresQueue": queue("failures"),
            "FactsTable": table("facts"),
            "NotesTable": table("notes"),
            "Hourly": rule,
            "Source": mapping,
            "Async": resource(
                "Lambda::EventInvokeConfig",
                FunctionName={"Ref": "Fetch"},
                DestinationConfig={"OnFailure": {"Destination": FAILURES}},
            ),
            "ServerlessDeploymentBucket": resource("S3::Bucket"),
            **more,
        }
    }


def api(*statements: tuple[list[str], list[Any]]) -> dict[str, Any]:
    return {
        "Resources": {
            "Answer": function("answer", "AnswerRole"),
            "AnswerRole": role(*statements),
            "Live": resource("Lambda::Alias", FunctionName={"Ref": "Answer"}),
            "HttpApi": resource("ApiGatewayV2::Api", Name="watchkeeper-prod-api"),
            "Answering": resource(
                "ApiGatewayV2::Integration", ApiId={"Ref": "HttpApi"}, IntegrationUri={"Ref": "Live"}
            ),
        }
    }


def lines(text: str) -> set[str]:
    return {line.strip() for line in text.splitlines()}


def test_what_starts_a_function_leads_to_it() -> None:
    drawn = lines(section({"ingest": ingest()}))

    assert "schedule_work_hourly --> function_fetch" in drawn
    assert "queue_work --> function_fetch" in drawn


def test_schedules_say_when_they_come() -> None:
    assert 'schedule_work_hourly(["work-hourly<br>rate(1 hour)"])' in lines(section({"ingest": ingest()}))


def test_a_queue_leads_to_its_dead_letters_once() -> None:
    drawn = section({"ingest": ingest()})

    assert "queue_work --x queue_work_dlq" in lines(drawn)
    assert "function_fetch --> queue" not in drawn


def test_what_is_written_is_not_drawn_as_read_as_well() -> None:
    drawn = section({"ingest": ingest()})

    assert "function_fetch --> table_facts" in lines(drawn)
    assert "table_facts -.->" not in drawn


def test_what_is_only_read_is_dotted() -> None:
    assert "table_notes -.-> function_fetch" in lines(section({"ingest": ingest()}))


def test_another_services_table_is_found_by_its_name() -> None:
    drawn = section({"ingest": ingest(), "api": api((["dynamodb:GetItem"], [{"Fn::Sub": TABLE}]))})

    assert "table_facts -.-> function_answer" in lines(drawn)


def test_an_api_leads_to_the_function_behind_its_alias() -> None:
    assert "api_api --> function_answer" in lines(section({"api": api()}))


def test_many_tables_that_are_read_become_one_line() -> None:
    tables = {name.title(): table(name) for name in ("letters", "words")}
    named = [{"Fn::Sub": TABLE.replace("facts", name)} for name in ("facts", "letters", "words")]
    drawn = section({"ingest": ingest(**tables), "api": api((["dynamodb:Query"], named))})

    assert 'ingest_tables -.->|"facts<br>letters<br>words"| function_answer' in lines(drawn)


def test_all_tables_are_called_all() -> None:
    named = [{"Fn::Sub": TABLE.replace("facts", name)} for name in ("facts", "notes", "words")]
    drawn = section({"ingest": ingest(Words=table("words")), "api": api((["dynamodb:Query"], named))})

    assert 'ingest_tables -.->|"all"| function_answer' in lines(drawn)


def test_a_stream_leads_to_who_is_connected_to_it() -> None:
    stream = {"Fn::GetAtt": ["FactsTable", "StreamArn"]}
    mapping = resource(
        "Lambda::EventSourceMapping",
        EventSourceArn=stream,
        FunctionName={"Fn::GetAtt": ["Tell", "Arn"]},
        StartingPosition="LATEST",
    )
    telling = {"Tell": function("tell", "TellRole"), "TellRole": role((["dynamodb:GetRecords"], [stream]))}
    drawn = section({"ingest": ingest(Telling=mapping, **telling)})

    assert "table_facts ==> function_tell" in lines(drawn)
    assert "table_facts -.-> function_tell" not in drawn


def test_who_looks_records_up_by_hand_reads_them() -> None:
    looking = role((["dynamodb:GetRecords"], [{"Fn::Sub": f"{TABLE}/stream/*"}]))
    drawn = section({"ingest": ingest(Look=function("look", "LookRole"), LookRole=looking)})

    assert "table_facts -.-> function_look" in lines(drawn)


def projections() -> dict[str, Any]:
    """A state machine that a bus starts, and that keeps facts."""
    rule = resource(
        "Events::Rule",
        Name="watchkeeper-prod-project",
        EventPattern={"source": ["watchkeeper.facts"]},
        EventBusName={"Ref": "Bus"},
        Targets=[{"Arn": {"Fn::GetAtt": ["Projections", "Arn"]}}],
    )
    projecting = role(
        (["dynamodb:GetItem", "dynamodb:PutItem"], [{"Fn::GetAtt": ["FactsTable", "Arn"]}]),
        (["dynamodb:Query"], [{"Fn::GetAtt": ["NotesTable", "Arn"]}]),
    )
    machine = resource(
        "StepFunctions::StateMachine",
        StateMachineName="watchkeeper-prod-projections",
        RoleArn={"Fn::GetAtt": ["ProjectionsRole", "Arn"]},
    )
    bus = resource("Events::EventBus", Name="watchkeeper-prod-events")
    return {"Bus": bus, "Project": rule, "Projections": machine, "ProjectionsRole": projecting}


def test_a_state_machine_stands_between_what_starts_it_and_what_it_writes() -> None:
    drawn = lines(section({"ingest": ingest(**projections())}))

    assert 'machine_projections[\\"state machine<br>projections"/]' in drawn
    assert "bus_events --> machine_projections" in drawn
    assert "machine_projections --> table_facts" in drawn
    assert "table_notes -.-> machine_projections" in drawn


def test_who_may_start_a_state_machine_leads_to_it() -> None:
    arn = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:watchkeeper-prod-projections"
    started = {"ingest": ingest(**projections()), "api": api((["states:StartExecution"], [{"Fn::Sub": arn}]))}

    assert "function_answer --> machine_projections" in lines(section(started))


def test_an_api_leads_to_who_reads_its_log() -> None:
    log = resource(
        "Logs::SubscriptionFilter",
        LogGroupName="/aws/http-api/watchkeeper-prod-api",
        DestinationArn={"Fn::GetAtt": ["Watch", "Arn"]},
    )
    template = api()
    template["Resources"] |= {"Log": log, "Watch": function("watch", "WatchRole"), "WatchRole": role()}

    assert "api_api --> function_watch" in lines(section({"api": template}))


def test_the_way_to_the_failures_is_told_once_and_names_who_lacks_it() -> None:
    told = section({"ingest": ingest(), "api": api()})

    assert "every schedule, every stream and each asynchronous call of every function but `answer`" in told
    assert "queue_failures -->" not in told
    assert "--> queue_failures" not in told


def test_who_may_invoke_whom_is_told_in_words() -> None:
    arn = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:watchkeeper-prod-fetch"
    told = section({"ingest": ingest(), "api": api((["lambda:InvokeFunction"], [{"Fn::Sub": arn}]))})

    assert "`answer` may invoke every function but `answer`." in told


def test_each_service_is_a_box_without_what_the_framework_adds() -> None:
    drawn = section({"ingest": ingest(), "api": api()})

    assert {"subgraph ingest", "subgraph api", "subgraph ingest_tables[tables]"} <= lines(drawn)
    assert "bucket" not in drawn


def test_a_table_that_nobody_makes_is_an_error() -> None:
    with pytest.raises(ValueError, match="table facts, which no template makes"):
        section({"api": api((["dynamodb:GetItem"], [{"Fn::Sub": TABLE}]))})


def test_an_action_of_a_service_nobody_told_of_is_an_error() -> None:
    with pytest.raises(ValueError, match="sns"):
        section({"ingest": ingest(), "api": api((["sns:Publish"], [{"Fn::Sub": TABLE}]))})


def test_a_user_pool_leads_to_the_functions_it_calls_and_is_changed_by_others() -> None:
    arn = {"Fn::GetAtt": ["People", "Arn"]}
    calls = {"LambdaConfig": {"PreSignUp": {"Fn::GetAtt": ["Answer", "Arn"]}}}
    pool = resource("Cognito::UserPool", UserPoolName="watchkeeper-prod-people", **calls)
    asking, removing = (["cognito-idp:AdminGetUser"], [arn]), (["cognito-idp:AdminDeleteUser"], [arn])

    assert "pool_people -.-> function_answer" in lines(section({"api": _with(api(asking), People=pool)}))
    drawn = lines(section({"api": _with(api(removing), People=pool)}))
    assert {"pool_people --> function_answer", "function_answer --> pool_people"} <= drawn


def test_the_service_that_mails_stands_outside_of_all_boxes() -> None:
    identity = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/watchkeeper.example"
    drawn = section({"api": api((["ses:SendEmail"], [{"Fn::Sub": identity}]))})

    assert '\n    end\n    mail_SES>"SES"]\n' in drawn
    assert "function_answer --> mail_SES" in lines(drawn)


def test_who_has_the_address_of_the_push_service_pushes() -> None:
    pushing = api()
    pushing["Resources"]["Answer"]["Properties"]["Environment"] = {"Variables": {"EXPO_URL": "https://exp.host"}}

    assert "function_answer --> push_Expo" in lines(section({"api": pushing}))


def test_the_few_are_named_where_most_are_meant_otherwise() -> None:
    more = {name: function(name.lower(), "AnswerRole") for name in ("One", "Two", "Three")}
    told = section({"ingest": ingest(), "api": _with(api(), **more)})

    assert "each asynchronous call of `fetch` gives up" in told


def _with(stack: dict[str, Any], **more: dict[str, Any]) -> dict[str, Any]:
    return {"Resources": {**stack["Resources"], **more}}
