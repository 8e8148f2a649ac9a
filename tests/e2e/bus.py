"""Listens on the event bus, like a consumer."""

import json
from dataclasses import dataclass
from typing import Any

from local.cloud import LocalCloud
from tests.e2e.waiting import wait_for

NAME = "everything-on-the-bus"


@dataclass(frozen=True)
class Event:
    source: str
    type: str
    envelope: dict[str, Any]

    @classmethod
    def of(cls, message: str) -> "Event":
        event = json.loads(message)
        return cls(event["source"], event["detail-type"], event["detail"])

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.envelope["data"]
        return data


class Bus:
    """Receives everything from its creation on, through a rule and a queue of its own."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._client = cloud.sqs
        self._queue = self._client.create_queue(QueueName=NAME)["QueueUrl"]
        self._heard: list[Event] = []
        rule = {"Name": NAME, "EventBusName": cloud.name("events")}
        events = cloud.client("events")
        events.put_rule(**rule, EventPattern=json.dumps({"source": [{"prefix": "watchkeeper."}]}))
        target = {"Id": NAME, "Arn": self._queue_arn()}
        events.put_targets(Rule=NAME, EventBusName=rule["EventBusName"], Targets=[target])

    def heard(self, kind: type | None = None) -> list[Event]:
        """All events so far, or those of a kind; in the order they were received."""
        while messages := self._take():
            self._heard += [Event.of(message["Body"]) for message in messages]
        return [event for event in self._heard if kind is None or event.type == kind.__name__]

    def wait_for(self, kind: type, **data: object) -> Event:
        """The event of this kind whose data say so; there must be one alone."""

        def found() -> list[Event]:
            return [event for event in self.heard(kind) if data.items() <= event.data.items()]

        wait_for(f"{kind.__name__} with {data}", lambda: bool(found()))
        [event] = found()
        return event

    def _take(self) -> list[Any]:
        answer = self._client.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
        messages: list[Any] = list(answer.get("Messages", []))
        if messages:
            taken: Any = [{"Id": str(at), "ReceiptHandle": one["ReceiptHandle"]} for at, one in enumerate(messages)]
            self._client.delete_message_batch(QueueUrl=self._queue, Entries=taken)
        return messages

    def _queue_arn(self) -> str:
        answer = self._client.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        return answer["Attributes"]["QueueArn"]
