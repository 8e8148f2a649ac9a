"""The repositories that the kernel watch reads."""

from dataclasses import dataclass

from watchkeeper.kernel.repositories.discussions import DiscussionRepository
from watchkeeper.kernel.repositories.patches import PatchRepository, SeriesRepository
from watchkeeper.kernel.repositories.threading import ThreadingRepository
from watchkeeper.progress import ProgressRepository


@dataclass(frozen=True, slots=True)
class Facts:
    patches: PatchRepository
    series: SeriesRepository
    discussions: DiscussionRepository
    threading: ThreadingRepository
    progress: ProgressRepository
