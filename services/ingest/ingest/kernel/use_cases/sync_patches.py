"""Read a Patchwork project: its whole list when it is new or once a day, its event feed in between.

The list is walked by id, 250 rows a page, and has everything about a patch except individual checks; those come from
the ``check-created`` events. The event feed reports what changed since; it carries new states and delegates itself, and
the rows of new patches are on the list's newest pages: single patches are requested only in the rare case that they are
in neither.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from ingest.errors import RowRefused
from ingest.kernel.patchwork import (
    API,
    Event,
    Patchwork,
    Row,
    message_id,
    parse_check,
    parse_event,
    parse_patch,
    parse_series,
    worst,
)
from ingest.kernel.use_cases.count_weeks import ask_to_count
from ingest.reading import FULL, RECENT, Reading
from watchkeeper.clock import Clock, iso_week
from watchkeeper.dynamodb import Item
from watchkeeper.errors import InvalidCursor, LimitExceeded
from watchkeeper.kernel.models import Check, Patch, Series
from watchkeeper.kernel.repositories.patches import PatchRepository, SeriesRepository, sort_date
from watchkeeper.kernel.repositories.threading import ThreadingRepository
from watchkeeper.queues import WorkQueue

OVERLAP = timedelta(minutes=1)
"""Events are dated when created and visible when committed; this much is read again each time."""

CHECKS_AGAIN = timedelta(days=2)
"""A daily walk reads individual verdicts this far back."""

MAX_SINGLE_ROWS = 20
"""The most rows requested one by one for a page of events; a walk is cheaper for more."""

COMMENT_GRACE_SECONDS = 600
"""The archive may show a mail later than Patchwork; its thread is requested only after this."""

_WALKS = ("patches", "series", "checks")
_KEPT_SEEN = 2000
_RESTARTS = 3
_NEWEST_PAGES = 8
_IDS_A_MESSAGE = 100


@dataclass(slots=True)
class Position:
    """How far a project has been read; stored as the source's cursor."""

    walks: list[list[str]] = field(default_factory=list)
    """What remains to be walked: kind and path of the next page."""
    restarts: int = 0
    since: str | None = None
    """Date of the newest event seen, by the server's clock."""
    seen: list[int] = field(default_factory=list)
    """Events within ``OVERLAP`` of it."""
    floor: int = 0
    """Events up to this number have been handled, whether they are among those or not."""
    weeks: list[str] = field(default_factory=list)
    """Weeks whose figures are to be recounted."""
    begun: bool = False

    @classmethod
    def load(cls, cursor: Mapping[str, Any]) -> "Position":
        """Raises ``InvalidCursor`` for one that this module did not write."""
        try:
            position = cls(**cursor)
            valid = all(kind in _WALKS and path.startswith(f"{API}/") for kind, path in position.walks)
            if position.since is not None:
                datetime.fromisoformat(position.since)
            numbers = all(isinstance(number, int) for number in (*position.seen, position.floor))
            if not (valid and numbers and all(isinstance(week, str) for week in position.weeks)):
                raise ValueError("a value is of the wrong kind")
        except (TypeError, ValueError, AttributeError) as error:
            raise InvalidCursor(f"the stored cursor cannot be read: {error}") from error
        return position

    def dump(self) -> dict[str, Any]:
        return {name: value for name in self.__slots__ if (value := getattr(self, name))}

    def start_at(self, newest: Event | None) -> None:
        """Follow the feed from here on; the effects of older events are in the lists, which are read after this."""
        self.since, self.seen, self.floor = (newest.date, [newest.id], newest.id) if newest else (None, [], 0)

    def is_new(self, event: Event) -> bool:
        return event.id > self.floor and event.id not in self.seen

    def advance(self, events: Sequence[Event]) -> None:
        """Remember the newest date, and the events close enough to it to be read again."""
        if not events:
            return
        newest = max([event.date for event in events] + ([self.since] if self.since else []))
        edge = _minus(newest, OVERLAP)
        near = {event.id for event in events if event.date >= edge}
        kept = sorted(near | set(self.seen) if self.since and self.since >= edge else near)
        if len(kept) > _KEPT_SEEN:
            self.floor = max(self.floor, kept[-_KEPT_SEEN - 1])
        self.since, self.seen = newest, kept[-_KEPT_SEEN:]

    def touch(self, patches: Iterable[Patch], now: datetime) -> None:
        self.weeks = sorted({*self.weeks, *(iso_week(sort_date(patch, now)) for patch in patches)})


