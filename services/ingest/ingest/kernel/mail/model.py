"""A mail as the rest of the kernel watch sees it."""

from dataclasses import dataclass
from datetime import datetime

from watchkeeper.kernel.models import Attachment, Kind, Person, SubjectParts, Trailer


@dataclass(frozen=True, slots=True)
class Mail:
    message_id: str
    """Without angle brackets; made from the mail's SHA-256 where it has none (flag ``message-id-missing``)."""
    other_ids: tuple[str, ...]
    """Further Message-IDs of the same mail, and its X-Alt-Message-ID."""
    references: tuple[str, ...]
    """The mails this one replies to, oldest first, by public-inbox's rules: the last is the likeliest parent."""
    in_reply_to: str | None
    subject: str
    """Decoded, runs of blanks collapsed."""
    parts: SubjectParts
    author: Person
    """The author, even where a list or relay replaced the From header."""
    sender: Person
    """The From header as written."""
    sent: datetime | None
    """The Date header in UTC, whatever it claims; None if it cannot be parsed."""
    received: datetime
    """When it reached the archive, by the rules of public-inbox's ``rt:``."""
    timestamp: datetime
    """``sent``, or ``received`` where the Date header is missing or implausible. Whole seconds."""
    text: str
    """All text except the diff, decoded, including quotes and signature."""
    diff: str | None
    pull_url: str | None
    """The repository that a ``git request-pull`` names, with the tag."""
    own_text: str
    """The author's own words: no quotes, attribution, trailers, diffstat or signature."""
    trailers: tuple[Trailer, ...]
    kind: Kind
    change_id: str | None
    base_commit: str | None
    attachments: tuple[Attachment, ...]
    list_ids: tuple[str, ...]
    """The List-Id headers' ids, lower case."""
    flags: tuple[str, ...]
    """What is odd about the mail, sorted; the names are those of ``ingest.kernel.mail.flags``."""
