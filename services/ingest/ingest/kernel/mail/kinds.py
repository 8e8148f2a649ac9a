"""The kind of a mail: a patch, a cover letter, a bot's report, a review, or discussion."""

import re

from ingest.kernel.mail.own_words import quotes_diff
from ingest.kernel.stance import position
from watchkeeper.kernel.models import Kind, Person, Stance, SubjectParts, Trailer
from watchkeeper.kernel.subjects import is_reply_to_patchwork

_BOT_ADDRESSES = frozenset(
    {
        "lkp@intel.com",
        "robot@bytheb.org",
        "cki-project@redhat.com",
        "sashiko-reviews@lists.linux.dev",
        "mptcp@ci.kernel.org",
    }
)
_BOT_LOCAL_PART = re.compile(
    r"(?:.*[-+._])?(?:bot2?|robot|syzbot|regzbot|buildbot|pw-bot|patchwork|noreply-ci)(?:[-+._0-9].*)?@"
    r"|(?:syzbot|sashiko|kernelci|intel-gfx-ci|lkp|dependabot|zeroday)\b"
)
_BOT_DOMAINS = ("@syzkaller.appspotmail.com", "@kernelci.org", "@emeril.freedesktop.org")
_BOT_NAME = re.compile(
    r"\b(?:(?:syz|regz|build|dependa)?bot2?|robot|patchwork"
    r"|sashiko(?: ai)?(?: review)?|0day|[\w-]*-ci)$|^(?:kernel test robot|kernelci)\b",
    re.IGNORECASE,
)


def is_bot(sender: Person) -> bool:
    address = sender.address
    if address in _BOT_ADDRESSES or address.endswith(_BOT_DOMAINS) or _BOT_LOCAL_PART.match(address):
        return True
    return _BOT_NAME.search(sender.name) is not None


def kind_of(
    subject: str,
    parts: SubjectParts,
    sender: Person,
    *,
    has_patch: bool,
    answers: bool,
    text: str,
    own_text: str,
    trailers: tuple[Trailer, ...],
) -> Kind:
    """Patch and cover letter as Patchwork decides; a bot that sends patches is an author like any other.

    Patchwork recognises replies only by ``Re:``, and other answers to a cover letter by its name.
    """
    if not is_reply_to_patchwork(subject):
        if has_patch:
            return Kind.PATCH
        if parts.numbers_given and parts.number == 0 and not (answers and parts.is_reply):
            return Kind.COVER
    if is_bot(sender):
        return Kind.BOT
    if (answers or parts.is_reply) and _reviews(text, own_text, trailers):
        return Kind.REVIEW
    return Kind.REPLY


def _reviews(text: str, own_text: str, trailers: tuple[Trailer, ...]) -> bool:
    if any(trailer.by_sender and trailer.address for trailer in trailers):
        return True
    if own_text and quotes_diff(text):
        return True
    return position(own_text, trailers) is not Stance.NONE