@dataclass(frozen=True, slots=True)
class PatchSync:
    """Reads projects with these collaborators."""

    client: Patchwork
    patches: PatchRepository
    series: SeriesRepository
    threading: ThreadingRepository
    work: WorkQueue
    threads: WorkQueue
    clock: Clock

    def read(self, project: str, mode: str, reading: Reading) -> bool:
        """Bring the project up to date; ``False`` when the time ran out and the rest is left to another call."""
        started = reading.begin(mode)
        self.client.require_project(project)
        position = self._position(project, mode if started else RECENT, reading)
        if not self._walk(project, position, reading) or not self._follow(project, position, reading):
            return False
        if not self._walk(project, position, reading):  # the feed listed more than can be requested one by one
            return False
        reading.go_live()
        ask_to_count(self.work, position.weeks, project=project)
        position.weeks = []
        reading.finish(position.dump(), complete=reading.run.mode == FULL)
        return True

    def _position(self, project: str, mode: str, reading: Reading) -> Position:
        try:
            position = Position.load(reading.cursor)
        except InvalidCursor as error:
            reading.note_gap(str(error))
            position = Position()
        if not position.begun:
            position.start_at(self.client.newest_event(project))
        if not position.walks and (mode == FULL or not position.begun):
            self._plan_walks(project, position, checks_since=position.since if position.begun else None)
        position.begun = True
        reading.save(position.dump())
        return position

    def _plan_walks(self, project: str, position: Position, *, checks_since: str | None) -> None:
        """The lists have everything except individual checks; a later walk reads those of the last days again, since in
        the hour when clocks are set back events are dated before ones already seen."""
        since = checks_since and _minus(checks_since, CHECKS_AGAIN)
        position.restarts = 0
        position.walks = [
            ["patches", self.client.patches(project)],
            ["series", self.client.series(project)],
            ["checks", self.client.events(project, category="check-created", since=since)],
        ]

    def _walk(self, project: str, position: Position, reading: Reading) -> bool:
        while position.walks:
            kind, path = position.walks[0]
            page = self.client.page(path)
            if page.shrunk:
                self._restart(project, position, reading)
            else:
                self._keep_page(kind, page.rows, position, reading)
                position.walks[0:1] = [[kind, page.next]] if page.next else []
            reading.save(position.dump())
            if reading.out_of_time():
                return False
        return True

    def _restart(self, project: str, position: Position, reading: Reading) -> None:
        """The list shrank during the walk, so rows were missed: walk again, a few times at most."""
        position.restarts += 1
        if position.restarts > _RESTARTS:
            reading.note_gap("the list kept shrinking while it was read; rows may have been missed")
            position.walks.pop(0)
            return
        kind = position.walks[0][0]
        self._restart_walk(project, kind, position)

    def _restart_walk(self, project: str, kind: str, position: Position) -> None:
        first = {
            "patches": self.client.patches(project),
            "series": self.client.series(project),
            "checks": self.client.events(project, category="check-created"),
        }
        position.walks[0] = [kind, first[kind]]

    def _keep_page(self, kind: str, rows: Sequence[Row], position: Position, reading: Reading) -> None:
        reading.count(fetched=len(rows))
        if kind == "patches":
            patches = _taken(rows, parse_patch, reading)
            self._keep_patches(patches, position, reading)
        elif kind == "series":
            self._keep_series(_taken(rows, parse_series, reading), reading)
        else:
            self._keep_checks(Changes.of(_taken(rows, parse_event, reading), reading), position, reading)

    def _follow(self, project: str, position: Position, reading: Reading) -> bool:
        """The event feed since the cursor."""
        place = _Place(position)
        since = _minus(position.since, OVERLAP) if position.since else None
        for page in self.client.pages(self.client.events(project, since=since)):
            events = _taken(page.rows, parse_event, reading)
            if place.lost_at(events):
                return self._catch_up(project, position, reading)
            new = [event for event in events if position.is_new(event)]
            reading.count(fetched=len(new))
            self._apply(project, new, position, reading)
            position.advance(events)
            reading.save(position.dump())
            if reading.out_of_time() and page.next:
                return False
        return place.found or self._catch_up(project, position, reading)

    def _catch_up(self, project: str, position: Position, reading: Reading) -> bool:
        """The feed no longer has the last event that was read (expired, or another database): walk everything."""
        reading.note_gap("the event feed lost its place; the whole list is read again")
        position.start_at(self.client.newest_event(project))
        self._plan_walks(project, position, checks_since=None)
        reading.save(position.dump())
        return self._walk(project, position, reading)

    def _apply(self, project: str, events: Sequence[Event], position: Position, reading: Reading) -> None:
        if not events:
            return
        changes = Changes.of(events, reading)
        known = self.patches.get_many(changes.patch_ids())
        if len(changes.covers) > MAX_SINGLE_ROWS:
            self._plan_walks(project, position, checks_since=position.since)
        rows = self._patch_rows(project, changes.rows | (changes.patch_ids() - known.keys()), position)
        fresh: dict[int, Patch] = {patch.id: patch for patch in _taken(rows, parse_patch, reading)}
        changed = [changes.applied_to(known[one]) for one in sorted(known.keys() - fresh.keys())]
        changed += [changes.with_checks(patch, known.get(patch.id)) for patch in fresh.values()]
        self._store(changed, known, position, reading)
        self._follow_series(project, changes, fresh, position, reading)
        self._ask_for_comments(changes.comments)

    def _follow_series(
        self,
        project: str,
        changes: "Changes",
        fresh: Mapping[int, Patch],
        position: Position,
        reading: Reading,
    ) -> None:
        wanted = changes.series | {patch.series_id for patch in fresh.values() if patch.series_id is not None}
        covers = sorted(changes.covers)[:MAX_SINGLE_ROWS]
        wanted |= {series_id for one in covers if (series_id := self.client.series_of_cover(one))}
        rows = self._series_rows(project, wanted, position)
        series = {one.id: one for one in _taken(rows, parse_series, reading)}
        self._keep_series(list(series.values()), reading)

    def _keep_checks(self, changes: "Changes", position: Position, reading: Reading) -> None:
        """Individual verdicts for patches whose rows, walked before, have only the combined one."""
        known = self.patches.get_many(changes.patch_ids())
        checked = [changes.with_checks(patch, patch) for patch in known.values()]
        self._store(checked, known, position, reading)

    def _keep_patches(self, patches: Sequence[Patch], position: Position, reading: Reading) -> None:
        known = self.patches.get_many(patch.id for patch in patches)
        merged = [replace(patch, checks=known[patch.id].checks) if patch.id in known else patch for patch in patches]
        self._store(merged, known, position, reading)
        if reading.run.mode == FULL:  # for patches announced before their mail was stored, there was nothing to link
            self._announce([patch.message_id for patch in patches if patch.id in known])

    def _store(
        self, patches: Sequence[Patch], known: Mapping[int, Patch], position: Position, reading: Reading
    ) -> None:
        changed = [patch for patch in patches if known.get(patch.id) != patch]
        if changed:
            now = self.clock()
            position.touch(changed, now)
            reading.save(position.dump())  # before the writes: a call killed between them leaves no week uncounted
            self._announce([patch.message_id for patch in changed if patch.id not in known])
            refused = _SetAside("patch", reading)
            self.patches.put_many(changed, now=now, refused=refused)
            reading.count(stored=len(changed) - refused.number)
        reading.count(unchanged=len(patches) - len(changed))

    def _announce(self, message_ids: Sequence[str]) -> None:
        """Relink the threads of stored mails that do not look like patches although Patchwork tracks them as such."""
        nodes = self.threading.get_many(message_ids)
        plain = [
            node.id
            for node in nodes.values()
            if node.mails and not node.tracked and not any(mail.starts_topic for mail in node.mails)
        ]
        for some in _parts(sorted(plain)):
            self.threads.send({"tracked": some})

    def _keep_series(self, series: Sequence[Series], reading: Reading) -> None:
        known = self.series.get_many(one.id for one in series)
        changed = [one for one in series if known.get(one.id) != one]
        refused = _SetAside("series", reading)
        self.series.put_many(changed, refused=refused)
        reading.count(stored=len(changed) - refused.number, unchanged=len(series) - len(changed))

    def _patch_rows(self, project: str, wanted: set[int], position: Position) -> list[Row]:
        found = self._newest_rows(self.client.patches(project, newest_first=True), wanted)
        return found + self._single_rows(self.client.patch, wanted, found, project, position)

    def _series_rows(self, project: str, wanted: set[int], position: Position) -> list[Row]:
        found = self._newest_rows(self.client.series(project, newest_first=True), wanted)
        return found + self._single_rows(self.client.one_series, wanted, found, project, position)

    def _single_rows(
        self,
        ask: Callable[[int], Row | None],
        wanted: set[int],
        found: Sequence[Row],
        project: str,
        position: Position,
    ) -> list[Row]:
        """The wanted rows that were not found, one request each; if there are many, the lists are walked instead."""
        missing = sorted(wanted - {row.get("id") for row in found})
        if len(missing) > MAX_SINGLE_ROWS:
            self._plan_walks(project, position, checks_since=position.since)
            return []
        return [row for one in missing if (row := ask(one))]

    def _newest_rows(self, path: str, wanted: set[int]) -> list[Row]:
        """The wanted rows that are on the newest pages, as long as a page saves requests for single ones."""
        found: list[Row] = []
        missing = set(wanted)
        pages = islice(self.client.pages(path), _NEWEST_PAGES)
        while len(missing) > 1 and (page := next(pages, None)):
            hits = [row for row in page.rows if row.get("id") in missing]
            if not hits:
                break
            found += hits
            missing -= {row["id"] for row in hits}
        return found

    def _ask_for_comments(self, message_ids: set[str]) -> None:
        """Patchwork has mails the archive has not shown yet: fetch their threads later."""
        missing = self.threading.missing(sorted(message_ids))
        for some in _parts(missing):
            self.threads.send({"message_ids": some, "if_missing": True}, delay=COMMENT_GRACE_SECONDS)


