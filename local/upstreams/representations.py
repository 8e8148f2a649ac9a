"""The JSON shapes of Patchwork's REST API, version by version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from local.upstreams.mail import Mail
from local.upstreams.tracked import Check, Comment, Cover, Event, Patch, Person, Project, Series, Submission, User

Json = dict[str, Any]
NEWEST_VERSION = (1, 3)
_MESSAGE_ID_SAFE = "!$&'()*+,;=:@~"
_SINCE_1_1 = frozenset({"web_url", "comments"})
_SINCE_1_2 = frozenset({"list_archive_url", "list_archive_url_format", "commit_url_format", "related"})
_NESTED_COMMENT_SINCE_1_3 = frozenset({"url", "addressed"})


@dataclass(frozen=True, slots=True)
class Representations:
    """Renders for one request: URLs follow its Host header and the API version in its path."""

    base_url: str
    archive_url: str
    version: tuple[int, int] = NEWEST_VERSION
    pinned: bool = False

    @property
    def api(self) -> str:
        return f"{self.base_url}/api" + (f"/{self.version[0]}.{self.version[1]}" if self.pinned else "")

    def index(self) -> Json:
        names = ("projects", "users", "people", "patches", "covers", "series", "events", "bundles")
        return {name: f"{self.api}/{name}/" for name in names}

    # People and projects

    def user(self, user: User | None) -> Json | None:
        if user is None:
            return None
        return {
            "id": user.id,
            "url": f"{self.api}/users/{user.id}/",
            "username": user.username,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "email": user.email,
        }

    def person(self, person: Person) -> Json:
        url = f"{self.api}/people/{person.id}/"
        return {"id": person.id, "url": url, "name": person.name, "email": person.email}

    def embedded_project(self, project: Project) -> Json:
        archive = f"{self.archive_url}/{project.link_name}/"
        return {
            "id": project.id,
            "url": f"{self.api}/projects/{project.id}/",
            "name": project.name,
            "link_name": project.link_name,
            "list_id": project.list_id,
            "list_email": project.list_email,
            "web_url": "",
            "scm_url": project.scm_url,
            "webscm_url": project.webscm_url,
            "list_archive_url": archive,
            "list_archive_url_format": archive + "{}/",
            "commit_url_format": project.commit_url_format,
        }

    def project(self, project: Project) -> Json:
        body = self.embedded_project(project)
        last = {key: body.pop(key) for key in list(body)[9:]}
        maintainers = [self.user(user) for user in project.maintainers]
        return {**body, "maintainers": maintainers, "subject_match": "", **last}

    # Patches and covers

    def _submission_page(self, submission: Submission) -> str:
        kind = "patch" if isinstance(submission, Patch) else "cover"
        message_id = quote(submission.mail.message_id, safe=_MESSAGE_ID_SAFE)
        return f"{self.base_url}/project/{submission.project.link_name}/{kind}/{message_id}/"

    def _archive_page(self, project: Project, mail: Mail) -> str:
        """Not escaped, as in Patchwork: a slash in the Message-ID makes it a dead link."""
        return f"{self.archive_url}/{project.link_name}/{mail.message_id}/"

    def embedded_submission(self, submission: Submission) -> Json:
        resource = "patches" if isinstance(submission, Patch) else "covers"
        page = self._submission_page(submission)
        return {
            "id": submission.id,
            "url": f"{self.api}/{resource}/{submission.id}/",
            "web_url": page,
            "msgid": f"<{submission.mail.message_id}>",
            "list_archive_url": self._archive_page(submission.project, submission.mail),
            "date": stamp(submission.date),
            "name": submission.name,
            "mbox": page + "mbox/",
        }

    def cover(self, cover: Cover) -> Json:
        short = self.embedded_submission(cover)
        mbox = short.pop("mbox")
        return {
            **_with_project(short, self.embedded_project(cover.project)),
            "submitter": self.person(cover.submitter),
            "mbox": mbox,
            "series": self._series_list(cover.series),
            "comments": f"{self.api}/covers/{cover.id}/comments/",
        }

    def cover_detail(self, cover: Cover) -> Json:
        return {**self.cover(cover), "headers": header_map(cover.mail), "content": cover.content}

    def patch(self, patch: Patch) -> Json:
        short = self.embedded_submission(patch)
        mbox = short.pop("mbox")
        own = f"{self.api}/patches/{patch.id}"
        return {
            **_with_project(short, self.embedded_project(patch.project)),
            "commit_ref": patch.commit_ref,
            "pull_url": patch.pull_url,
            "state": patch.state,
            "archived": patch.archived,
            "hash": patch.hash,
            "submitter": self.person(patch.submitter),
            "delegate": self.user(patch.delegate),
            "mbox": mbox,
            "series": self._series_list(patch.series),
            "comments": f"{own}/comments/",
            "check": patch.check,
            "checks": f"{own}/checks/",
            "tags": {},
            "related": [self.embedded_submission(other) for other in patch.related],
        }

    def patch_detail(self, patch: Patch) -> Json:
        return {
            **self.patch(patch),
            "headers": header_map(patch.mail),
            "content": patch.content,
            "diff": patch.diff,
            "prefixes": list(patch.subject.prefixes),
        }

    # Series

    def embedded_series(self, series: Series) -> Json:
        return {
            "id": series.id,
            "url": f"{self.api}/series/{series.id}/",
            "web_url": f"{self.base_url}/project/{series.project.link_name}/list/?series={series.id}",
            "date": stamp(series.date),
            "name": series.name,
            "version": series.version,
            "mbox": f"{self.base_url}/series/{series.id}/mbox/",
        }

    def _series_list(self, series: Series | None) -> list[Json]:
        return [self.embedded_series(series)] if series else []

    def series(self, series: Series) -> Json:
        short = self.embedded_series(series)
        patches = sorted(series.patches, key=lambda patch: (patch.date, patch.id))
        return {
            **{key: short[key] for key in ("id", "url", "web_url")},
            "project": self.embedded_project(series.project),
            "name": series.name,
            "date": short["date"],
            "submitter": self.person(series.submitter),
            "version": series.version,
            "total": series.total,
            "received_total": len(series.patches),
            "received_all": series.received_all,
            "mbox": short["mbox"],
            "cover_letter": self.embedded_submission(series.cover) if series.cover else None,
            "patches": [self.embedded_submission(patch) for patch in patches],
        }

    # Comments, checks, events

    def embedded_comment(self, parent: Submission, comment: Comment) -> Json:
        resource = "patches" if isinstance(parent, Patch) else "covers"
        return {
            "id": comment.id,
            "url": f"{self.api}/{resource}/{parent.id}/comments/{comment.id}/",
            "web_url": f"{self.base_url}/comment/{comment.id}/",
            "msgid": f"<{comment.mail.message_id}>",
            "list_archive_url": self._archive_page(parent.project, comment.mail),
            "date": stamp(comment.date),
        }

    def comment(self, parent: Submission, comment: Comment) -> Json:
        body = {
            **self.embedded_comment(parent, comment),
            "subject": comment.mail.subject,
            "submitter": self.person(comment.submitter),
            "content": comment.content,
            "headers": header_map(comment.mail),
            "addressed": comment.addressed,
        }
        hidden = _NESTED_COMMENT_SINCE_1_3 if self.version < (1, 3) else frozenset[str]()
        return {key: value for key, value in body.items() if key not in hidden}

    def check(self, patch: Patch, check: Check) -> Json:
        short = self._embedded_check(patch, check)
        return {
            **{key: short[key] for key in ("id", "url")},
            "user": self.user(check.user),
            **{key: short[key] for key in ("date", "state", "target_url", "context")},
            "description": check.description,
        }

    def _embedded_check(self, patch: Patch, check: Check) -> Json:
        return {
            "id": check.id,
            "url": f"{self.api}/patches/{patch.id}/checks/{check.id}/",
            "date": stamp(check.date),
            "state": check.state,
            "target_url": check.target_url,
            "context": check.context,
        }

    def event(self, event: Event) -> Json:
        return {
            "id": event.id,
            "category": event.category,
            "project": self.embedded_project(event.project),
            "date": stamp(event.date),
            "actor": self.user(event.actor),
            "payload": {**self._event_objects(event), **self._event_change(event)},
        }

    def _event_objects(self, event: Event) -> Json:
        payload: Json = {}
        for name, submission in (("patch", event.patch), ("cover", event.cover)):
            if submission:
                payload[name] = self.embedded_submission(submission)
        if event.series:
            payload["series"] = self.embedded_series(event.series)
        parent = event.patch or event.cover
        if event.comment and parent:
            payload["comment"] = self.embedded_comment(parent, event.comment)
        if event.check and event.patch:
            payload["check"] = self._embedded_check(event.patch, event.check)
        return payload

    def _event_change(self, event: Event) -> Json:
        if event.category == "patch-relation-changed":
            return {"previous_relation": None, "current_relation": None}
        if event.category == "patch-state-changed":
            return {"previous_state": event.before, "current_state": event.after}
        if event.category == "patch-delegated":
            users = (user if isinstance(user, User) else None for user in (event.before, event.after))
            return dict(zip(("previous_delegate", "current_delegate"), map(self.user, users), strict=True))
        return {}

    def fitted(self, body: Any) -> Any:
        """`body` without the fields that came after the version asked for."""
        hidden = frozenset[str]()
        if self.version < (1, 2):
            hidden |= _SINCE_1_2
        if self.version < (1, 1):
            hidden |= _SINCE_1_1
        return _without(body, hidden) if hidden else body


def stamp(moment: datetime) -> str:
    """Without a zone, as Patchwork sends it; a fraction only where the server's clock was read."""
    return moment.isoformat()


def header_map(mail: Mail) -> Json:
    """A header that appears once is a string, one that repeats is a list."""
    found: Json = {}
    for name, value in mail.headers():
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found


def _with_project(body: Json, project: Json) -> Json:
    head = {key: body[key] for key in ("id", "url", "web_url")}
    return {**head, "project": project, **{key: value for key, value in body.items() if key not in head}}


def _without(body: Any, hidden: Iterable[str]) -> Any:
    if isinstance(body, Mapping):
        return {key: _without(value, hidden) for key, value in body.items() if key not in hidden}
    return [_without(item, hidden) for item in body] if isinstance(body, list) else body
