"""What a deployment would change, as CloudFormation works it out."""

from collections import OrderedDict
from dataclasses import replace
from typing import Any

import pytest

from local.plans import LARGEST_BODY, Packaged, Plan, deployed_template, plan
from local.stages import StageRefused
from tests.unit.local.stand_ins import NO_STACK, Client, FakeStage, refusal

NOTHING = "The submitted information didn't contain changes."
TABLE: dict[str, Any] = {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "watchkeeper-dev-patches"}}


def function(key: str) -> dict[str, Any]:
    code = {"S3Bucket": {"Ref": "ServerlessDeploymentBucket"}, "S3Key": key}
    return {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "watchkeeper-dev-kernel", "Code": code}}


def packaged(**resources: Any) -> Packaged:
    return Packaged("api", {"Resources": resources}, {"stage": "dev"}, code_sha256="built")


def change(
    action: str, name: str, kind: str, replacement: str = "False", *properties: str, recreation: str = "Always"
) -> dict[str, Any]:
    """A property named `=Name` recreates nothing."""
    details = [
        {
            "Target": {
                "Attribute": "Properties",
                "Name": name.removeprefix("="),
                "RequiresRecreation": "Never" if name.startswith("=") else recreation,
            }
        }
        for name in properties
    ]
    resource = {"Action": action, "LogicalResourceId": name, "ResourceType": kind, "Details": details}
    return {"Type": "Resource", "ResourceChange": resource | {"Replacement": replacement}}


def changing(
    *pages: dict[str, Any], deployed: dict[str, Any] | None = None, running: str = "older", **stack: Any
) -> FakeStage:
    """A stage whose change set is described so, page by page."""
    answers = list(pages)

    def describe_change_set(**request: Any) -> dict[str, Any]:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    cloudformation = Client(
        {
            "describe_stacks": {"Stacks": [{"StackStatus": "UPDATE_COMPLETE"} | stack]},
            "get_template": {"TemplateBody": {"Resources": deployed or {}}},
            "describe_stack_resource": {"StackResourceDetail": {"PhysicalResourceId": "the-bucket"}},
            "create_change_set": {},
            "describe_change_set": describe_change_set,
            "delete_change_set": {},
        }
    )
    functions = Client({"get_function_configuration": {"CodeSha256": running}})
    return FakeStage(
        {
            "cloudformation": cloudformation,
            "lambda": functions,
            "s3": Client({"put_object": {}, "delete_object": {}}),
        }
    )


def complete(*changes: dict[str, Any], token: str | None = None) -> dict[str, Any]:
    page: dict[str, Any] = {"Status": "CREATE_COMPLETE", "Changes": list(changes)}
    return page | ({"NextToken": token} if token else {})


def template_asked_for(stage: FakeStage) -> str:
    [request] = stage.clients["cloudformation"].requests("create_change_set")
    return str(request["TemplateBody"])


def test_a_stack_that_does_not_exist_is_created() -> None:
    stage = FakeStage({"cloudformation": Client({"describe_stacks": NO_STACK})})

    found = plan(stage, packaged(PatchesTable=TABLE))

    assert found.is_new
    assert found.lines()[0] == "api is created, 1 changes:"
    assert [(each.action, each.logical_id) for each in found.changes] == [("Add", "PatchesTable")]


def test_all_pages_are_read_and_the_change_set_is_deleted() -> None:
    first = complete(change("Modify", "Kernel", "AWS::Lambda::Function", "False", "MemorySize"), token="more")
    stage = changing(first, complete(change("Add", "New", "AWS::SQS::Queue")))

    found = plan(stage, packaged())

    assert [each.logical_id for each in found.changes] == ["Kernel", "New"]
    assert "Kernel: MemorySize" in str(found.changes[0])
    cloudformation = stage.clients["cloudformation"]
    assert cloudformation.requests("describe_change_set")[-1]["NextToken"] == "more"
    assert len(cloudformation.requests("delete_change_set")) == 1


@pytest.mark.parametrize("reason", [NOTHING, "No updates are to be performed"])
def test_no_changes_are_no_failure(reason: str) -> None:
    found = plan(changing({"Status": "FAILED", "StatusReason": reason}), packaged())

    assert found == Plan("api")
    assert found.is_empty
    assert found.lines() == ["api: unchanged"]


def test_outputs_alone_are_a_change() -> None:
    found = plan(changing(complete()), packaged())

    assert not found.is_empty
    assert found.lines() == ["api is updated, 1 changes:", "  ~ outputs, tags or descriptions"]


@pytest.mark.parametrize(("wanted", "now", "told"), [(True, False, "on"), (False, True, "off")])
def test_protection_from_deletion_is_a_change_that_no_change_set_names(wanted: bool, now: bool, told: str) -> None:
    stage = changing({"Status": "FAILED", "StatusReason": NOTHING}, EnableTerminationProtection=now)

    found = plan(stage, replace(packaged(), is_protected=wanted))

    assert not found.is_empty
    assert found.lines()[1:] == [f"  ~ protection from deletion: {told}"]


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"])
def test_a_stack_that_is_being_deployed_is_left_alone(status: str) -> None:
    stage = changing(complete(), StackStatus=status)

    found = plan(stage, packaged())

    assert (found.is_busy, found.is_empty) == (True, False)
    assert found.lines() == ["api is being deployed: ask again when that has ended"]
    assert stage.clients["cloudformation"].requests("create_change_set") == []


