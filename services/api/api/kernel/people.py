"""People, by the address they write from."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from api.kernel.facts import Facts
from api.kernel.finding import PatchFilter, find_patches
from api.web.paging import Slice, take
from watchkeeper.clock import to_iso
from watchkeeper.dynamodb import Between
from watchkeeper.errors import ItemNotFound
from watchkeeper.kernel.models import Discussion, Kind, Patch, Person

_MAILS_PER_READ = 200

MailPosition = tuple[str, str]


def patches_by(
    facts: Facts, address: str, projects: tuple[str, ...], *, limit: int, before: str | None
) -> Slice[Patch]:
    return find_patches(facts.patches, PatchFilter(projects, submitter=address), limit=limit, before=before)


def reviews_by(facts: Facts, address: str, *, limit: int, after: MailPosition | None) -> Slice[Discussion]:
    """The newest mails of a person that review something."""
    return take(_mails(facts, address, after), lambda mail: mail.kind is Kind.REVIEW, limit)


def newest_by(facts: Facts, address: str, now: datetime) -> Patch | Discussion:
    """A person's newest patch or mail. Raises ``ItemNotFound`` if there is none."""
    mails = facts.discussions.of_author(address, Between(), limit=1).discussions
    patches = facts.patches.newest_of_submitter(address, Between(), page_size=1)
    seen: list[Patch | Discussion] = [*mails, *(patch for _, patch in islice(patches, 1))]
    if not seen:
        raise ItemNotFound("nobody wrote from that address")
    return max(seen, key=lambda one: when(one, now))


def when(seen: Patch | Discussion, now: datetime) -> datetime:
    """Its date, or now if that is in the future: Patchwork accepts whatever date a mail has."""
    return min(seen.timestamp if isinstance(seen, Discussion) else seen.date, now)


def who(seen: Patch | Discussion) -> Person:
    return seen.author if isinstance(seen, Discussion) else seen.submitter


def _mails(facts: Facts, address: str, after: MailPosition | None) -> Iterator[tuple[MailPosition, Discussion]]:
    more = True
    while more:
        page = facts.discussions.of_author(address, Between(), limit=_MAILS_PER_READ, after=after)
        for mail in page.discussions:
            yield (mail.message_id, to_iso(mail.timestamp)), mail
        after, more = page.last, page.last is not None