@dataclass(slots=True)
class Changes:
    """A stretch of the event feed, grouped by patch."""

    states: dict[int, str] = field(default_factory=dict)
    delegates: dict[int, str | None] = field(default_factory=dict)
    checks: dict[int, list[Check]] = field(default_factory=dict)
    rows: set[int] = field(default_factory=set)
    """Patches whose events do not say what changed."""
    series: set[int] = field(default_factory=set)
    covers: set[int] = field(default_factory=set)
    comments: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, events: Iterable[Event], reading: Reading) -> "Changes":
        changes = cls()
        for event in sorted(events, key=lambda event: event.id):
            try:
                changes._add(event)
            except RowRefused as refused:
                reading.refuse(refused)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                reading.refuse(RowRefused(f"event {event.id}", f"{type(error).__name__}: {error}"))
        return changes

    def patch_ids(self) -> set[int]:
        return {*self.states, *self.delegates, *self.checks, *self.rows}

    def applied_to(self, patch: Patch) -> Patch:
        """A stored patch with these changes applied."""
        patch = replace(
            patch,
            state=self.states.get(patch.id, patch.state),
            delegate=self.delegates.get(patch.id, patch.delegate),
        )
        if patch.id not in self.checks:
            return patch
        checked = self.with_checks(patch, patch)
        return replace(checked, check=worst(checked.checks))

    def with_checks(self, patch: Patch, known: Patch | None) -> Patch:
        """A fresh row, which already has everything except the individual checks."""
        before = known.checks if known else ()
        return replace(patch, checks=_newest_of_each((*before, *self.checks.get(patch.id, ()))))

    def _add(self, event: Event) -> None:
        payload = event.payload
        match event.category:
            case "patch-state-changed":
                self.states[payload["patch"]["id"]] = payload["current_state"]
            case "patch-delegated":
                delegate = payload["current_delegate"]
                self.delegates[payload["patch"]["id"]] = delegate and delegate["username"]
            case "check-created":
                patch_id, check = parse_check(event)
                self.checks.setdefault(patch_id, []).append(check)
            case "patch-created" | "patch-relation-changed":
                self.rows.add(payload["patch"]["id"])
            case "patch-completed":
                self.rows.add(payload["patch"]["id"])
                self.series.add(payload["series"]["id"])
            case "series-created" | "series-completed":
                self.series.add(payload["series"]["id"])
            case "cover-created":
                self.covers.add(payload["cover"]["id"])
            case "patch-comment-created" | "cover-comment-created":
                self.comments.add(message_id(payload["comment"]["msgid"]))


