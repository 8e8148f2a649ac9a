"""Reading one thing in full: a patch, a series, a thread, a mail."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from api.kernel import rendering, views
from api.kernel.facts import Facts
from api.kernel.links import Links
from api.kernel.rendering import PatchIds
from api.kernel.tags import tags_of
from api.kernel.trees import Node, grow, missing_parents
from watchkeeper.errors import ItemNotFound
from watchkeeper.kernel.models import Body, Cover, Discussion, Kind, Patch, Series

MAX_MAILS = 2000
"""The most mails of one tree; the longest threads of the kernel lists have some hundreds."""

TEXT_OCTETS = 3 * 1024 * 1024
"""The maximum size of the texts in one response."""

_MAX_REUSES = 20
_MAX_GHOST_GENERATIONS = 5


def patch(facts: Facts, links: Links, patch_id: int) -> views.PatchDetail:
    """Raises ``ItemNotFound``."""
    one = facts.patches.get(patch_id)
    elsewhere = [other for other in facts.patches.of_message(one.message_id) if other.id != one.id]
    replies = _replies(facts, one.message_id)
    known, body = _own_mail(facts, one)
    text, diff = rendering.cut(body.text, TEXT_OCTETS // 2), rendering.cut(body.diff or "", TEXT_OCTETS // 2)
    return views.PatchDetail(
        **rendering.patch_summary(one, links),
        hash=one.hash,
        commit_ref=one.commit_ref,
        pull_url=one.pull_url,
        checks=one.checks,
        related=one.related,
        also=rendering.patch_references(elsewhere),
        mail_known=known is not None,
        text=text if known else None,
        diff=diff if body.diff is not None else None,
        truncated=len(text) + len(diff) < len(body.text) + len(body.diff or ""),
        attachments=body.attachments,
        trailers=known.trailers if known else (),
        tags=tags_of([*replies, *_replies_to_cover(facts, one)]),
        discussions=len(replies),
    )


def patch_discussions(facts: Facts, links: Links, patch_id: int, *, flat: bool) -> views.Discussions:
    """Raises ``ItemNotFound``."""
    one = facts.patches.get(patch_id)
    replies = _replies(facts, one.message_id)
    shown = replies[:MAX_MAILS]
    patch_ids = {one.message_id: facts.patches.of_message(one.message_id)}
    return views.Discussions(
        patch_id=one.id,
        message_id=one.message_id,
        mails=len(replies),
        truncated=len(shown) < len(replies),
        discussions=_shown(facts, links, shown, patch_ids, flat=flat, top=one.message_id),
    )


def series(facts: Facts, links: Links, series_id: int) -> views.SeriesDetail:
    """Raises ``ItemNotFound``."""
    one = facts.series.get(series_id)
    patches = facts.patches.of_series(series_id)
    replies = _replies_by_topic(facts, [*([one.cover.message_id] if one.cover else []), *_ids(patches)])
    on_cover = replies[one.cover.message_id] if one.cover else []
    return views.SeriesDetail(
        id=one.id,
        project=one.project,
        name=one.name,
        date=one.date,
        submitter=one.submitter,
        version=one.version,
        total=one.total,
        received_total=one.received_total,
        received_all=one.received_all,
        missing=sorted(set(range(1, one.total + 1)) - {patch.number for patch in patches}),
        state=_overall_state(patches),
        states=_states(patches),
        cover=_cover(one, one.cover, len(_others(on_cover, one.cover.message_id)), links) if one.cover else None,
        patches=[_in_series(patch, replies[patch.message_id], on_cover, links) for patch in patches],
        patchwork_url=links.series(one.project, one.id),
    )


def thread(facts: Facts, links: Links, message_id: str, *, flat: bool) -> views.Thread:
    """The thread of a mail, whether the mail itself is stored or only referenced. Raises ``ItemNotFound``."""
    thread_id = _thread_id(facts, message_id)
    mails = list(islice(facts.discussions.of_thread(thread_id), MAX_MAILS + 1))
    if not mails:
        raise ItemNotFound(f"no thread with {message_id}")
    shown = mails[:MAX_MAILS]
    return views.Thread(
        thread_id=thread_id,
        subject=next((mail.subject for mail in shown if mail.message_id == thread_id), shown[0].subject),
        mails=len(shown),
        truncated=len(shown) < len(mails),
        started=shown[0].timestamp,
        last=shown[-1].timestamp,
        discussions=_shown(facts, links, shown, patches_of(facts, shown), flat=flat),
    )


def mails(facts: Facts, links: Links, message_id: str) -> views.MailList:
    """Raises ``ItemNotFound``."""
    found = facts.discussions.of_message(message_id)[:_MAX_REUSES]
    patch_ids = patches_of(facts, [discussion for discussion, _ in found])
    octets = TEXT_OCTETS // len(found)
    return views.MailList(
        message_id=message_id,
        items=[rendering.mail_detail(discussion, body, patch_ids, links, octets=octets) for discussion, body in found],
    )


def patches_of(facts: Facts, mails: Sequence[Discussion]) -> dict[str, list[Patch]]:
    """The patches mails are about, by Message-ID, in every project.

    The index is queried by one Message-ID at a time, so the first patch of a series loads its whole series. A mail is
    looked up itself only if it then has fewer patches than lists it was sent to.
    """
    lists = {mail.message_id: len(mail.lists) for mail in mails if mail.kind is not Kind.COVER}
    covers = {mail.message_id for mail in mails if mail.kind is Kind.COVER}
    found: defaultdict[str, dict[int, Patch]] = defaultdict(dict)
    seen: set[int] = set()
    for topic in dict.fromkeys(mail.patch_message_id for mail in mails if mail.patch_message_id):
        if topic in covers or (found[topic] and len(found[topic]) >= lists.get(topic, len(mails))):
            continue
        for patch in facts.patches.of_message(topic):
            for sibling in [patch, *_siblings(facts, patch, seen)]:
                found[sibling.message_id][sibling.id] = sibling
    return {message_id: [by_id[key] for key in sorted(by_id)] for message_id, by_id in found.items()}


def _siblings(facts: Facts, patch: Patch, seen: set[int]) -> list[Patch]:
    """The patches of its series, unless they were loaded already."""
    if patch.series_id is None or patch.total == 1 or patch.series_id in seen:
        return []
    seen.add(patch.series_id)
    return facts.patches.of_series(patch.series_id)


def _own_mail(facts: Facts, patch: Patch) -> tuple[Discussion | None, Body]:
    """The patch's mail, preferably from its own list."""
    try:
        found = facts.discussions.of_message(patch.message_id)
    except ItemNotFound:
        return None, Body("")
    return next((mail for mail in found if patch.project in mail[0].lists), found[0])


