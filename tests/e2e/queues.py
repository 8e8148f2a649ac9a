"""The work queues and their dead letters, by their short names."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from local.cloud import LocalCloud
from watchkeeper.sqs import string_attribute

if TYPE_CHECKING:
    from mypy_boto3_sqs.literals import QueueAttributeNameType


@dataclass(frozen=True)
class Depth:
    ready: int
    delayed: int
    taken: int

    @property
    def is_empty(self) -> bool:
        return (self.ready, self.delayed, self.taken) == (0, 0, 0)


class Queues:
    def __init__(self, cloud: LocalCloud) -> None:
        self._client = cloud.sqs
        self._cloud = cloud

    def send(self, name: str, body: str, delay: int = 0, correlation_id: str | None = None) -> None:
        following = {"correlation_id": string_attribute(correlation_id)} if correlation_id else {}
        self._client.send_message(
            QueueUrl=self._url(name), MessageBody=body, DelaySeconds=delay, MessageAttributes=following
        )

    def depth(self, name: str) -> Depth:
        answer = self._client.get_queue_attributes(QueueUrl=self._url(name), AttributeNames=["All"])
        counted: dict[str, str] = dict(answer["Attributes"].items())
        kinds = ("Messages", "MessagesDelayed", "MessagesNotVisible")
        return Depth(*(int(counted.get(f"ApproximateNumberOf{kind}", "0")) for kind in kinds))

    def are_busy(self) -> bool:
        """Whether a function works at this moment on what a schedule has handed out."""
        return any(self.depth(name).taken for name in ("patches", "discussions"))

    def are_idle(self) -> bool:
        """Whether all work is done but that which is put off for minutes: the second looks at threads."""
        threads = self.depth("threads")
        threads_idle = (threads.ready, threads.taken) == (0, 0)
        return threads_idle and self.depth("patches").is_empty and self.depth("discussions").is_empty

    def purge(self, name: str) -> None:
        self._client.purge_queue(QueueUrl=self._url(name))

    @contextmanager
    def retrying_after(self, seconds: int, *names: str) -> Iterator[None]:
        """What failed comes again so soon, instead of after minutes."""
        with ExitStack() as restored:
            for name in names:
                restored.enter_context(self._set(name, "VisibilityTimeout", str(seconds)))
            yield

    @contextmanager
    def moved_by_sqs(self, name: str) -> Iterator[None]:
        """What fails is moved to the dead-letter queue by SQS, before the function writes a dead letter."""
        policy = json.loads(self._attribute(name, "RedrivePolicy"))
        with self._set(name, "RedrivePolicy", json.dumps({**policy, "maxReceiveCount": 1})):
            yield

    @contextmanager
    def _set(self, name: str, attribute: "QueueAttributeNameType", value: str) -> Iterator[None]:
        before = self._attribute(name, attribute)
        self._client.set_queue_attributes(QueueUrl=self._url(name), Attributes={attribute: value})
        try:
            yield
        finally:
            self._client.set_queue_attributes(QueueUrl=self._url(name), Attributes={attribute: before})

    def _attribute(self, name: str, attribute: "QueueAttributeNameType") -> str:
        answer = self._client.get_queue_attributes(QueueUrl=self._url(name), AttributeNames=[attribute])
        return answer["Attributes"][attribute]

    def _url(self, name: str) -> str:
        return f"{self._cloud.endpoint}/000000000000/{self._cloud.name(name)}"