def test_what_cloudformation_refuses_is_told_and_nothing_left() -> None:
    stage = changing({"Status": "FAILED", "StatusReason": "Template error: no such attribute"})

    with pytest.raises(StageRefused, match="no such attribute"):
        plan(stage, packaged())
    assert stage.clients["cloudformation"].requests("delete_change_set")


@pytest.mark.parametrize(
    ("found", "loses"),
    [
        (change("Remove", "PatchesTable", "AWS::DynamoDB::Table"), True),
        (change("Modify", "PatchesTable", "AWS::DynamoDB::Table", "True", "TableName"), True),
        (change("Modify", "PatchesTable", "AWS::DynamoDB::Table", "Conditional", "TableName"), True),
        (change("Modify", "PatchesTable", "AWS::DynamoDB::Table", "False", "Tags"), False),
        (change("Add", "PatchesTable", "AWS::DynamoDB::Table"), False),
        (change("Remove", "Kernel", "AWS::Lambda::Function"), False),
    ],
)
def test_what_loses_data_is_marked(found: dict[str, Any], loses: bool) -> None:
    made = plan(changing(complete(found)), packaged())

    assert bool(made.losses) is loses
    assert ("loses what it holds" in str(made.changes[0])) is loses


@pytest.mark.parametrize(
    ("action", "replacement", "policies", "loses"),
    [
        ("Remove", "False", {"DeletionPolicy": "Retain"}, False),
        ("Remove", "False", {"DeletionPolicy": "RetainExceptOnCreate"}, False),
        ("Remove", "False", {"UpdateReplacePolicy": "Retain"}, True),
        ("Modify", "True", {"UpdateReplacePolicy": "Retain"}, False),
        ("Modify", "Conditional", {"UpdateReplacePolicy": "Retain"}, False),
        ("Modify", "True", {"DeletionPolicy": "Retain"}, True),
        ("Remove", "False", {"DeletionPolicy": "Delete"}, True),
    ],
)
def test_what_is_retained_as_it_was_deployed_is_no_loss(
    action: str, replacement: str, policies: dict[str, str], loses: bool
) -> None:
    found = change(action, "PatchesTable", "AWS::DynamoDB::Table", replacement, "TableName")

    made = plan(changing(complete(found), deployed={"PatchesTable": TABLE | policies}), packaged())

    assert bool(made.losses) is loses
    assert ("is retained" in str(made.changes[0])) is not loses


@pytest.mark.parametrize(
    ("replacement", "properties", "loses"),
    [
        ("Conditional", ["AttributeDefinitions", "=GlobalSecondaryIndexes"], False),
        ("Conditional", ["AttributeDefinitions", "KeySchema"], True),
        ("Conditional", ["KeySchema"], True),
        ("True", ["AttributeDefinitions"], True),
    ],
)
def test_a_new_index_of_a_table_is_a_warning_and_no_loss(replacement: str, properties: list[str], loses: bool) -> None:
    found = change(
        "Modify", "PatchesTable", "AWS::DynamoDB::Table", replacement, *properties, recreation="Conditionally"
    )

    made = plan(changing(complete(found)), packaged())

    assert bool(made.losses) is loses
    assert ("a new index does not" in str(made.changes[0])) is not loses


def test_the_same_code_at_another_place_is_no_change() -> None:
    stage = changing(complete(), deployed={"Kernel": function("older/place.zip")}, running="built")

    plan(stage, packaged(Kernel=function("newer/place.zip")))

    assert "older/place.zip" in template_asked_for(stage)
    assert "newer/place.zip" not in template_asked_for(stage)


def test_other_code_is_a_change() -> None:
    stage = changing(complete(), deployed={"Kernel": function("older/place.zip")}, running="older")

    plan(stage, packaged(Kernel=function("newer/place.zip")))

    assert "newer/place.zip" in template_asked_for(stage)


def test_a_template_is_of_plain_dicts_though_boto_makes_it_of_ordered_ones() -> None:
    body = OrderedDict(Resources=OrderedDict(Alias=OrderedDict(FunctionName=OrderedDict(Ref="Kernel"))))
    stage = FakeStage({"cloudformation": Client({"get_template": {"TemplateBody": body}})})

    found = deployed_template(stage, "watchkeeper-dev-api")

    assert str(found["Resources"]["Alias"]["FunctionName"]) == str({"Ref": "Kernel"})


def test_a_function_somebody_deleted_has_no_code() -> None:
    stage = changing(complete(), deployed={"Kernel": function("older/place.zip")})
    stage.clients["lambda"] = Client({"get_function_configuration": refusal("ResourceNotFoundException")})

    plan(stage, packaged(Kernel=function("newer/place.zip")))

    assert "newer/place.zip" in template_asked_for(stage)


def test_a_large_template_is_in_the_bucket_for_the_while() -> None:
    stage = changing(complete())

    plan(stage, packaged(Large={"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "x" * LARGEST_BODY}}))

    s3 = stage.clients["s3"]
    [put], [deleted] = s3.requests("put_object"), s3.requests("delete_object")
    [request] = stage.clients["cloudformation"].requests("create_change_set")
    assert (put["Bucket"], put["Key"]) == (deleted["Bucket"], deleted["Key"])
    assert request["TemplateURL"].endswith(f"/the-bucket/{put['Key']}")
    assert "TemplateBody" not in request
