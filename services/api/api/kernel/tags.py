"""The tags of a patch: Reviewed-by, Acked-by, Tested-by and the like, and who gave them in which mail."""

from collections.abc import Iterable, Iterator

from api.kernel.views import Tag
from watchkeeper.kernel.models import Discussion, Kind

_TOPICS = frozenset({Kind.PATCH, Kind.COVER})


def tags_of(replies: Iterable[Discussion]) -> list[Tag]:
    """Each tag once, oldest first; of several mails that give it, the first from the named person counts."""
    best: dict[tuple[str, str], Tag] = {}
    for tag in sorted(_given(replies), key=lambda tag: (not tag["by_sender"], tag["timestamp"])):
        best.setdefault((tag["name"].lower(), tag["address"] or tag["value"]), tag)
    return sorted(best.values(), key=lambda tag: tag["timestamp"])


def _given(replies: Iterable[Discussion]) -> Iterator[Tag]:
    for mail in replies:
        if mail.kind not in _TOPICS:
            yield from (_tag(mail, index) for index, trailer in enumerate(mail.trailers) if _names_person(trailer.name))


def _names_person(name: str) -> bool:
    return name.lower().endswith("-by")


def _tag(mail: Discussion, index: int) -> Tag:
    trailer = mail.trailers[index]
    return Tag(
        name=trailer.name,
        value=trailer.value,
        address=trailer.address,
        by_sender=trailer.by_sender,
        message_id=mail.message_id,
        author=mail.author,
        timestamp=mail.timestamp,
        on=mail.patch_message_id,
    )
