"""Staging is production but for its size: what is tried there is what production gets."""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.session import Session

from tests.infra.conftest import OPERATORS, SERVICES
from tests.infra.packages import Package
from tests.infra.watching import calling, unwatched

LONGEST_NAME = 64
"""Of a function, and of a role."""
DROPPED_IF_NEED_BE = "-lambdaRole"
"""The framework's plugin leaves it out where the region's name would make a role's too long."""


@pytest.fixture(params=SERVICES)
def staging(request: pytest.FixtureRequest, packages_of_staging: dict[str, Package]) -> Package:
    return packages_of_staging[request.param]


@pytest.fixture(scope="session")
def longest_region() -> str:
    session = Session()
    partitions = session.get_available_partitions()
    regions = {one for name in partitions for one in session.get_available_regions("lambda", name)}
    return max(regions, key=len)


def test_names_of_functions_are_not_too_long(staging: Package) -> None:
    names = [function["FunctionName"] for function in staging.functions.values()]

    assert [name for name in names if len(name) > LONGEST_NAME] == []


def test_names_of_roles_are_not_too_long_in_any_region(staging: Package, longest_region: str) -> None:
    named = [role["RoleName"] for role in staging.properties("AWS::IAM::Role").values()]
    names = [role_name(one, longest_region) for one in named]

    assert names
    assert [name for name in names if len(name.removesuffix(DROPPED_IF_NEED_BE)) > LONGEST_NAME] == []


def role_name(value: Mapping[str, Any] | str, region: str) -> str:
    if isinstance(value, str):  # chosen by us, with the region of the stage
        return value.replace("us-east-1", region)
    separator, parts = value["Fn::Join"]
    return str(separator).join(region if part == {"Ref": "AWS::Region"} else part for part in parts)


def test_everything_has_the_alarms_of_production(staging: Package, packages: dict[str, Package]) -> None:
    assert unwatched(staging) == {}
    assert set(calling(staging)) == set(calling(packages[staging.service]))


def test_who_is_named_is_told_of_alarms_by_mail(packages_of_staging: dict[str, Package]) -> None:
    (subscription,) = packages_of_staging["ingest"].properties("AWS::SNS::Subscription").values()

    assert subscription == {"TopicArn": {"Ref": "AlarmsTopic"}, "Protocol": "email", "Endpoint": OPERATORS}


def test_nobody_is_told_where_nobody_is_named(packages: dict[str, Package]) -> None:
    assert packages["ingest"].resources("AWS::SNS::Subscription") == {}
