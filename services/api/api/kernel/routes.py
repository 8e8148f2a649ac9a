"""The kernel watch's routes: they only translate between HTTP and the use cases."""

import re

from api.kernel import figures, people, reading, rendering, views
from api.kernel import freshness as fresh
from api.kernel.container import container
from api.kernel.finding import find_patches
from api.kernel.links import Links
from api.kernel.parameters import (
    AddressSegment,
    Archived,
    Lists,
    MessageId,
    MessageIdSegment,
    PatchSegment,
    PatchworkId,
    Projects,
    SeriesId,
    SinceWeek,
    States,
    Submitter,
    Text,
    UntilWeek,
    View,
    address,
    among,
    by_message_id,
    patch_filter,
    patch_number,
    weeks,
)
from api.web.paging import page
from api.web.parameters import Cursor, Limit, Since, Until
from api.web.routing import ALWAYS_ASK, Routes
from watchkeeper.clock import utc_now
from watchkeeper.errors import ItemNotFound
from watchkeeper.kernel.models import Discussion, Patch

PREFIX = "/api/v1/kernel"

NAMES_IN_PATHS = re.compile(
    rf"{PREFIX}/(?:(?:patches/by-message-id|threads|discussions)/(?P<name>.+)$"
    rf"|people/(?P<address>.+?)(?:/(?:patches|reviews))?$"
    rf"|patches/(?P<patch>.+?)(?:/discussions)?$)"
)
"""Message-IDs and addresses may contain slashes, which would end a path segment."""

routes = Routes(PREFIX)


