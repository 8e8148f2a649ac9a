"""Weekly figures, recounted from the indexes for every week in which something changed: this is idempotent, as
incrementing would not be."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from watchkeeper.clock import to_iso, week_bounds
from watchkeeper.dynamodb import Between
from watchkeeper.kernel.models import Discussion
from watchkeeper.kernel.repositories.discussions import DiscussionRepository
from watchkeeper.kernel.repositories.patches import PatchRepository
from watchkeeper.progress import ProgressRepository
from watchkeeper.queues import WorkQueue

DELAY_SECONDS = 5
"""A delay in which the indexes catch up before weeks are counted from them."""

_PAGE = 1000
_WEEKS_A_MESSAGE = 100


def ask_to_count(work: WorkQueue, weeks: Sequence[str], **subject: str) -> None:
    """Queue weeks to be counted shortly; ``subject`` is what the work names in addition to them."""
    for start in range(0, len(weeks), _WEEKS_A_MESSAGE):
        part = weeks[start : start + _WEEKS_A_MESSAGE]
        work.send({"task": "statistics", **subject, "weeks": part}, delay=DELAY_SECONDS)


@dataclass(frozen=True, slots=True)
class WeekCounter:
    patches: PatchRepository
    discussions: DiscussionRepository
    progress: ProgressRepository

    def count_patches(self, project: str, weeks: Iterable[str]) -> None:
        """Patches of these ISO weeks by state."""
        self.progress.put_weeks(f"patches#{project}", ((week, self._patch_figures(project, week)) for week in weeks))

    def count_mails(self, weeks: Iterable[str]) -> None:
        """Mails of these weeks, each given as ``<list>#<ISO week>``, by kind, stance and sentiment."""
        by_list: dict[str, list[str]] = {}
        for pair in weeks:
            name, _, week = pair.rpartition("#")
            by_list.setdefault(name, []).append(week)
        for name, of_list in by_list.items():
            figures = ((week, _mail_figures(self.discussions.of_week(name, week))) for week in of_list)
            self.progress.put_weeks(f"mail#{name}", figures)

    def _patch_figures(self, project: str, week: str) -> Mapping[str, Any]:
        start, end = week_bounds(week)
        between = Between(to_iso(start), to_iso(end - timedelta(seconds=1)))
        states: Counter[str] = Counter()
        last: str | None = None
        while True:
            page = self.patches.of_project(project, between, limit=_PAGE, before=last)
            states.update(patch.state for patch in page.patches)
            if page.last_sort is None:
                return {"states": dict(sorted(states.items()))}
            last = page.last_sort


def _mail_figures(mails: Iterable[Discussion]) -> Mapping[str, Any]:
    kinds: Counter[str] = Counter()
    stances: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    total = 0.0
    for mail in mails:
        kinds[mail.kind.value] += 1
        stances[mail.stance.value] += 1
        labels[mail.sentiment.label.value] += 1
        total += mail.sentiment.score
    return {
        "mails": kinds.total(),
        "kinds": dict(sorted(kinds.items())),
        "stances": dict(sorted(stances.items())),
        "sentiment": {**dict(sorted(labels.items())), "sum": round(total, 4)},
    }
