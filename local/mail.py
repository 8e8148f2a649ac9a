"""The mails the local cloud sent: nobody received them, and everybody here may read them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests

from local.cloud import LocalCloud

SECONDS = 10
CODE = re.compile(r"\b[0-9]{6}\b")


class NoMail(Exception):
    """There is no such mail."""


@dataclass(frozen=True)
class Sent:
    """One mail, as it was passed to SES."""

    id: str
    at: float
    to: tuple[str, ...]
    subject: str
    text: str

    @property
    def code(self) -> str | None:
        found = CODE.search(self.subject)
        return found[0] if found else None

    def __str__(self) -> str:
        return f"To: {', '.join(self.to)}\nSubject: {self.subject}\n\n{self.text.rstrip()}"


def sent(cloud: LocalCloud) -> list[Sent]:
    """All there are, oldest first."""
    answer = requests.get(f"{cloud.endpoint}/_ministack/ses/messages", timeout=SECONDS)
    answer.raise_for_status()
    return sorted(_read(answer.json()), key=lambda mail: mail.at)


def last(cloud: LocalCloud) -> Sent:
    """Raises `NoMail`."""
    mails = sent(cloud)
    if not mails:
        raise NoMail("No mail was sent yet. `make login EMAIL=you@example.org` has a code mailed.")
    return mails[-1]


def _read(answer: dict[str, Any]) -> Iterator[Sent]:
    """MiniStack's answer: mails by account."""
    for mails in answer["messages"].values():
        for mail in mails:
            yield Sent(
                id=str(mail["MessageId"]),
                at=float(mail["Timestamp"]),
                to=tuple(mail["To"]),
                subject=str(mail["Subject"]),
                text=str(mail["BodyText"]),
            )