class _Place:
    """Whether the feed still has the newest event that was seen, so that there is no gap."""

    def __init__(self, position: Position) -> None:
        self._date = position.since
        self._newest = max(position.seen, default=None)
        self.found = self._newest is None

    def lost_at(self, events: Sequence[Event]) -> bool:
        """Whether these events, the feed's next, go past that position without containing it."""
        self.found = self.found or any(event.id == self._newest for event in events)
        return not self.found and any(event.date > (self._date or "") for event in events)


class _SetAside:
    """Counts the rows that do not fit into an item; the rest of their page is stored."""

    def __init__(self, kind: str, reading: Reading) -> None:
        self._kind = kind
        self._reading = reading
        self.number = 0

    def __call__(self, item: Item, error: LimitExceeded) -> None:
        self.number += 1
        self._reading.refuse(RowRefused(f"{self._kind} {item['id']!s}", str(error)))


def _parts(message_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many as fit into a message, however long they are."""
    return (message_ids[start : start + _IDS_A_MESSAGE] for start in range(0, len(message_ids), _IDS_A_MESSAGE))


def _newest_of_each(checks: Iterable[Check]) -> tuple[Check, ...]:
    newest: dict[tuple[str | None, str], Check] = {}
    for check in sorted(checks, key=lambda check: check.date):
        newest[check.user, check.context] = check
    return tuple(sorted(newest.values(), key=lambda check: (check.context, check.user or "")))


def _taken(rows: Iterable[Row], parse: Any, reading: Reading) -> list[Any]:
    """The rows that can be parsed; the others are counted and skipped."""
    taken = []
    for row in rows:
        try:
            taken.append(parse(row))
        except RowRefused as refused:
            reading.refuse(refused)
    return taken


def _minus(date: str, span: timedelta) -> str:
    return (datetime.fromisoformat(date) - span).isoformat()
