"""What is deployed to production is closed, protected and labelled."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.infra.packages import Package, as_list
from tests.infra.scanning import EXCEPTIONS, Finding, scan

TAGS = {"project", "stage", "service"}
BAD = "bad"
KEEPS_FACTS = (
    "AWS::Backup::BackupVault",
    "AWS::Cognito::UserPool",
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
)
DEPLOYMENT_BUCKET = "ServerlessDeploymentBucket"
SECRET_NAMES = re.compile(r"SECRET|TOKEN|PASSWORD|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY")
SECRET_VALUES = re.compile(r"AKIA[0-9A-Z]{16}|-----BEGIN|[A-Za-z0-9+/]{40,}={0,2}$|[0-9a-f]{32,}|://[^/@\s]+:[^/@\s]+@")


@pytest.fixture(scope="session")
def findings(packages: dict[str, Package], tmp_path_factory: pytest.TempPathFactory) -> list[Finding]:
    """Of the three templates, and of one that is bad, to see that it is told."""
    folder = tmp_path_factory.mktemp("templates")
    for service, package in packages.items():
        (folder / f"{service}.json").write_text(package.template_file.read_text())
    (folder / f"{BAD}.json").write_text(json.dumps(opened(packages["ingest"].template)))
    return scan(folder)


class TestCheckov:
    def test_nothing_is_found_that_is_not_excepted(self, findings: list[Finding]) -> None:
        assert [one for one in findings if one.template != BAD and not one.is_excepted] == []

    def test_every_exception_is_still_needed(self, findings: list[Finding]) -> None:
        found = {(one.check, one.resource) for one in findings if one.template != BAD}
        named = {(check, resource) for check, some in EXCEPTIONS["resources"].items() for resource in some}

        assert set(EXCEPTIONS["everywhere"]) <= {check for check, _ in found}
        assert named <= found

    def test_every_exception_has_a_reason(self) -> None:
        reasons = [*EXCEPTIONS["everywhere"].values()]
        reasons += [reason for some in EXCEPTIONS["resources"].values() for reason in some.values()]

        assert [reason for reason in reasons if len(reason.split()) < 8] == []

    def test_an_open_bucket_is_found(self, findings: list[Finding]) -> None:
        found = {one.check for one in findings if one.template == BAD and one.resource == "BodiesBucket"}

        assert found >= {"CKV_AWS_53", "CKV_AWS_54", "CKV_AWS_55", "CKV_AWS_56", "CKV_AWS_21"}

    def test_exceptions_of_one_resource_hold_for_no_other(self, findings: list[Finding]) -> None:
        (unversioned,) = [one for one in findings if one.resource == "BodiesBucket" and one.check == "CKV_AWS_21"]

        assert not unversioned.is_excepted


class TestData:
    def test_buckets_are_private_and_refuse_plain_http(self, package_of_service: Package) -> None:
        buckets = package_of_service.properties("AWS::S3::Bucket")

        assert DEPLOYMENT_BUCKET in buckets
        for name, bucket in buckets.items():
            assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
            assert len(bucket["PublicAccessBlockConfiguration"]) == 4
            assert covered_by_refusal(package_of_service, name) == {"bucket", "objects"}

    def test_buckets_are_encrypted(self, package_of_service: Package) -> None:
        for bucket in package_of_service.properties("AWS::S3::Bucket").values():
            (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] in {"AES256", "aws:kms"}

    def test_facts_and_secrets_are_retained_when_a_stack_goes(self, package_of_service: Package) -> None:
        kept = [
            (name, resource)
            for kind in KEEPS_FACTS
            for name, resource in package_of_service.resources(kind).items()
            if name != DEPLOYMENT_BUCKET
        ]

        for _, resource in kept:
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate", "a creation that failed blocks no other"
            assert resource["UpdateReplacePolicy"] == "Retain"

    def test_deleted_bodies_can_be_brought_back(self, packages: dict[str, Package]) -> None:
        bucket = packages["ingest"].properties("AWS::S3::Bucket")["BodiesBucket"]
        rules = bucket["LifecycleConfiguration"]["Rules"]

        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert [rule["NoncurrentVersionExpiration"] for rule in rules if "NoncurrentVersionExpiration" in rule] == [
            {"NoncurrentDays": 35}
        ]


class TestStack:
    def test_its_tags_are_on_all_that_takes_tags(self, package_of_service: Package) -> None:
        """CloudFormation puts a stack's tags on its resources; what has tags of its own has these, too."""
        assert package_of_service.state["service"]["provider"]["stackTags"].keys() == TAGS
        for resource in package_of_service.template["Resources"].values():
            tags = resource.get("Properties", {}).get("Tags")
            assert tags is None or tag_names(tags) >= TAGS

    def test_functions_are_tagged_by_themselves(self, package_of_service: Package) -> None:
        for function in package_of_service.functions.values():
            assert tag_names(function["Tags"]) >= TAGS

    def test_every_log_forgets_the_api_access_log_too(self, packages: dict[str, Package]) -> None:
        groups = {name: package.properties("AWS::Logs::LogGroup") for name, package in packages.items()}
        (stage,) = packages["api"].properties("AWS::ApiGatewayV2::Stage").values()
        access_log = stage["AccessLogSettings"]["DestinationArn"]["Fn::GetAtt"][0]

        assert groups["api"][access_log]["RetentionInDays"] > 0
        assert [one for some in groups.values() for one in some.values() if not one["RetentionInDays"]] == []


