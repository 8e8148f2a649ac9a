"""What a packaged service would deploy, in a form that tests can ask questions of."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Resource = Mapping[str, Any]
TEMPLATE = "cloudformation-template-update-stack.json"


@dataclass(frozen=True)
class Statement:
    """One statement of a role's policy; lists even where the template has a single value."""

    role: str
    actions: list[str]
    resources: list[Any]


@dataclass(frozen=True)
class Package:
    service: str
    template_file: Path
    artifact: Path
    template: Mapping[str, Any]
    state: Mapping[str, Any]

    @classmethod
    def read(cls, service: str, folder: Path) -> "Package":
        template = folder / TEMPLATE
        return cls(
            service=service,
            template_file=template,
            artifact=folder / f"watchkeeper-{service}.zip",
            template=json.loads(template.read_text()),
            state=json.loads((folder / "serverless-state.json").read_text()),
        )

    def resources(self, kind: str) -> dict[str, Resource]:
        """All of a CloudFormation type, by logical id."""
        found = self.template["Resources"].items()
        return {name: resource for name, resource in found if resource["Type"] == kind}

    def properties(self, kind: str) -> dict[str, Mapping[str, Any]]:
        return {name: resource.get("Properties", {}) for name, resource in self.resources(kind).items()}

    @property
    def functions(self) -> dict[str, Mapping[str, Any]]:
        """The service's own functions, without the framework's helpers."""
        found = self.properties("AWS::Lambda::Function").items()
        return {name: function for name, function in found if function["FunctionName"].startswith("watchkeeper-")}

    def statements(self) -> Iterator[Statement]:
        for role, properties in self.properties("AWS::IAM::Role").items():
            for policy in properties.get("Policies", []):
                for statement in policy["PolicyDocument"]["Statement"]:
                    yield Statement(role, as_list(statement["Action"]), as_list(statement["Resource"]))

    @property
    def answering(self) -> set[str]:
        """The functions that the HTTP API calls, and their callers wait for."""
        called = (one["IntegrationUri"] for one in self.properties("AWS::ApiGatewayV2::Integration").values())
        return {self.function_of(uri) for uri in called}

    @property
    def triggers(self) -> set[str]:
        """The functions that Cognito calls while somebody signs in."""
        pools = self.properties("AWS::Cognito::UserPool").values()
        return {arn["Fn::GetAtt"][0] for pool in pools for arn in pool["LambdaConfig"].values()}

    def function_of(self, uri: Mapping[str, Any]) -> str:
        """A function itself, or what its alias stands for."""
        resource = uri.get("Ref") or uri["Fn::GetAtt"][0]
        alias = self.properties("AWS::Lambda::Alias").get(resource)
        return str(alias["FunctionName"]["Ref"] if alias else resource)

    def role_of(self, function: str) -> str:
        return str(self.functions[function]["Role"]["Fn::GetAtt"][0])

    def zip_contents(self) -> dict[str, bytes]:
        with zipfile.ZipFile(self.artifact) as archive:
            return {name: archive.read(name) for name in archive.namelist()}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
