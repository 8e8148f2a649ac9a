"""Views of facts."""

from collections.abc import Iterable, Mapping, Sequence

import orjson

from api.kernel.links import Links
from api.kernel.trees import Node, shallow
from api.kernel.views import Mail, MailDetail, MailNode, MissingMail, PatchReference, PatchSummary
from watchkeeper.kernel.models import Body, Discussion, Patch

PatchIds = Mapping[str, Sequence[Patch]]
"""The patches with a Message-ID, in every project."""

MAX_NAME = 1000
MAX_TRAILERS = 50
"""Per mail in lists and trees; a mail read by itself has them all."""


def patch_summary(patch: Patch, links: Links) -> PatchSummary:
    patchwork_url, lore_url = links.patch(patch.project, patch.message_id)
    return {
        "id": patch.id,
        "project": patch.project,
        "message_id": patch.message_id,
        "date": patch.date,
        "name": patch.name[:MAX_NAME],
        "state": patch.state,
        "archived": patch.archived,
        "submitter": patch.submitter,
        "delegate": patch.delegate,
        "series_id": patch.series_id,
        "version": patch.version,
        "number": patch.number,
        "total": patch.total,
        "prefixes": patch.prefixes,
        "check": patch.check,
        "patchwork_url": patchwork_url,
        "lore_url": lore_url,
    }


def patch_references(patches: Iterable[Patch]) -> list[PatchReference]:
    return [PatchReference(id=patch.id, project=patch.project, state=patch.state) for patch in patches]


def mail(discussion: Discussion, patch_ids: PatchIds, links: Links) -> Mail:
    return Mail(
        message_id=discussion.message_id,
        timestamp=discussion.timestamp,
        received=discussion.received,
        lists=discussion.lists,
        subject=discussion.subject[:MAX_NAME],
        author=discussion.author,
        kind=discussion.kind,
        thread_id=discussion.thread_id,
        parent_id=discussion.parent_id,
        patch_message_id=discussion.patch_message_id,
        patches=patch_references(patch_ids.get(discussion.patch_message_id or "", ())),
        sentiment=discussion.sentiment,
        stance=discussion.stance,
        trailers=discussion.trailers[:MAX_TRAILERS],
        flags=discussion.flags,
        version=discussion.version,
        number=discussion.number,
        total=discussion.total,
        lore_url=links.mail(discussion.message_id),
    )


def mail_detail(discussion: Discussion, body: Body, patch_ids: PatchIds, links: Links, *, octets: int) -> MailDetail:
    text, diff = cut(body.text, octets // 2), cut(body.diff or "", octets // 2)
    return MailDetail(
        **mail(discussion, patch_ids, links) | {"trailers": discussion.trailers},
        text=text,
        diff=diff if body.diff is not None else None,
        truncated=len(text) + len(diff) < len(body.text) + len(body.diff or ""),
        attachments=body.attachments,
        references=body.references,
    )


def trees(nodes: Iterable[Node], patch_ids: PatchIds, links: Links) -> list[MailNode | MissingMail]:
    return [_tree(shallow(node), patch_ids, links) for node in nodes]


def _tree(node: Node, patch_ids: PatchIds, links: Links) -> MailNode | MissingMail:
    replies = [_tree(reply, patch_ids, links) for reply in node.replies]
    if node.mail is None:
        return MissingMail(
            message_id=node.message_id, missing=True, lore_url=links.mail(node.message_id), replies=replies
        )
    return MailNode(**mail(node.mail, patch_ids, links), missing=False, replies=replies)


def cut(text: str, octets: int) -> str:
    """As much of the text as fits into that many bytes of JSON."""
    while len(text) * 6 + 2 > octets and (size := len(orjson.dumps(text))) > octets:
        text = text[: len(text) * octets // size]
    return text
