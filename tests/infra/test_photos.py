"""The bucket of people's photos and exports: theirs alone, and not for ever."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.infra.packages import Package

DAYS_A_TABLE_CAN_BE_RESTORED = 35


@pytest.fixture(scope="module")
def bucket(packages: dict[str, Package]) -> Mapping[str, Any]:
    return packages["api"].properties("AWS::S3::Bucket")["PhotosBucket"]


def rules(bucket: Mapping[str, Any], action: str) -> dict[str, Any]:
    """The rules that do this, by the prefix of what they do it to."""
    found = bucket["LifecycleConfiguration"]["Rules"]
    assert {rule["Status"] for rule in found} == {"Enabled"}
    return {rule.get("Prefix", ""): rule[action] for rule in found if action in rule}


def test_it_is_encrypted_by_s3(bucket: Mapping[str, Any]) -> None:
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]

    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}


def test_it_is_private_and_knows_no_lists_of_access(bucket: Mapping[str, Any]) -> None:
    closed = bucket["PublicAccessBlockConfiguration"]

    assert closed == dict.fromkeys(
        ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
    )
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_scripts_of_the_app_send_photos_and_show_them(bucket: Mapping[str, Any]) -> None:
    (rule,) = bucket["CorsConfiguration"]["CorsRules"]

    assert set(rule["AllowedMethods"]) == {"GET", "HEAD", "POST"}
    assert "*" not in str(rule["AllowedOrigins"])


def test_what_was_removed_by_mistake_can_be_brought_back_in_production(bucket: Mapping[str, Any]) -> None:
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert rules(bucket, "NoncurrentVersionExpiration")[""] == {"NoncurrentDays": DAYS_A_TABLE_CAN_BE_RESTORED}


def test_photos_go_after_a_year_exports_after_a_day_and_half_an_upload_after_a_week(
    bucket: Mapping[str, Any],
) -> None:
    assert rules(bucket, "ExpirationInDays") == {"users/": 365, "exports/": 1}
    assert rules(bucket, "NoncurrentVersionExpiration")["exports/"] == {"NoncurrentDays": 1}
    assert rules(bucket, "AbortIncompleteMultipartUpload") == {"": {"DaysAfterInitiation": 7}}
