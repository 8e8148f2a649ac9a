"""Parses a whole mail: bounded before, leniently, and without ever raising."""

from datetime import datetime

from ingest.kernel.mail import dates, flags
from ingest.kernel.mail.bodies import read_body
from ingest.kernel.mail.diffs import pull_url
from ingest.kernel.mail.headers import Headers, decoded, split_head
from ingest.kernel.mail.identity import message_ids, references
from ingest.kernel.mail.kinds import kind_of
from ingest.kernel.mail.model import Mail
from ingest.kernel.mail.own_words import own_words
from ingest.kernel.mail.people import author_of, sender_of
from ingest.kernel.mail.trailers import base_commit, change_id, find_trailers
from watchkeeper.kernel.subjects import MAX_SUBJECT, parse_subject

MAX_OCTETS = 1_536 * 1024
"""Bytes of a mail that are parsed; the largest mails of kernel lists are below half of it."""
MAX_LIST_IDS = 20
MAX_SUBJECT_FIELD = 8_000
"""Before decoding, which makes it shorter."""


def parse(raw: bytes, *, now: datetime) -> Mail:
    """Everything the kernel watch needs from a mail. Any bytes are accepted; ``now`` dates a mail without dates."""
    headers, body_octets, odd = split_head(_without_separator(raw[:MAX_OCTETS]))
    body = read_body(headers, body_octets)
    subject, odd_subject = _subject(headers)
    parts = parse_subject(subject)
    message_id, other_ids, odd_ids = message_ids(headers, raw)
    refs, in_reply_to = references(headers, (message_id, *other_ids))
    sender, odd_sender = sender_of(headers)
    author = author_of(sender, headers, body.text)
    sent, odd_date = dates.sent_at(headers)
    received = dates.received_at(headers, sent, now)
    timestamp, odd_time = dates.clamp(sent, received)
    pull = pull_url(body.text)
    has_patch = bool(body.diff or pull)
    own_text = own_words(body.shown)
    trailers = find_trailers(body.shown, (sender, author), is_patch=has_patch)
    kind = kind_of(
        subject,
        parts,
        sender,
        has_patch=has_patch,
        answers=bool(refs),
        text=body.shown,
        own_text=own_text,
        trailers=trailers,
    )
    odd |= odd_subject | odd_ids | odd_sender | odd_date | odd_time | body.odd
    if len(raw) > MAX_OCTETS:
        odd.add(flags.TRUNCATED)
    return Mail(
        message_id=message_id,
        other_ids=other_ids,
        references=refs,
        in_reply_to=in_reply_to,
        subject=subject,
        parts=parts,
        author=author,
        sender=sender,
        sent=sent,
        received=received,
        timestamp=timestamp,
        text=body.text,
        diff=body.diff,
        pull_url=pull,
        own_text=own_text,
        trailers=trailers,
        kind=kind,
        change_id=change_id(body.text),
        base_commit=base_commit(body.text),
        attachments=tuple(body.attachments),
        list_ids=_list_ids(headers),
        flags=tuple(sorted(odd)),
    )


def _without_separator(octets: bytes) -> bytes:
    """The mail below the ``From `` line of an mbox, if that is still there."""
    return octets.partition(b"\n")[2] if octets.startswith(b"From ") else octets


def _subject(headers: Headers) -> tuple[str, set[str]]:
    subject = decoded((headers.first("subject") or "")[:MAX_SUBJECT_FIELD])[:MAX_SUBJECT].rstrip()
    return subject, set() if subject else {flags.SUBJECT_MISSING}


def _list_ids(headers: Headers) -> tuple[str, ...]:
    ids = (value.partition("<")[2].partition(">")[0].strip().lower() for value in headers.all("list-id"))
    return tuple(dict.fromkeys(id_ for id_ in ids if id_))[:MAX_LIST_IDS]
