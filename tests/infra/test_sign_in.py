"""The user pool: whom it admits, what it reveals and stores, and who may invoke its triggers."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.infra.packages import Package

POOL_CALLS = {
    "PreSignUp": "pre-sign-up",
    "DefineAuthChallenge": "define-auth-challenge",
    "CreateAuthChallenge": "create-auth-challenge",
    "VerifyAuthChallengeResponse": "verify-auth-challenge",
}
KEPT = ("AWS::Cognito::UserPool", "AWS::Cognito::UserPoolClient", "AWS::Cognito::UserPoolGroup")


@pytest.fixture(scope="module")
def api(packages: dict[str, Package]) -> Package:
    return packages["api"]


@pytest.fixture(scope="module")
def pool(api: Package) -> Mapping[str, Any]:
    (found,) = api.properties("AWS::Cognito::UserPool").values()
    return found


@pytest.fixture(scope="module")
def client(api: Package) -> Mapping[str, Any]:
    """The only one there is."""
    (found,) = api.properties("AWS::Cognito::UserPoolClient").values()
    return found


class TestPool:
    def test_people_are_known_by_their_address_however_it_is_written(self, pool: Mapping[str, Any]) -> None:
        assert pool["UsernameAttributes"] == ["email"]
        assert pool["UsernameConfiguration"] == {"CaseSensitive": False}
        assert pool["AutoVerifiedAttributes"] == ["email"]
        assert pool["UserAttributeUpdateSettings"] == {"AttributesRequireVerificationBeforeUpdate": ["email"]}

    def test_people_sign_up_by_themselves_and_recover_by_mail(self, pool: Mapping[str, Any]) -> None:
        assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": False}
        assert pool["AccountRecoverySetting"] == {
            "RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}],
        }

    def test_nobody_guesses_the_passwords_that_nobody_knows(self, pool: Mapping[str, Any]) -> None:
        policy = pool["Policies"]["PasswordPolicy"]

        assert policy["MinimumLength"] >= 32
        assert {policy[f"Require{kind}"] for kind in ("Lowercase", "Uppercase", "Numbers", "Symbols")} == {True}

    def test_production_is_protected_and_watched(self, pool: Mapping[str, Any]) -> None:
        assert pool["DeletionProtection"] == "ACTIVE"
        assert pool["UserPoolTier"] == "PLUS", "which the mode below takes"
        assert pool["UserPoolAddOns"] == {
            "AdvancedSecurityMode": "ENFORCED",
            "AdvancedSecurityAdditionalFlows": {"CustomAuthMode": "ENFORCED"},
        }

    def test_other_stages_pay_for_neither(self, packages_of_staging: dict[str, Package]) -> None:
        (pool,) = packages_of_staging["api"].properties("AWS::Cognito::UserPool").values()

        assert (pool["DeletionProtection"], pool["UserPoolTier"]) == ("INACTIVE", "ESSENTIALS")
        assert pool["UserPoolAddOns"] == {"AdvancedSecurityMode": "OFF"}

    def test_people_outlive_the_stack(self, api: Package) -> None:
        for kind in KEPT:
            for resource in api.resources(kind).values():
                assert resource["DeletionPolicy"] == "RetainExceptOnCreate", "a creation that failed blocks no other"
                assert resource["UpdateReplacePolicy"] == "Retain"

    def test_there_are_three_roles_the_strongest_first(self, api: Package) -> None:
        groups = api.properties("AWS::Cognito::UserPoolGroup").values()

        assert [group["GroupName"] for group in sorted(groups, key=lambda group: int(group["Precedence"]))] == [
            "Admin",
            "Developer",
            "Viewer",
        ]
        assert [group for group in groups if "RoleArn" in group] == [], "tokens are no keys to AWS"


class TestClient:
    def test_its_flows_are_our_code_and_renewal(self, client: Mapping[str, Any]) -> None:
        assert set(client["ExplicitAuthFlows"]) == {"ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
        assert client.get("AllowedOAuthFlowsUserPoolClient", False) is False

    def test_it_has_a_secret_so_that_nobody_passes_by_our_limits(self, client: Mapping[str, Any]) -> None:
        assert client["GenerateSecret"] is True

    def test_it_tells_nobody_who_has_an_account(self, client: Mapping[str, Any]) -> None:
        assert client["PreventUserExistenceErrors"] == "ENABLED"

    def test_tokens_hold_an_hour_and_renewal_thirty_days(self, client: Mapping[str, Any]) -> None:
        validity = {name: client[f"{name}Validity"] for name in ("AccessToken", "IdToken", "RefreshToken")}

        assert validity == {"AccessToken": 60, "IdToken": 60, "RefreshToken": 30}
        assert client["TokenValidityUnits"] == {"AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "days"}
        assert client["EnableTokenRevocation"] is True

    def test_a_session_holds_as_long_as_a_code(self, client: Mapping[str, Any]) -> None:
        assert client["AuthSessionValidity"] == 5

    def test_a_token_changes_nothing_but_the_address(self, client: Mapping[str, Any]) -> None:
        assert client["WriteAttributes"] == ["email"]


class TestTriggers:
    def test_the_pool_calls_all_four(self, api: Package, pool: Mapping[str, Any]) -> None:
        called = {
            kind: api.functions[arn["Fn::GetAtt"][0]]["FunctionName"].removeprefix("watchkeeper-prod-")
            for kind, arn in pool["LambdaConfig"].items()
        }

        assert called == POOL_CALLS

    def test_only_this_pool_may_call_them(self, api: Package) -> None:
        ((pool, _),) = api.properties("AWS::Cognito::UserPool").items()
        permissions = [
            permission
            for permission in api.properties("AWS::Lambda::Permission").values()
            if permission["Principal"] == "cognito-idp.amazonaws.com"
        ]

        assert {permission["FunctionName"]["Fn::GetAtt"][0] for permission in permissions} == api.triggers
        assert [one["SourceArn"] for one in permissions] == [{"Fn::GetAtt": [pool, "Arn"]}] * len(POOL_CALLS)

    def test_what_calls_a_function_is_named_by_its_arn(self, package_of_service: Package) -> None:
        permissions = package_of_service.properties("AWS::Lambda::Permission").values()

        assert [one for one in permissions if not one.get("SourceArn")] == []
        assert [one for one in permissions if "*" in str(one["Principal"])] == []
