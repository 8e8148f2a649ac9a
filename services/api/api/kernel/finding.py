"""Finding patches: by the narrowest index the filters allow, with the other filters in code."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import merge
from operator import itemgetter

from api.web.paging import Slice, take
from watchkeeper.clock import to_iso
from watchkeeper.dynamodb import Between
from watchkeeper.kernel.models import Patch
from watchkeeper.kernel.repositories.patches import PatchRepository

_ROWS_PER_READ = 250
"""Where rows are filtered in code."""


@dataclass(frozen=True, slots=True)
class PatchFilter:
    """Filters for patches; ``None`` or empty means no filter."""

    projects: tuple[str, ...]
    states: tuple[str, ...] = ()
    submitter: str | None = None
    series_id: int | None = None
    message_id: str | None = None
    since: str | None = None
    until: str | None = None
    archived: bool | None = None
    text: str | None = None

    @property
    def between(self) -> Between:
        return Between(self.since, self.until)

    @property
    def is_answered_by_index(self) -> bool:
        """Whether the index of projects, or of their states, suffices."""
        return (self.submitter, self.series_id, self.message_id, self.archived, self.text) == (None,) * 5

    def matches(self, patch: Patch) -> bool:
        return all(condition(self, patch) for condition in _CONDITIONS)


def find_patches(
    patches: PatchRepository, wanted: PatchFilter, *, limit: int, before: str | None = None
) -> Slice[Patch]:
    """Matching patches, newest first; ``before`` is the position where the previous page ended."""
    if wanted.message_id is not None:
        return Slice([patch for patch in patches.of_message(wanted.message_id) if wanted.matches(patch)], None)
    if wanted.is_answered_by_index:
        return take(_newest(patches, wanted, before, limit + 1), _anything, limit)
    return take(_newest(patches, wanted, before, _ROWS_PER_READ), wanted.matches, limit)


def _newest(
    patches: PatchRepository, wanted: PatchFilter, before: str | None, page_size: int
) -> Iterator[tuple[str, Patch]]:
    if wanted.series_id is not None:
        return patches.newest_of_series(wanted.series_id, wanted.between, before=before, page_size=page_size)
    if wanted.submitter is not None:
        return patches.newest_of_submitter(wanted.submitter, wanted.between, before=before, page_size=page_size)
    streams = [
        patches.newest_of_project(project, wanted.between, state=state, before=before, page_size=page_size)
        for project in wanted.projects
        for state in wanted.states or (None,)
    ]
    return streams[0] if len(streams) == 1 else merge(*streams, key=itemgetter(0), reverse=True)


def _anything(_: Patch) -> bool:
    return True


def _is_dated(wanted: PatchFilter, patch: Patch) -> bool:
    """Only where no index has checked it already; in indexes, a date in the future counts as the day of arrival."""
    if wanted.message_id is None:
        return True
    date = to_iso(patch.date)
    return (wanted.since or "") <= date and (wanted.until is None or date <= wanted.until)


_CONDITIONS: tuple[Callable[[PatchFilter, Patch], bool], ...] = (
    lambda wanted, patch: patch.project in wanted.projects,
    lambda wanted, patch: not wanted.states or patch.state in wanted.states,
    lambda wanted, patch: wanted.submitter in (None, patch.submitter.address),
    lambda wanted, patch: wanted.series_id in (None, patch.series_id),
    lambda wanted, patch: wanted.archived in (None, patch.archived),
    lambda wanted, patch: wanted.text is None or wanted.text.casefold() in patch.name.casefold(),
    _is_dated,
)