@routes.get("/patches", "Find patches")
def list_patches(
    project: Projects = None,
    state: States = None,
    submitter: Submitter = None,
    series: SeriesId = None,
    message_id: MessageId = None,
    since: Since = None,
    until: Until = None,
    archived: Archived = None,
    text: Text = None,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> views.PatchList:
    """Newest first. Parameters that accept several values can be repeated, or comma-separated."""
    wanted = patch_filter(
        container().settings.projects,
        projects=project,
        states=state,
        submitter=submitter,
        series_id=series,
        message_id=message_id,
        since=since,
        until=until,
        archived=archived,
        text=text,
    )
    items, following = page(
        container().cursors,
        {"list": "patches", "wanted": wanted},
        cursor,
        lambda before: find_patches(container().facts.patches, wanted, limit=limit, before=before),
    )
    return _patch_list(items, following)


@routes.get("/patches/by-message-id/<message_id>", "Find the patches of a mail")
def list_patches_by_message_id(message_id: MessageIdSegment) -> views.PatchList:
    """One for each project that tracks the mail."""
    return by_message_id(message_id, _patches_of_message)


@routes.get("/patches/<patch_id>", "Read a patch")
def read_patch(patch_id: PatchSegment) -> views.PatchDetail:
    """With the text and diff of its mail, its own trailers, and the tags it was given; `also` lists it in other
    projects."""
    return reading.patch(container().facts, _links(), _patch_id(patch_id))


@routes.get("/patches/<patch_id>/discussions", "Read a patch's discussions")
def read_patch_discussions(patch_id: PatchSegment, view: View = "tree") -> views.Discussions:
    """Without the patch's own mail; the same in every project that tracks it."""
    return reading.patch_discussions(container().facts, _links(), _patch_id(patch_id), flat=view == "flat")


@routes.get("/series/<series_id>", "Read a series")
def read_series(series_id: PatchworkId) -> views.SeriesDetail:
    """With its cover letter and all its patches in order, each with the tags it was given."""
    return reading.series(container().facts, _links(), series_id)


@routes.get("/threads/<message_id>", "Read a thread")
def read_thread(message_id: MessageIdSegment, view: View = "tree") -> views.Thread:
    """By the Message-ID of any mail in it, even one that is missing."""
    facts, links = container().facts, _links()
    return by_message_id(message_id, lambda name: reading.thread(facts, links, name, flat=view == "flat"))


@routes.get("/discussions/<message_id>", "Read a mail")
def read_discussion(message_id: MessageIdSegment) -> views.MailList:
    """In full; several mails if the Message-ID was reused."""
    return by_message_id(message_id, lambda name: reading.mails(container().facts, _links(), name))


@routes.get("/people/<person>", "Read a person")
def read_person(person: AddressSegment, limit: Limit = 30) -> views.PersonDetail:
    """By mail address: when they were last seen, their newest patches and reviews."""
    now = utc_now()
    newest = people.newest_by(container().facts, address(person), now)
    return views.PersonDetail(
        address=address(person),
        name=people.who(newest).name,
        last_seen=people.when(newest, now),
        patches=_patches_by(address(person), limit, None),
        reviews=_reviews_by(address(person), limit, None),
    )


@routes.get("/people/<person>/patches", "List a person's patches")
def list_person_patches(person: AddressSegment, limit: Limit = 30, cursor: Cursor = None) -> views.PatchList:
    """Newest first."""
    return _patches_by(address(person), limit, cursor)


@routes.get("/people/<person>/reviews", "List a person's reviews")
def list_person_reviews(person: AddressSegment, limit: Limit = 30, cursor: Cursor = None) -> views.AuthoredList:
    """Newest first."""
    return _reviews_by(address(person), limit, cursor)


@routes.get("/stats", "Count patches and mails")
def read_statistics(
    project: Projects = None, lists: Lists = None, since: SinceWeek = None, until: UntilWeek = None
) -> views.Statistics:
    """Patches by state, project and week; mails by kind, stance, list and week, and their sentiment."""
    settings = container().settings
    return figures.statistics(
        container().facts.progress,
        among(settings.projects, project, "project"),
        among(settings.lists, lists, "list"),
        weeks(since, until),
    )


@routes.get("/freshness", "Get the freshness of the sources", cache=ALWAYS_ASK)
def read_freshness() -> views.Freshness:
    """How far each source has been read, since when it has failed, and what may be missing."""
    settings = container().settings
    return fresh.freshness(container().facts.progress, settings.projects, settings.lists, utc_now())


def _links() -> Links:
    settings = container().settings
    return Links(settings.patchwork_url, settings.lore_url)


def _patch_id(segment: str) -> int:
    number = patch_number(segment)
    return by_message_id(segment, _lowest_id_of_message) if number is None else number


def _lowest_id_of_message(message_id: str) -> int:
    return min(patch.id for patch in _known_by(message_id))


def _patches_of_message(message_id: str) -> views.PatchList:
    return _patch_list(_known_by(message_id), None)


def _known_by(message_id: str) -> list[Patch]:
    found = container().facts.patches.of_message(message_id)
    if not found:
        raise ItemNotFound(f"no patch {message_id}")
    return found


def _patches_by(person: str, limit: int, cursor: str | None) -> views.PatchList:
    facts, projects = container().facts, container().settings.projects
    items, following = page(
        container().cursors,
        {"list": "patches by", "person": person},
        cursor,
        lambda before: people.patches_by(facts, person, projects, limit=limit, before=before),
    )
    return _patch_list(items, following)


def _reviews_by(person: str, limit: int, cursor: str | None) -> views.AuthoredList:
    facts = container().facts
    items, following = page(
        container().cursors,
        {"list": "reviews by", "person": person},
        cursor,
        lambda after: people.reviews_by(facts, person, limit=limit, after=after),
    )
    return _authored_list(items, following)


def _patch_list(patches: list[Patch], cursor: str | None) -> views.PatchList:
    links = _links()
    return views.PatchList(items=[rendering.patch_summary(patch, links) for patch in patches], cursor=cursor)


def _authored_list(mails: list[Discussion], cursor: str | None) -> views.AuthoredList:
    links, patch_ids = _links(), reading.patches_of(container().facts, mails)
    return views.AuthoredList(items=[rendering.mail(mail, patch_ids, links) for mail in mails], cursor=cursor)