class TestSecrets:
    def test_no_variable_holds_one(self, package_of_service: Package) -> None:
        for function in package_of_service.functions.values():
            variables = function.get("Environment", {}).get("Variables", {})
            assert [name for name, value in variables.items() if holds_a_secret(name, value)] == []

    def test_no_output_tells_one(self, package_of_service: Package) -> None:
        for name, output in package_of_service.template["Outputs"].items():
            assert not holds_a_secret(name, output["Value"])
            assert "AWS::SecretsManager" not in json.dumps(types_referred_to(package_of_service, output["Value"]))

    def test_no_template_resolves_one_into_a_property(self, package_of_service: Package) -> None:
        assert "{{resolve:" not in json.dumps(package_of_service.template)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("API_TOKEN", "abc"),
            ("DATABASE", "https://user:word@host.example/"),
            ("KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("SIGNING", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
            ("CURSOR_SECRET", {"Fn::Sub": "{{resolve:secretsmanager:cursor}}"}),
        ],
    )
    def test_these_would_be_found(self, name: str, value: Any) -> None:
        assert holds_a_secret(name, value)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("CURSOR_SECRET_ARN", {"Fn::GetAtt": ["CursorSecret", "Id"]}),
            ("PATCHWORK_URL", "https://patchwork.kernel.org"),
            ("PATCHES_TABLE", {"Ref": "PatchesTable"}),
        ],
    )
    def test_these_are_none(self, name: str, value: Any) -> None:
        assert not holds_a_secret(name, value)


class TestTopic:
    def test_only_alarms_of_this_account_are_taken(self, packages: dict[str, Package]) -> None:
        (policy,) = packages["ingest"].properties("AWS::SNS::TopicPolicy").values()
        allowed = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]

        assert [one["Principal"] for one in allowed] == [{"Service": "cloudwatch.amazonaws.com"}]
        assert allowed[0]["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}

    def test_cloudwatch_can_still_publish(self, packages: dict[str, Package]) -> None:
        """The key AWS manages for SNS takes nothing from CloudWatch."""
        (topic,) = packages["ingest"].properties("AWS::SNS::Topic").values()

        assert "alias/aws/sns" not in str(topic.get("KmsMasterKeyId"))


def opened(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template with its bucket as open as it was made by mistake."""
    bad = copy.deepcopy(dict(template))
    bucket = bad["Resources"]["BodiesBucket"]["Properties"]
    del bucket["PublicAccessBlockConfiguration"], bucket["VersioningConfiguration"]
    return bad


def covered_by_refusal(package: Package, bucket: str) -> set[str]:
    """Which of a bucket and its objects cannot be reached by plain HTTP."""
    return {
        "objects" if json.dumps(resource).rstrip('"}]').endswith("/*") else "bucket"
        for statement in refusals(package, bucket)
        for resource in as_list(statement["Resource"])
    }


def refusals(package: Package, bucket: str) -> Iterator[Mapping[str, Any]]:
    for policy in package.properties("AWS::S3::BucketPolicy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            secure = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
            if policy["Bucket"] == {"Ref": bucket} and statement["Effect"] == "Deny" and secure is False:
                assert (statement["Principal"], statement["Action"]) == ("*", "s3:*")
                yield statement


def tag_names(tags: Any) -> set[str]:
    return set(tags) if isinstance(tags, dict) else {tag["Key"] for tag in tags}


def holds_a_secret(name: str, value: Any) -> bool:
    if SECRET_NAMES.search(name) and not name.endswith("_ARN"):
        return True
    text = json.dumps(literals(value))
    return "{{resolve:" in text or any(SECRET_VALUES.search(word) for word in re.split(r"[\s,\"\[\]]+", text))


def literals(value: Any) -> Any:
    """What is written out, without the resources that are referred to."""
    match value:
        case {"Ref": _} | {"Fn::GetAtt": _}:
            return ""
        case dict():
            return [literals(part) for part in value.values()]
        case list():
            return [literals(part) for part in value]
    return value


def types_referred_to(package: Package, value: Any) -> list[str]:
    text = json.dumps(value)
    return [resource["Type"] for name, resource in package.template["Resources"].items() if f'"{name}"' in text]
