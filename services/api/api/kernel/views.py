"""The shapes of the answers. Their docstrings are the API's documentation."""

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
    """The subject as Patchwork shows it, `[v3,2/7] hwmon: ...`."""
    state: str
    archived: bool
    submitter: Person
    delegate: str | None
    series_id: int | None
    version: int
    number: int
    """The patch's place in its series, from 1."""
    total: int
    prefixes: tuple[str, ...]
    check: str
    """The worst of the newest checks: pending, success, warning or fail."""
    patchwork_url: str
    lore_url: str


class PatchList(TypedDict):
    items: list[PatchSummary]
    """Newest first. There may be fewer than asked for, even none, and still more to come: the cursor says so."""
    cursor: str | None
    """Ask again with it for what follows; null at the end."""


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
    """Whether the mail comes from the person the tag names. Only then does it count."""
    message_id: str
    author: Person
    """Who sent that mail."""
    timestamp: datetime
    on: str | None
    """Message-ID of the patch or cover letter that was answered; a tag on the cover is one on every patch."""


class PatchDetail(PatchSummary):
    hash: str | None
    commit_ref: str | None
    pull_url: str | None
    checks: tuple[Check, ...]
    related: tuple[int, ...]
    also: list[PatchReference]
    """The same mail in other projects."""
    mail_known: bool
    """Whether the mail itself is here; without it the fields below are empty."""
    text: str | None
    diff: str | None
    truncated: bool
    """Whether text or diff were cut; `lore_url` has them in full."""
    attachments: tuple[Attachment, ...]
    trailers: tuple[Trailer, ...]
    """The tags in the patch itself."""
    tags: list[Tag]
    """The tags others gave it in their replies, to it or to its cover letter."""
    discussions: int
    """How many mails were written under it."""


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
    """Numbers of the patches that are not here."""
    state: str
    """The state of its patches where they agree, else `mixed`; `empty` without patches."""
    states: dict[str, int]
    cover: CoverDetail | None
    patches: list[SeriesPatch]
    """In the order of their numbers."""
    patchwork_url: str


class Mail(TypedDict):
    """A mail without its text."""

    message_id: str
    timestamp: datetime
    """When it was sent, or received where it says nothing believable."""
    received: datetime
    lists: tuple[str, ...]
    subject: str
    author: Person
    kind: Kind
    thread_id: str
    parent_id: str | None
    patch_message_id: str | None
    """The patch or cover letter it is about: the nearest at or above it."""
    patches: list[PatchReference]
    """What that mail is in Patchwork, in every project."""
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
    """The place of a mail that was answered and that nobody has."""

    message_id: str
    missing: Literal[True]
    lore_url: str
    replies: list["MailNode | MissingMail"]


class Discussions(TypedDict):
    """What was said under a patch, without the patch."""

    patch_id: int
    message_id: str
    mails: int
    truncated: bool
    """Whether there are more mails than are shown."""
    discussions: list[MailNode | MissingMail] | list[Mail]
    """A tree by default; with `view=flat` the mails alone, oldest first."""


class Thread(TypedDict):
    thread_id: str
    """Message-ID of its first mail, which may be missing."""
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
    """The mails with a Message-ID: one, unless somebody used it again."""

    message_id: str
    items: list[MailDetail]


class AuthoredList(TypedDict):
    items: list[Mail]
    """Newest first. There may be fewer than asked for, even none, and still more to come: the cursor says so."""
    cursor: str | None


class PersonDetail(TypedDict):
    address: str
    name: str
    """As in the newest mail or patch."""
    last_seen: datetime
    patches: PatchList
    """The newest; more of them at `/people/{address}/patches`."""
    reviews: AuthoredList
    """The newest; more of them at `/people/{address}/reviews`."""


class PatchWeek(TypedDict):
    week: str
    """ISO 8601, `2026-W28`."""
    total: int
    states: dict[str, int]


class PatchFigures(TypedDict):
    """Patches by the week of their date and the state they are in now."""

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
    """The first week asked for."""
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
    """Whether it is still among the sources that are read."""
    phase: str
    """`loading` while its history is read for the first time, then `live`."""
    position: dict[str, Any]
    """Where the next run goes on."""
    last_success: datetime | None
    """What was there then is here now."""
    age_seconds: int | None
    error: str | None
    failing_since: datetime | None
    blocked_since: datetime | None
    """Since when the upstream refuses us or asks for proof of being human."""
    gaps: list[GapState]
    """What may be missing, and why."""
    refusals: list[RefusalState]
    """The newest rows or mails the upstream sent that could not be taken."""
    run: RunState | None


class Freshness(TypedDict):
    now: datetime
    as_of: datetime | None
    """Everything that was upstream then is here; null until every watched source was read once."""
    complete: bool
    """Whether every watched source is past its first loading, without gaps, failures or blocks."""
    sources: list[SourceState]
