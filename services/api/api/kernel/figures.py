"""Weekly figures, added up."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from api.kernel import views
from watchkeeper.dynamodb import Between
from watchkeeper.progress import ProgressRepository

Weeks = Mapping[str, Mapping[str, Any]]
"""Figures by ISO week."""


def statistics(
    progress: ProgressRepository, projects: Sequence[str], lists: Sequence[str], between: Between
) -> views.Statistics:
    """Figures of the weeks from ``low`` to ``high``, both inclusive."""
    patches = {project: progress.weeks(f"patches#{project}", between) for project in projects}
    mail = {name: progress.weeks(f"mail#{name}", between) for name in lists}
    return views.Statistics(
        since=between.low, until=between.high, patches=_patch_figures(patches), mail=_mail_figures(mail)
    )


def _patch_figures(projects: Mapping[str, Weeks]) -> views.PatchFigures:
    by_project = {project: _added(weeks.values(), "states") for project, weeks in projects.items()}
    states = _summed(by_project.values())
    return views.PatchFigures(
        total=states.total(), states=dict(states), projects=_plain(by_project), weeks=_patch_weeks(projects)
    )


def _patch_weeks(projects: Mapping[str, Weeks]) -> list[views.PatchWeek]:
    return [
        views.PatchWeek(week=week, total=states.total(), states=dict(states))
        for week, figures in _by_week(projects)
        if (states := _added(figures, "states"))
    ]


def _mail_figures(lists: Mapping[str, Weeks]) -> views.MailFigures:
    everything = [figures for weeks in lists.values() for figures in weeks.values()]
    return views.MailFigures(
        lists={name: _mails(weeks.values()) for name, weeks in lists.items()},
        weeks=[_mail_week(week, figures) for week, figures in _by_week(lists)],
        mails=_mails(everything),
        kinds=dict(_added(everything, "kinds")),
        stances=dict(_added(everything, "stances")),
        sentiment=_sentiment(everything),
    )


def _mail_week(week: str, figures: Sequence[Mapping[str, Any]]) -> views.MailWeek:
    return views.MailWeek(
        week=week,
        mails=_mails(figures),
        kinds=dict(_added(figures, "kinds")),
        stances=dict(_added(figures, "stances")),
        sentiment=_sentiment(figures),
    )


def _sentiment(figures: Iterable[Mapping[str, Any]]) -> views.SentimentFigures:
    added = _added(figures, "sentiment")
    mails = added["positive"] + added["neutral"] + added["negative"]
    return views.SentimentFigures(
        positive=added["positive"],
        neutral=added["neutral"],
        negative=added["negative"],
        mean=round(added["sum"] / mails, 4) if mails else None,
    )


def _by_week(subjects: Mapping[str, Weeks]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    names = sorted({week for weeks in subjects.values() for week in weeks})
    return [(name, [weeks[name] for weeks in subjects.values() if name in weeks]) for name in names]


def _mails(figures: Iterable[Mapping[str, Any]]) -> int:
    return sum(one.get("mails", 0) for one in figures)


def _added(figures: Iterable[Mapping[str, Any]], name: str) -> Counter[str]:
    return _summed(one.get(name, {}) for one in figures)


def _summed(counts: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return total


def _plain(counters: Mapping[str, Counter[str]]) -> dict[str, dict[str, int]]:
    return {name: dict(counter) for name, counter in counters.items()}
