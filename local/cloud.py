"""An embedded cloud: MiniStack with its own port and state, and Watchkeeper deployed on it."""

import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config

from local import frameworks
from local.processes import Program, is_port_free
from local.settings import DEFAULT_PORT, Upstreams, runtime_environment
from local.workspace import REPOSITORY, Workspace

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient

REGION = "us-east-1"
SERVICES = ("ingest", "api", "scheduler")
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
"""MiniStack's administrator. The functions do not get these credentials: each runs with its own role."""
EMULATOR = REPOSITORY / "local" / "emulator.py"
INTERPRETER = REPOSITORY / ".local" / "ministack" / "bin" / "python"
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
"""The only variables the functions get from the environment they are started in."""
PORT_FILE = "port"
CLIENT = Config(connect_timeout=2, read_timeout=200, retries={"mode": "standard", "total_max_attempts": 3})


class PortTaken(Exception):
    """Another program listens on the cloud's port."""


class NotRunning(Exception):
    """The cloud is not running."""


class FunctionFailed(Exception):
    """A function ended with an error."""


def last_port(state_dir: Path) -> int | None:
    """The port on which the cloud of this folder was last started."""
    file = state_dir / PORT_FILE
    return int(file.read_text()) if file.exists() else None


@dataclass(frozen=True)
class LocalCloud:
    """Everything it writes is below `state_dir`; two of them can run at the same time with different ports."""

    state_dir: Path
    port: int = DEFAULT_PORT
    stage: str = "local"
    decisions: Path | None = None
    """A file to which the emulator appends what each role was allowed and denied."""
    fires_cron: bool = True
    """Whether schedules with a cron expression fire; those with a rate always do."""

    # Life

    def start(self) -> None:
        if self.is_running:
            return
        self.check_port()
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._temporary.mkdir(parents=True)
        (self.state_dir / PORT_FILE).write_text(str(self.port))
        self._emulator.start([str(INTERPRETER), str(EMULATOR)], self._emulator_environment(), self.answers, 60)

    def check_port(self) -> None:
        """Raise `PortTaken` unless the port is free or used by this cloud."""
        if not self.is_running and not is_port_free(self.port):
            raise PortTaken(f"Port {self.port} is taken by another program; choose one with PORT=")

    def stop(self) -> bool:
        """Save and stop; True if it was running."""
        return self._emulator.stop()

    def forget(self) -> None:
        """Stop, and delete all its data."""
        self.stop()
        shutil.rmtree(self.state_dir, ignore_errors=True)

    @property
    def is_running(self) -> bool:
        return self._emulator.pid is not None and self.answers()

    @property
    def pid(self) -> int | None:
        return self._emulator.pid

    @property
    def log(self) -> Path:
        return self._emulator.log

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2) as response:  # noqa: S310
                return bool(response.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    # Deployment

    def deploy(self, upstreams: Upstreams, output: IO[str] | None = None) -> bool:
        """Deploy all services with `osls-compose`; False if nothing had changed since the last time."""
        settings = self.environment() | upstreams.environment()
        self.workspace.refresh()
        digest = self._deployment_digest(upstreams)
        if self._deployed_digest() == digest and self.is_deployed():
            return False
        self._digest_file.unlink(missing_ok=True)
        frameworks.run("osls-compose", ["deploy", "--stage", self.stage], self.workspace.root, settings, output)
        self._repair_cors()
        self._verify_sender()
        self._digest_file.write_text(digest)
        return True

    def is_deployed(self) -> bool:
        complete = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        stacks = self.cloudformation.list_stacks()["StackSummaries"]
        found = {stack["StackName"] for stack in stacks if stack["StackStatus"] in complete}
        return found.issuperset(self.stack_name(service) for service in SERVICES)

    def outputs(self, service: str) -> dict[str, str]:
        stacks = self.cloudformation.describe_stacks(StackName=self.stack_name(service))["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}

    def stack_name(self, service: str) -> str:
        return f"watchkeeper-{self.stage}-{service}"

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.state_dir / "workspace")

    # Use

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        """The part before `/api/v1/...`; the form of MiniStack's address that needs no name resolution."""
        return f"{self.endpoint}/_aws/execute-api/{self.outputs('api')['ApiId']}"

    def environment(self) -> dict[str, str]:
        """What a program needs to use this cloud as its AWS, and to deploy to it."""
        return {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "SLS_AWS_MONITORING_FREQUENCY": "300",
            **runtime_environment(),
        }

    def client(self, service: str) -> Any:
        return cast("Any", boto3).client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=CLIENT,
        )

    @property
    def cloudformation(self) -> "CloudFormationClient":
        client: CloudFormationClient = self.client("cloudformation")
        return client

    @property
    def dynamodb(self) -> "DynamoDBClient":
        client: DynamoDBClient = self.client("dynamodb")
        return client

    @property
    def functions(self) -> "LambdaClient":
        client: LambdaClient = self.client("lambda")
        return client

    @property
    def logs(self) -> "CloudWatchLogsClient":
        client: CloudWatchLogsClient = self.client("logs")
        return client

    @property
    def sqs(self) -> "SQSClient":
        client: SQSClient = self.client("sqs")
        return client

    def name(self, thing: str) -> str:
        """The full name of a table, queue or function."""
        return f"watchkeeper-{self.stage}-{thing}"

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Invoke and wait for the answer."""
        answer = self.functions.invoke(FunctionName=self.name(function), Payload=json.dumps(event))
        payload = json.loads(answer["Payload"].read() or "null")
        if answer.get("FunctionError"):
            said = payload.get("errorMessage") if isinstance(payload, dict) else None
            raise FunctionFailed(f"{function}: {said or payload}")
        return payload

    def invoke_later(self, function: str, event: Mapping[str, Any]) -> None:
        self.functions.invoke(FunctionName=self.name(function), InvocationType="Event", Payload=json.dumps(event))

    # Details

    @property
    def _emulator(self) -> Program:
        return Program("ministack", self.state_dir)

    @property
    def _temporary(self) -> Path:
        return self.state_dir / "tmp"

    def _emulator_environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        state = self.state_dir / "cloud"
        state.mkdir(parents=True, exist_ok=True)
        noting = {"IAM_DECISIONS": str(self.decisions)} if self.decisions else {}
        without_cron = {} if self.fires_cron else {"WITHOUT_CRON": "yes"}
        return {
            **inherited,
            **noting,
            **without_cron,
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            "MINISTACK_REGION": REGION,
            "PERSIST_STATE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "S3_DATA_DIR": str(state / "s3"),
            "S3_PERSIST": "1",
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(state),
            "TMPDIR": str(self._temporary),
        }

    @property
    def _digest_file(self) -> Path:
        return self.state_dir / "deployed"

    def _deployed_digest(self) -> str:
        return self._digest_file.read_text() if self._digest_file.exists() else ""

    def _deployment_digest(self, upstreams: Upstreams) -> str:
        settings = upstreams.environment() | runtime_environment()
        return f"{self.workspace.digest()} {json.dumps(settings, sort_keys=True)}"

    def _repair_cors(self) -> None:
        """Set the API's CORS again: MiniStack stores a template's settings in a form its gateway cannot read."""
        template = self.cloudformation.get_template(StackName=self.stack_name("api"))["TemplateBody"]
        stored = template if isinstance(template, dict) else json.loads(str(template))
        cors = stored["Resources"]["HttpApi"]["Properties"]["CorsConfiguration"]
        separator, origins = cors["AllowOrigins"]["Fn::Split"]
        settings = cors | {"AllowOrigins": origins.split(separator)}
        self.client("apigatewayv2").update_api(ApiId=self.outputs("api")["ApiId"], CorsConfiguration=settings)

    def _verify_sender(self) -> None:
        """Let codes be mailed: as on AWS, the sender's domain must be verified."""
        trigger = self.functions.get_function_configuration(FunctionName=self.name("create-auth-challenge"))
        sender = trigger["Environment"]["Variables"]["MAIL_FROM"]
        self.client("ses").verify_domain_identity(Domain=sender.rpartition("@")[2])
