"""The kernel watch's part of the event catalogue: what each event's ``data`` says.

Consumers may rely on these models; a field is never removed or given another meaning without a new version. Their
JSON schemas are written to ``docs/events/``.
"""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from watchkeeper.kernel.models import Discussion, Kind, Patch, SentimentLabel, Series, Stance


class KernelEvent(BaseModel):
    """Base of the ``data`` of all events of the kernel watch."""

    model_config = ConfigDict(frozen=True)

    version: ClassVar[int] = 1


class PatchReceived(KernelEvent):
    """A patch was seen for the first time in a project."""

    patch_id: int
    project: str
    message_id: str
    name: str
    series_id: int | None
    date: datetime
    submitter: str
    state: str

    @classmethod
    def of(cls, patch: Patch) -> "PatchReceived":
        return cls(
            patch_id=patch.id,
            project=patch.project,
            message_id=patch.message_id,
            name=patch.name,
            series_id=patch.series_id,
            date=patch.date,
            submitter=patch.submitter.address,
            state=patch.state,
        )


class PatchStateChanged(KernelEvent):
    """A maintainer, or a bot on behalf of one, changed a patch's state."""

    patch_id: int
    project: str
    message_id: str
    name: str
    series_id: int | None
    previous_state: str
    state: str

    @classmethod
    def of(cls, patch: Patch, previous_state: str) -> "PatchStateChanged":
        return cls(
            patch_id=patch.id,
            project=patch.project,
            message_id=patch.message_id,
            name=patch.name,
            series_id=patch.series_id,
            previous_state=previous_state,
            state=patch.state,
        )


class SeriesCompleted(KernelEvent):
    """All patches a series announces have arrived."""

    series_id: int
    project: str
    name: str | None
    revision: int
    total: int
    cover_message_id: str | None

    @classmethod
    def of(cls, series: Series) -> "SeriesCompleted":
        return cls(
            series_id=series.id,
            project=series.project,
            name=series.name,
            revision=series.version,
            total=series.total,
            cover_message_id=series.cover.message_id if series.cover else None,
        )


class DiscussionReceived(KernelEvent):
    """A mail of a watched list was seen for the first time; it is linked as far as possible."""

    message_id: str
    timestamp: datetime
    lists: tuple[str, ...]
    subject: str
    author: str
    kind: Kind
    thread_id: str
    parent_id: str | None
    patch_message_id: str | None
    sentiment: SentimentLabel
    stance: Stance

    @classmethod
    def of(cls, discussion: Discussion) -> "DiscussionReceived":
        return cls(
            message_id=discussion.message_id,
            timestamp=discussion.timestamp,
            lists=discussion.lists,
            subject=discussion.subject,
            author=discussion.author.address,
            kind=discussion.kind,
            thread_id=discussion.thread_id,
            parent_id=discussion.parent_id,
            patch_message_id=discussion.patch_message_id,
            sentiment=discussion.sentiment.label,
            stance=discussion.stance,
        )


CATALOGUE: tuple[type[KernelEvent], ...] = (PatchReceived, PatchStateChanged, SeriesCompleted, DiscussionReceived)
