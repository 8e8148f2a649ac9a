"""Response models. Their docstrings are part of the API's documentation."""

from datetime import datetime
from typing import Any, Literal

from typing_extensions import TypedDict

from api.web.sources import GapState, RefusalState
from watchkeeper.kernel.models import Attachment, Check, Kind, Person, Sentiment, Stance, Trailer


class PatchSummary(TypedDict):
    """A patch as one Patchwork project tracks it. A mail on two lists is a patch in each of their projects."""

    id: int
    project: str
    message_id: str
    """Without angle brackets."""
    date: datetime
    name: str
    """The subject as Patchwork shows it: `[v3,2/7] hwmon: ...`."""
    state: str
    archived: bool
    submitter: Person
    delegate: str | None
    series_id: int | None
    version: int
    number: int
    """The patch's position in its series, from 1."""
    total: int
    prefixes: tuple[str, ...]
    check: str
    """The worst of the newest checks: pending, success, warning or fail."""
    patchwork_url: str
    lore_url: str


class PatchList(TypedDict):
    items: list[PatchSummary]
    """Newest first. A page may hold fewer than `limit`, or none at all, and still have a cursor to the next."""
    cursor: str | None
    """Pass it to get the next page; null on the last one."""


class PatchReference(TypedDict):
    id: int
    project: str
    state: str


class Tag(TypedDict):
    """A person's tag on a patch, such as Reviewed-by, and the mail that gives it."""

    name: str
    value: str
    address: str
    by_sender: bool
    """Whether the mail is from the person the tag names. Only then does it count."""
    message_id: str
    author: Person
    """The sender of that mail."""
    timestamp: datetime
    on: str | None
    """The Message-ID of the patch or cover letter it replies to; a tag on the cover applies to every patch."""


class PatchDetail(PatchSummary):
    hash: str | None
    commit_ref: str | None
    pull_url: str | None
    checks: tuple[Check, ...]
    related: tuple[int, ...]
    also: list[PatchReference]
    """The same mail in other projects."""
    mail_known: bool
    """Whether the mail itself is stored; without it, the fields below are empty."""
    text: str | None
    diff: str | None
    truncated: bool
    """Whether text or diff were truncated; `lore_url` has them in full."""
    attachments: tuple[Attachment, ...]
    trailers: tuple[Trailer, ...]
    """The tags in the patch itself."""
    tags: list[Tag]
    """The tags others gave it in replies to it or to its cover letter."""
    discussions: int
    """The number of mails in its discussions."""


class SeriesPatch(PatchSummary):
    trailers: tuple[Trailer, ...]
    tags: list[Tag]
    discussions: int


class CoverDetail(TypedDict):
    id: int
    message_id: str
    name: str
    date: datetime
    discussions: int
    patchwork_url: str
    lore_url: str


class SeriesDetail(TypedDict):
    id: int
    project: str
    name: str | None
    date: datetime
    submitter: Person
    version: int
    total: int
    received_total: int
    received_all: bool
    missing: list[int]
    """The numbers of the patches that are missing."""
    state: str
    """The state of its patches if they all have the same, otherwise `mixed`; `empty` without patches."""
    states: dict[str, int]
    cover: CoverDetail | None
    patches: list[SeriesPatch]
    """Sorted by number."""
    patchwork_url: str


class Mail(TypedDict):
    """A mail without its text."""

    message_id: str
    timestamp: datetime
    """When it was sent, or received if the sender's date is not plausible."""
    received: datetime
    lists: tuple[str, ...]
    subject: str
    author: Person
    kind: Kind
    thread_id: str
    parent_id: str | None
    patch_message_id: str | None
    """The patch or cover letter it is about: itself, or the nearest above it."""
    patches: list[PatchReference]
    """The patches of that mail in Patchwork, in every project."""
    sentiment: Sentiment
    stance: Stance
    trailers: tuple[Trailer, ...]
    flags: tuple[str, ...]
    version: int
    number: int
    total: int
    lore_url: str


