"""How commands access the stages: the local cloud, or AWS with the caller's own credentials."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from watchkeeper.errors import DatabaseError

CLIENT = Config(connect_timeout=5, read_timeout=90, retries={"mode": "standard", "total_max_attempts": 3})
LOCAL = "local"
REGION = "us-east-1"
"""Unless AWS_REGION names another; the local cloud is always in this one."""


class StageRefused(Exception):
    """A stage could not be accessed, or refused a request; the message says what to do."""


class Stage(Protocol):
    """Where Watchkeeper is deployed; `LocalCloud` is one."""

    @property
    def stage(self) -> str: ...

    def name(self, thing: str) -> str:
        """The full name of a table, queue, function or alarm."""

    def client(self, service: str) -> Any:
        """A boto3 client."""


@dataclass(frozen=True)
class AwsStage:
    """A stage on AWS, in the account of the caller's credentials."""

    stage: str

    def name(self, thing: str) -> str:
        return f"watchkeeper-{self.stage}-{thing}"

    def client(self, service: str) -> Any:
        return self._session.client(service, region_name=region_of(self.stage), config=CLIENT)

    @cached_property
    def _session(self) -> Any:
        return boto3.Session()


def region_of(stage: str) -> str:
    """The region of the stage according to stages.yml, whatever region the caller's profile names."""
    return REGION if stage == LOCAL else os.environ.get("AWS_REGION") or REGION


@contextmanager
def asking(stage: Stage) -> Iterator[None]:
    """Translate AWS's errors for people: raises `StageRefused` for every error of boto3, and of our tables."""
    try:
        yield
    except ClientError as error:
        details = error.response.get("Error", {})
        code, message = str(details.get("Code", "")), str(details.get("Message", ""))
        if code in ("ResourceNotFoundException", "AWS.SimpleQueueService.NonExistentQueue"):
            hint = f"Is it deployed? make deploy STAGE={stage.stage}"
            raise StageRefused(f"Stage {stage.stage}: {message or code}. {hint}") from error
        raise StageRefused(f"Stage {stage.stage} refuses: {message or code} ({code})") from error
    except (BotoCoreError, DatabaseError) as error:
        raise StageRefused(f"Stage {stage.stage} cannot be asked: {error}") from error
