"""The mail archive behind the lore-like server: lists, arrival numbers, threads."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from local.upstreams.mail import Mail, split_mail

ALL = "all"
_REPLY_PREFIXES = re.compile(r"^(?:(?:re|fwd?|aw)(?:\[\d+\])?:\s*)+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Message:
    """A mail in one inbox. `number` counts arrivals there; `received` is what the mail itself claims."""

    number: int
    mail: Mail
    received: datetime

    @property
    def epoch(self) -> int:
        return int(self.received.timestamp())


class Inbox:
    """One list's messages in order of arrival, indexed for threads."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address
        self.messages: list[Message] = []
        self._by_id: dict[str, list[Message]] = defaultdict(list)
        self._children: dict[str, list[Message]] = defaultdict(list)
        self._by_subject: dict[str, list[Message]] = defaultdict(list)

    def add(self, mail: Mail, received: datetime) -> Message:
        message = Message(len(self.messages) + 1, mail, received)
        self.messages.append(message)
        self._by_id[mail.message_id].append(message)
        for reference in mail.references:
            self._children[reference].append(message)
        self._by_subject[thread_subject(mail.subject)].append(message)
        return message

    def named(self, message_id: str) -> list[Message]:
        return list(self._by_id.get(message_id, ()))

    def newest(self) -> list[Message]:
        return sorted(self.messages, key=lambda message: (message.epoch, message.number), reverse=True)

    def thread(self, message_id: str) -> list[Message]:
        """The loose thread: all mails linked in either direction, and all with the same bare subject."""
        wanted = self.named(message_id)
        found = {message.number: message for message in self.linked(message_id)}
        for message in wanted:
            found.update({same.number: same for same in self._by_subject[thread_subject(message.mail.subject)]})
        return [found[number] for number in sorted(found)] if wanted else []

    def linked(self, message_id: str) -> Iterator[Message]:
        waiting, seen = [message_id], set[str]()
        while waiting:
            current = waiting.pop()
            if current in seen:
                continue
            seen.add(current)
            yield from self._by_id.get(current, ())
            waiting.extend(self._neighbours(current))

    def _neighbours(self, message_id: str) -> Iterator[str]:
        for message in self._by_id.get(message_id, ()):
            yield from message.mail.references
        for child in self._children.get(message_id, ()):
            yield child.mail.message_id

    def fingerprint(self) -> str:
        """Represents the head commit of the list's git epoch: it changes with each arrival."""
        last = self.messages[-1].mail.raw if self.messages else b""
        return hashlib.sha1(b"%d:" % len(self.messages) + last, usedforsecurity=False).hexdigest()

    def modified(self) -> int:
        return max((message.epoch for message in self.messages), default=0)


class Archive:
    """All inboxes, and the one over all of them, which shows a cross-posted mail once."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self.inboxes = {name: Inbox(name, address) for name, address in addresses.items()}
        self.everything = Inbox(ALL, "")
        self._seen: set[tuple[str, bytes]] = set()

    def add(self, list_name: str, mail: Mail, received: datetime) -> Message:
        message = self.inboxes[list_name].add(mail, received)
        identity = (mail.message_id, hashlib.sha256(split_mail(mail.raw)[1]).digest())
        if identity not in self._seen:
            self._seen.add(identity)
            self.everything.add(mail, received)
        return message

    def inbox(self, name: str) -> Inbox | None:
        return self.everything if name == ALL else self.inboxes.get(name)

    def holders(self, message_id: str) -> Iterable[Inbox]:
        return (inbox for inbox in self.inboxes.values() if inbox.named(message_id))


def thread_subject(subject: str) -> str:
    return _REPLY_PREFIXES.sub("", subject).strip().lower()