class MailNode(Mail):
    missing: Literal[False]
    replies: list["MailNode | MissingMail"]


class MissingMail(TypedDict):
    """The place of a missing mail that has replies."""

    message_id: str
    missing: Literal[True]
    lore_url: str
    replies: list["MailNode | MissingMail"]


class Discussions(TypedDict):
    """The discussions of a patch, without the patch itself."""

    patch_id: int
    message_id: str
    mails: int
    truncated: bool
    """Whether there are more mails than are shown."""
    discussions: list[MailNode | MissingMail] | list[Mail]
    """A tree by default; with `view=flat` the mails alone, oldest first."""


class Thread(TypedDict):
    thread_id: str
    """The Message-ID of its first mail, which may be missing."""
    subject: str
    mails: int
    truncated: bool
    started: datetime
    last: datetime
    discussions: list[MailNode | MissingMail] | list[Mail]


class MailDetail(Mail):
    text: str
    diff: str | None
    truncated: bool
    attachments: tuple[Attachment, ...]
    references: tuple[str, ...]


class MailList(TypedDict):
    """The mails with a Message-ID: one, unless it was reused."""

    message_id: str
    items: list[MailDetail]


class AuthoredList(TypedDict):
    items: list[Mail]
    """Newest first. A page may hold fewer than `limit`, or none at all, and still have a cursor to the next."""
    cursor: str | None


class PersonDetail(TypedDict):
    address: str
    name: str
    """From the newest mail or patch."""
    last_seen: datetime
    patches: PatchList
    """The newest; more at `/people/{address}/patches`."""
    reviews: AuthoredList
    """The newest; more at `/people/{address}/reviews`."""


class PatchWeek(TypedDict):
    week: str
    """ISO 8601, `2026-W28`."""
    total: int
    states: dict[str, int]


class PatchFigures(TypedDict):
    """Patches by the week of their date and their current state."""

    total: int
    states: dict[str, int]
    projects: dict[str, dict[str, int]]
    """States by project."""
    weeks: list[PatchWeek]


class SentimentFigures(TypedDict):
    positive: int
    neutral: int
    negative: int
    mean: float | None
    """From -1 to 1; null without mails."""


class MailWeek(TypedDict):
    week: str
    mails: int
    kinds: dict[str, int]
    stances: dict[str, int]
    sentiment: SentimentFigures


class MailFigures(TypedDict):
    mails: int
    lists: dict[str, int]
    kinds: dict[str, int]
    stances: dict[str, int]
    sentiment: SentimentFigures
    weeks: list[MailWeek]


class Statistics(TypedDict):
    since: str | None
    """The first week of the range."""
    until: str | None
    patches: PatchFigures
    mail: MailFigures


class RunState(TypedDict):
    id: str
    mode: str
    started_at: datetime
    finished_at: datetime | None
    fetched: int
    stored: int
    unchanged: int
    refused: int


class SourceState(TypedDict):
    name: str
    """`patchwork:<project>` or `lore:<list>`."""
    kind: str
    watched: bool
    """Whether it is still one of the sources that are read."""
    phase: str
    """`loading` while its history is being read for the first time, then `live`."""
    position: dict[str, Any]
    """Where the next run continues."""
    last_success: datetime | None
    """Everything the source had at that time has been read."""
    age_seconds: int | None
    error: str | None
    failing_since: datetime | None
    blocked_since: datetime | None
    """Since when the upstream has blocked us or demanded proof of being human."""
    gaps: list[GapState]
    """Data that may be missing, and why."""
    refusals: list[RefusalState]
    """The newest rows or mails of the upstream that were rejected."""
    run: RunState | None


class Freshness(TypedDict):
    now: datetime
    as_of: datetime | None
    """Everything that was upstream at that time has been read; null until every watched source has been read once."""
    complete: bool
    """Whether every watched source has been loaded, without gaps, failures or blocks."""
    sources: list[SourceState]
