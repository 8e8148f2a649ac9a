"""The kernel watch's domain: patches, series and the discussions about them.

A Message-ID (RFC 5322, without its angle brackets) is the identity of a mail everywhere; Patchwork's numbers
name its own records only.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What a mail is for the people who read a kernel list."""

    PATCH = "patch"
    """Carries a diff or a pull request and is not a reply, by Patchwork's rules."""
    COVER = "cover"
    """Number 0 of a series."""
    REVIEW = "review"
    """A reply that gives a tag, takes a position or comments on quoted code."""
    REPLY = "reply"
    """Any other mail: an answer, or a discussion of its own."""
    BOT = "bot"
    """Written by a known robot (lkp, syzbot, patchwork-bot, ...)."""


class SentimentLabel(StrEnum):
    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"


class Stance(StrEnum):
    """The position a mail takes on the patch it answers."""

    APPROVAL = "approval"
    OBJECTION = "objection"
    QUESTION = "question"
    CHANGES_REQUESTED = "changes-requested"
    APPLIED = "applied"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    address: str
    """Lower case; empty if the header has none that can be read."""


@dataclass(frozen=True, slots=True)
class Trailer:
    """A ``Name: value`` line such as ``Reviewed-by``, as git-interpret-trailers and b4 recognise them."""

    name: str
    """In its usual spelling, ``Reviewed-by``."""
    value: str
    address: str = ""
    """The address in the value, lower case; empty where the trailer names no person."""
    by_sender: bool = False
    """Whether the sender's address or name is the trailer's own (b4's rule), so that it counts."""


@dataclass(frozen=True, slots=True)
class Sentiment:
    """How the author's own words sound: ``score`` from -1.0 to 1.0, and its label."""

    score: float
    label: SentimentLabel


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    content_type: str
    size: int
    """In bytes, decoded."""


@dataclass(frozen=True, slots=True)
class SubjectParts:
    """A subject line, parsed as b4 and Patchwork do."""

    name: str
    """The subject without its leading brackets and without ``Re:``."""
    is_reply: bool = False
    prefixes: tuple[str, ...] = ()
    """Free words of the brackets as they stand, e.g. ``RFC``, ``net-next``; no PATCH, version or counter."""
    is_patch: bool = False
    """Whether a bracket says PATCH (or RFC, or gives a counter)."""
    version: int = 1
    version_given: bool = False
    number: int = 1
    total: int = 1
    numbers_given: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """The newest verdict of one continuous-integration context on a patch."""

    context: str
    state: str
    date: datetime
    target_url: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch as one Patchwork project tracks it. One mail on two tracked lists is two patches."""

    id: int
    project: str
    """The project's link name."""
    message_id: str
    date: datetime
    """The mail's Date header, in UTC; it can lie in the future."""
    name: str
    """Patchwork's name: the subject with free prefixes, e.g. ``[v3,2/7] hwmon: ...``."""
    state: str
    """A slug such as ``under-review``; each server has its own list of them."""
    archived: bool
    submitter: Person
    delegate: str | None
    series_id: int | None
    version: int
    number: int
    total: int
    prefixes: tuple[str, ...]
    hash: str | None
    commit_ref: str | None
    pull_url: str | None
    check: str
    """The worst of the newest checks: pending, success, warning or fail."""
    checks: tuple[Check, ...] = ()
    related: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Cover:
    id: int
    message_id: str
    date: datetime
    name: str


@dataclass(frozen=True, slots=True)
class Series:
    """A series as Patchwork guessed it; often incomplete, sometimes nameless."""

    id: int
    project: str
    name: str | None
    date: datetime
    submitter: Person
    version: int
    total: int
    received_total: int
    received_all: bool
    cover: Cover | None
    patch_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Discussion:
    """One mail of a list, linked to its thread and to the patch it is about."""

    message_id: str
    timestamp: datetime
    """When it was sent, clamped to when it was received where the Date header is missing or cannot be true."""
    received: datetime
    lists: tuple[str, ...]
    """The watched lists it arrived on, sorted."""
    subject: str
    author: Person
    kind: Kind
    thread_id: str
    """Message-ID of the thread's root, which may be a mail nobody has."""
    parent_id: str | None
    patch_message_id: str | None
    """The nearest patch or cover letter at or above this mail; every project that tracks that mail is meant."""
    sentiment: Sentiment
    stance: Stance
    trailers: tuple[Trailer, ...] = ()
    flags: tuple[str, ...] = ()
    """What is unusual about it, e.g. ``date-in-future``, ``charset-unknown``, ``reused-message-id``."""
    version: int = 1
    number: int = 1
    total: int = 1


@dataclass(frozen=True, slots=True)
class Body:
    """The parts of a mail that are too large for lists of mails."""

    text: str
    """All text but the diff, decoded; quotes and signature included."""
    diff: str | None = None
    attachments: tuple[Attachment, ...] = ()
    references: tuple[str, ...] = field(default=())
