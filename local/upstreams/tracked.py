"""What the patch tracker stores: projects, people, patches, covers, series, comments, checks, events."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from local.upstreams.diffs import clean_content, split_diff
from local.upstreams.mail import Mail
from local.upstreams.subjects import PatchSubject

STATES = (
    *("new", "under-review", "accepted", "rejected", "rfc", "not-applicable"),
    *("changes-requested", "awaiting-upstream", "superseded", "deferred"),
)
CHECK_STATES = ("pending", "success", "warning", "fail")


@dataclass(frozen=True, slots=True)
class User:
    id: int
    username: str
    first_name: str
    last_name: str
    email: str


@dataclass(slots=True)
class Person:
    id: int
    name: str | None
    email: str


@dataclass(frozen=True, slots=True)
class Project:
    id: int
    name: str
    link_name: str
    list_id: str
    list_email: str
    maintainers: tuple[User, ...]
    scm_url: str = ""
    webscm_url: str = ""
    commit_url_format: str = ""


@dataclass(slots=True)
class Comment:
    id: int
    mail: Mail
    submitter: Person
    date: datetime
    addressed: bool | None = None

    @property
    def content(self) -> str:
        return clean_content(self.mail.plain_text())


@dataclass(frozen=True, slots=True)
class Check:
    id: int
    user: User
    date: datetime
    state: str
    context: str
    description: str | None
    target_url: str | None


@dataclass(slots=True, eq=False)
class Submission:
    """What patches and covers share."""

    id: int
    project: Project
    mail: Mail
    subject: PatchSubject
    submitter: Person
    date: datetime
    series: Series | None = None
    comments: list[Comment] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.subject.name

    @property
    def content(self) -> str:
        return clean_content("\n".join(split_diff(text)[1] for text in _plain_parts(self.mail)))


@dataclass(slots=True, eq=False)
class Cover(Submission):
    pass


@dataclass(slots=True, eq=False)
class Patch(Submission):
    pull_url: str | None = None
    hash: str | None = None
    state: str = "new"
    archived: bool = False
    commit_ref: str | None = None
    delegate: User | None = None
    checks: list[Check] = field(default_factory=list)
    related: list[Patch] = field(default_factory=list)

    @property
    def number(self) -> int:
        return self.subject.number or 1

    @property
    def diff(self) -> str | None:
        return find_diff(self.mail)

    @property
    def check(self) -> str:
        """The worst of the newest results, one for each user and context."""
        latest = {(check.user.id, check.context): check.state for check in self.checks}
        order = ("fail", "warning", "pending")
        return next((state for state in order if state in latest.values()), "success" if latest else "pending")


@dataclass(slots=True, eq=False)
class Series:
    id: int
    project: Project
    submitter: Person
    date: datetime
    version: int
    total: int
    name: str | None = None
    cover: Cover | None = None
    patches: list[Patch] = field(default_factory=list)

    @property
    def received_all(self) -> bool:
        return self.total <= len(self.patches)

    def holds(self, number: int) -> bool:
        return any(patch.number == number for patch in self.patches)


@dataclass(frozen=True, slots=True)
class Event:
    """`date` is what the server's own clock and zone showed, without a zone."""

    id: int
    category: str
    project: Project
    date: datetime
    actor: User | None
    patch: Patch | None = None
    cover: Cover | None = None
    series: Series | None = None
    comment: Comment | None = None
    check: Check | None = None
    before: str | User | None = None
    after: str | User | None = None


def find_diff(mail: Mail) -> str | None:
    """The mail's diff: a patch part as it is, or the first diff within plain text."""
    if b"\n--- " not in mail.raw and b"diff" not in mail.raw and b"base64" not in mail.raw:
        return None
    for subtype, text in mail.texts():
        if subtype in ("x-patch", "x-diff"):
            return text
        if subtype == "plain" and (diff := split_diff(text)[0]):
            return diff
    return None


def _plain_parts(mail: Mail) -> list[str]:
    return [text for subtype, text in mail.texts() if subtype == "plain"]
