"""The work queues and their dead letters, by their short names."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from local.cloud import LocalCloud


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

    def send(self, name: str, body: str) -> None:
        self._client.send_message(QueueUrl=self._url(name), MessageBody=body)

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
        before = {name: self._visibility_timeout(name) for name in names}
        for name in names:
            self._set_visibility_timeout(name, str(seconds))
        try:
            yield
        finally:
            for name, value in before.items():
                self._set_visibility_timeout(name, value)

    def _visibility_timeout(self, name: str) -> str:
        answer = self._client.get_queue_attributes(QueueUrl=self._url(name), AttributeNames=["VisibilityTimeout"])
        return answer["Attributes"]["VisibilityTimeout"]

    def _set_visibility_timeout(self, name: str, value: str) -> None:
        self._client.set_queue_attributes(QueueUrl=self._url(name), Attributes={"VisibilityTimeout": value})

    def _url(self, name: str) -> str:
        return f"{self._cloud.endpoint}/000000000000/{self._cloud.name(name)}"
