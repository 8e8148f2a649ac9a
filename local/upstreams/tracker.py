"""The patch tracker behind the Patchwork-like server: how it files the mails it receives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import getaddresses

from local.upstreams.diffs import hash_diff, pull_url
from local.upstreams.mail import Mail, decode_words
from local.upstreams.subjects import PatchSubject, parse_subject
from local.upstreams.tracked import (
    CHECK_STATES,
    STATES,
    Check,
    Comment,
    Cover,
    Event,
    Patch,
    Person,
    Project,
    Series,
    User,
    find_diff,
)

_SERIES_WINDOW = timedelta(minutes=20)


class Tracker:
    """Files mails as patches, covers and comments, and keeps the events."""

    def __init__(
        self,
        projects: Iterable[Project],
        users: Iterable[User],
        clock: Callable[[], datetime],
        zone: tzinfo = UTC,
    ) -> None:
        self.projects = {project.link_name: project for project in projects}
        self.users = {user.username: user for user in users}
        self.people: dict[str, Person] = {}
        self.patches: dict[int, Patch] = {}
        self.covers: dict[int, Cover] = {}
        self.series: dict[int, Series] = {}
        self.comments: dict[int, Comment] = {}
        self.checks: dict[int, Check] = {}
        self.events: list[Event] = []
        self._clock = clock
        self._zone = zone
        self._submissions: dict[tuple[str, str], Patch | Cover] = {}
        self._commented: dict[tuple[str, str], Patch | Cover] = {}
        self._series_of: dict[tuple[str, str], Series] = {}
        self._loose_series: dict[tuple[str, str, int, int], list[Series]] = defaultdict(list)
        self._cover_names: set[str] = set()

    # Mails

    def ingest(self, project_name: str, mail: Mail) -> Patch | Cover | Comment | None:
        """What the mail was filed as, or None when the tracker ignores it."""
        project = self.projects[project_name]
        if not (mail.message_id and mail.subject and mail.sender_address) or self._known(project, mail):
            return None
        subject = parse_subject(mail.subject, project.link_name)
        if not mail.is_reply:
            diff, pull_url = find_diff(mail), find_pull_url(mail)
            if diff or pull_url:
                return self._add_patch(project, mail, subject, diff, pull_url)
            if subject.number == 0 and not self._repeats_cover(mail, subject):
                return self._add_cover(project, mail, subject)
        return self._add_comment(project, mail)

    def _known(self, project: Project, mail: Mail) -> bool:
        key = (project.link_name, mail.message_id)
        return key in self._submissions or key in self._commented

    def _repeats_cover(self, mail: Mail, subject: PatchSubject) -> bool:
        """A cover sent as a reply is taken for a comment when any project has a cover of that name."""
        return bool(mail.references) and subject.name in self._cover_names

    def _add_patch(
        self, project: Project, mail: Mail, subject: PatchSubject, diff: str | None, pull_url: str | None
    ) -> Patch:
        person = self._submitter(project, mail)
        patch = Patch(len(self.patches) + 1, project, mail, subject, person, self._date(mail))
        patch.pull_url = pull_url
        patch.hash = hash_diff(diff) if diff else None
        self.patches[patch.id] = patch
        self._submissions[project.link_name, mail.message_id] = patch
        self._emit("patch-created", project, patch=patch)
        series = self._series_for(patch)
        patch.series = series
        series.patches.append(patch)
        if patch.number == 1 and not series.name:
            series.name = patch.name
        self._emit_completions(series, patch)
        return patch

    def _emit_completions(self, series: Series, patch: Patch) -> None:
        by_number = {member.number: member for member in series.patches}
        if all(number in by_number for number in range(1, patch.number)):
            number = patch.number
            while member := by_number.get(number):
                self._emit("patch-completed", series.project, patch=member, series=series)
                number += 1
        if len(series.patches) == series.total:
            self._emit("series-completed", series.project, series=series)

    def _add_cover(self, project: Project, mail: Mail, subject: PatchSubject) -> Cover:
        person = self._submitter(project, mail)
        cover = Cover(len(self.covers) + 1, project, mail, subject, person, self._date(mail))
        self.covers[cover.id] = cover
        self._submissions[project.link_name, mail.message_id] = cover
        self._cover_names.add(cover.name)
        series = self._series_for(cover)
        cover.series = series
        if series.cover is None:
            series.cover = cover
            series.name = subject.title
        self._emit("cover-created", project, cover=cover)
        return cover

    def _add_comment(self, project: Project, mail: Mail) -> Comment | None:
        parent = self._ancestor(project, mail)
        if parent is None:
            return None
        comment = Comment(len(self.comments) + 1, mail, self._submitter(project, mail), self._date(mail))
        self.comments[comment.id] = comment
        self._commented[project.link_name, mail.message_id] = parent
        parent.comments.append(comment)
        if isinstance(parent, Patch):
            self._emit("patch-comment-created", project, patch=parent, comment=comment)
        else:
            self._emit("cover-comment-created", project, cover=parent, comment=comment)
        return comment

    def _ancestor(self, project: Project, mail: Mail) -> Patch | Cover | None:
        for reference in mail.references:
            key = (project.link_name, reference)
            if parent := self._submissions.get(key) or self._commented.get(key):
                return parent
        return None

    # Series

    def _series_for(self, member: Patch | Cover) -> Series:
        series = self._series_by_reference(member) or self._series_by_marker(member)
        if series is None:
            series = self._new_series(member)
        for reference in (member.mail.message_id, *member.mail.references):
            self._series_of.setdefault((member.project.link_name, reference), series)
        return series

    def _series_by_reference(self, member: Patch | Cover) -> Series | None:
        for reference in (member.mail.message_id, *member.mail.references):
            series = self._series_of.get((member.project.link_name, reference))
            if series and series.version == member.subject.version and _fits(series, member):
                return series
        return None

    def _series_by_marker(self, member: Patch | Cover) -> Series | None:
        if member.subject.total is None:
            return None
        for series in reversed(self._loose_series[_marker(member)]):
            if abs(series.date - member.date) <= _SERIES_WINDOW and _fits(series, member):
                return series
        return None

    def _new_series(self, member: Patch | Cover) -> Series:
        total = member.subject.total or 1
        version = member.subject.version
        series = Series(len(self.series) + 1, member.project, member.submitter, member.date, version, total)
        self.series[series.id] = series
        self._loose_series[_marker(member)].append(series)
        self._emit("series-created", member.project, series=series)
        return series

    # People and time

    def _submitter(self, project: Project, mail: Mail) -> Person:
        name, address = _real_sender(project, mail)
        person = self.people.get(address.lower())
        if person is None:
            person = self.people[address.lower()] = Person(len(self.people) + 1, name, address)
        elif name:
            person.name = name
        return person

    def _date(self, mail: Mail) -> datetime:
        """The Date header in UTC, not the time of arrival; now, when it cannot be read."""
        return (mail.date or self._clock()).astimezone(UTC).replace(tzinfo=None, microsecond=0)

    def now(self) -> datetime:
        return self._clock().astimezone(self._zone).replace(tzinfo=None)

    # Changes by users

    def set_state(self, patch: Patch, state: str, actor: User | None = None) -> None:
        if state not in STATES:
            raise ValueError(f"unknown state {state!r}")
        if state == patch.state:
            return
        before, patch.state = patch.state, state
        self._emit("patch-state-changed", patch.project, actor, patch=patch, before=before, after=state)

    def set_delegate(self, patch: Patch, delegate: User | None, actor: User | None = None) -> None:
        if delegate == patch.delegate:
            return
        before, patch.delegate = patch.delegate, delegate
        self._emit("patch-delegated", patch.project, actor, patch=patch, before=before, after=delegate)

    def set_archived(self, patch: Patch, archived: bool) -> None:
        """Leaves no event, as in Patchwork."""
        patch.archived = archived

    def set_commit_ref(self, patch: Patch, commit_ref: str | None) -> None:
        """Leaves no event, as in Patchwork."""
        patch.commit_ref = commit_ref

    def relate(self, patches: list[Patch], actor: User | None = None) -> None:
        for patch in patches:
            patch.related = [other for other in patches if other is not patch]
            self._emit("patch-relation-changed", patch.project, actor, patch=patch)

    def add_check(
        self,
        patch: Patch,
        user: User,
        state: str,
        context: str,
        description: str | None = None,
        target_url: str | None = None,
    ) -> Check:
        if state not in CHECK_STATES:
            raise ValueError(f"unknown check state {state!r}")
        check = Check(len(self.checks) + 1, user, self.now(), state, context, description, target_url)
        self.checks[check.id] = check
        patch.checks.append(check)
        self._emit("check-created", patch.project, user, patch=patch, check=check)
        return check

    def _emit(
        self,
        category: str,
        project: Project,
        actor: User | None = None,
        *,
        patch: Patch | None = None,
        cover: Cover | None = None,
        series: Series | None = None,
        comment: Comment | None = None,
        check: Check | None = None,
        before: str | User | None = None,
        after: str | User | None = None,
    ) -> None:
        number, date = len(self.events) + 1, self.now()
        self.events.append(
            Event(number, category, project, date, actor, patch, cover, series, comment, check, before, after)
        )

    # Looking up

    def find(self, project_name: str, message_id: str) -> Patch | Cover | None:
        return self._submissions.get((project_name, message_id))

    def patches_of(self, project_name: str, message_ids: Iterable[str]) -> list[Patch]:
        found = (self.find(project_name, message_id) for message_id in message_ids)
        return [patch for patch in found if isinstance(patch, Patch)]

    def patches_named(self, message_id: str) -> list[Patch]:
        found = (self.find(name, message_id) for name in self.projects)
        return [patch for patch in found if isinstance(patch, Patch)]


def find_pull_url(mail: Mail) -> str | None:
    return pull_url(mail.plain_text()) if b"following changes since" in mail.raw else None


def _marker(member: Patch | Cover) -> tuple[str, str, int, int]:
    subject = member.subject
    return (member.project.link_name, member.submitter.email, subject.version, subject.total or 1)


def _fits(series: Series, member: Patch | Cover) -> bool:
    return isinstance(member, Cover) or not series.holds(member.number)


def _real_sender(project: Project, mail: Mail) -> tuple[str | None, str]:
    """Undoes "NAME via LIST", but only when the address is the list's own."""
    if mail.sender_address.lower() != project.list_email:
        return mail.sender_name, mail.sender_address
    name = (mail.sender_name or "").rsplit(" via ", 1)[0]
    for header in ("X-Original-From", "Reply-To", "Cc"):
        for shown, address in getaddresses([mail.header(header)]):
            if address and address.lower() != project.list_email:
                return decode_words(shown) or name, address
    return mail.sender_name, mail.sender_address