def _replies(facts: Facts, message_id: str) -> list[Discussion]:
    return _others(facts.discussions.of_patch(message_id), message_id)


def _others(mails: Iterable[Discussion], message_id: str) -> list[Discussion]:
    return [mail for mail in mails if mail.message_id != message_id]


def _replies_to_cover(facts: Facts, patch: Patch) -> Iterator[Discussion]:
    if patch.series_id is not None:
        of = facts.series.get_many([patch.series_id]).get(patch.series_id)
        if of and of.cover:
            yield from _replies(facts, of.cover.message_id)


def _replies_by_topic(facts: Facts, topics: Sequence[str]) -> dict[str, list[Discussion]]:
    """The mails linked to each patch or cover letter, read by thread; a series usually has only one."""
    threads = {node.thread_id for node in facts.threading.get_many(topics).values()}
    linked: dict[str, list[Discussion]] = {topic: [] for topic in topics}
    for thread_id in sorted(threads):
        for mail in facts.discussions.of_thread(thread_id):
            if mail.patch_message_id in linked:
                linked[mail.patch_message_id].append(mail)
    return linked


def _in_series(patch: Patch, mails: list[Discussion], on_cover: list[Discussion], links: Links) -> views.SeriesPatch:
    replies = _others(mails, patch.message_id)
    own = next((mail for mail in mails if mail.message_id == patch.message_id), None)
    return views.SeriesPatch(
        **rendering.patch_summary(patch, links),
        trailers=own.trailers if own else (),
        tags=tags_of([*replies, *on_cover]),
        discussions=len(replies),
    )


def _cover(of: Series, cover: Cover, discussions: int, links: Links) -> views.CoverDetail:
    return views.CoverDetail(
        id=cover.id,
        message_id=cover.message_id,
        name=cover.name,
        date=cover.date,
        discussions=discussions,
        patchwork_url=links.cover(of.project, cover.message_id),
        lore_url=links.mail(cover.message_id),
    )


def _overall_state(patches: Sequence[Patch]) -> str:
    states = _states(patches)
    return next(iter(states)) if len(states) == 1 else "mixed" if states else "empty"


def _states(patches: Iterable[Patch]) -> dict[str, int]:
    states: defaultdict[str, int] = defaultdict(int)
    for patch in patches:
        states[patch.state] += 1
    return dict(states)


def _ids(patches: Iterable[Patch]) -> list[str]:
    return [patch.message_id for patch in patches]


def _thread_id(facts: Facts, message_id: str) -> str:
    node = facts.threading.get_many([message_id]).get(message_id)
    return node.thread_id if node else message_id


def _shown(
    facts: Facts, links: Links, mails: list[Discussion], patch_ids: PatchIds, *, flat: bool, top: str | None = None
) -> list[views.MailNode | views.MissingMail] | list[views.Mail]:
    if flat:
        return [rendering.mail(mail, patch_ids, links) for mail in mails]
    return rendering.trees(_grown(facts, mails, top), patch_ids, links)


def _grown(facts: Facts, mails: list[Discussion], top: str | None) -> list[Node]:
    ghosts: dict[str, str | None] = {}
    missing = missing_parents(mails) - {top}
    for _ in range(_MAX_GHOST_GENERATIONS):
        if not missing:
            break
        nodes = facts.threading.get_many(missing)
        ghosts |= {name: nodes[name].parent_id if name in nodes else None for name in missing}
        known = {mail.message_id for mail in mails} | {top, None} | ghosts.keys()
        missing = {parent for name in missing if (parent := ghosts[name]) and parent not in known}
    return grow(mails, ghosts=ghosts, top=top)
