"""How far each source has been read, who is reading it, and the weekly figures of the kernel watch.

| access pattern | key condition |
|---|---|
| all sources of the kernel watch | table: `pk = SOURCE` |
| one of them | table: `pk = SOURCE`, `sk = patchwork:<project>` or `lore:<list>` |
| the sources of another watch | table: `pk = SOURCE#<watch>` |
| one of them | table: `pk = SOURCE#<watch>`, `sk = <upstream>:<what is read>` |
| the lease on an upstream | table: `pk = LEASE`, `sk = <upstream>` |
| weekly figures of a project's patches | table: `pk = STATS#patches#<project>`, `sk = <ISO week>` |
| weekly figures of a list's mail | table: `pk = STATS#mail#<list>`, `sk = <ISO week>` |
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from watchkeeper import correlation, records
from watchkeeper.clock import from_iso
from watchkeeper.dynamodb import Between, Item, Keys, Table
from watchkeeper.errors import ConditionFailed, LeaseTaken

KEYS = Keys("pk", "sk")

KERNEL = ""
"""The kernel watch was the first, and has no name in its keys."""
MARKETS = "markets"

LOADING = "loading"
"""The source's history is being read for the first time."""
LIVE = "live"
"""The history is complete; runs fetch what is new."""


@dataclass(frozen=True, slots=True)
class Run:
    """One reading of a source, over however many invocations."""

    id: str
    mode: str
    started_at: datetime
    finished_at: datetime | None = None
    fetched: int = 0
    stored: int = 0
    unchanged: int = 0
    refused: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Why rows were refused, and how many for each reason."""

    @property
    def unfinished(self) -> bool:
        return self.finished_at is None


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that may be missing, and why."""

    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row or mail the upstream sent that could not be processed."""

    subject: str
    """Its id, as far as it could be read."""
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Source:
    """The state of one source: a Patchwork project or a mail archive's list."""

    name: str
    phase: str = LOADING
    cursor: Mapping[str, Any] = field(default_factory=dict)
    """Where to continue, in the use case's own format."""
    run: Run | None = None
    last_success: datetime | None = None
    """When the last run that read everything began: whatever existed then has been read."""
    error: str | None = None
    failing_since: datetime | None = None
    blocked_since: datetime | None = None
    """Since when the upstream has answered with a challenge or a refusal instead of data."""
    gaps: tuple[Gap, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    """The newest ones, for an operator to look at."""
    failures: int = 0
    """Failed attempts since the last success. It distinguishes one from the next, even if both fail in the same way."""


class ProgressRepository:
    def __init__(self, table: Table, watch: str = KERNEL) -> None:
        """The sources are those of the ``watch``; leases and figures are the table's."""
        self._table = table
        self._sources = f"SOURCE#{watch}" if watch else "SOURCE"

    def source(self, name: str) -> Source:
        """The source's state; a new one if it was never read."""
        item = self._table.get({"pk": self._sources, "sk": name})
        return source_from_item(item) if item else Source(name)

    def sources(self) -> list[Source]:
        return [source_from_item(item) for item in self._table.query({"pk": self._sources}, consistent=True)]

    def save(self, source: Source) -> None:
        item: Item = {"pk": self._sources, "sk": source.name, "record": records.encode(source), **correlation.noted()}
        self._table.put(item, keys=KEYS)

    def take_lease(self, upstream: str, holder: str, *, now: datetime, seconds: int) -> None:
        """Take or renew the exclusive right to read ``upstream``, for so many seconds.

        Raises ``LeaseTaken`` if another worker holds it. An expired lease can be taken: its holder is dead, because a
        holder renews it before each write.
        """
        timestamp = int(now.timestamp())
        try:
            self._table.put(
                {"pk": "LEASE", "sk": upstream, "holder": holder, "expires_at": timestamp + seconds},
                keys=KEYS,
                condition="attribute_not_exists(pk) OR holder = :holder OR expires_at < :now",
                values={":holder": holder, ":now": timestamp},
            )
        except ConditionFailed as error:
            raise LeaseTaken(f"another worker reads {upstream}") from error

    def end_lease(self, upstream: str, holder: str) -> None:
        """Release the lease; does nothing if it was lost."""
        try:
            self._table.update(
                {"pk": "LEASE", "sk": upstream},
                {"expires_at": 0},
                keys=KEYS,
                condition="holder = :holder",
                values={":holder": holder},
            )
        except ConditionFailed:
            return

    def weeks(self, subject: str, between: Between) -> dict[str, dict[str, Any]]:
        """Figures by ISO week; ``subject`` is ``patches#<project>`` or ``mail#<list>``."""
        items = self._table.query({"pk": f"STATS#{subject}"}, sort=("sk", between))
        return {str(item["sk"]): records.loads(str(item["record"])) for item in items}

    def put_weeks(self, subject: str, weeks: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Store figures where they differ from the stored ones."""
        items = [_week_item(subject, week, figures) for week, figures in weeks]
        stored = self._table.batch_get({"pk": item["pk"], "sk": item["sk"]} for item in items)
        known = {str(item["sk"]): item["record"] for item in stored}
        self._table.batch_put((item for item in items if known.get(str(item["sk"])) != item["record"]), keys=KEYS)


def _week_item(subject: str, week: str, figures: Mapping[str, Any]) -> Item:
    return {"pk": f"STATS#{subject}", "sk": week, "record": records.dumps(figures)}


def is_source(item: Item) -> bool:
    """Whether an item of the table is the state of a source, of any watch."""
    return str(item["pk"]).partition("#")[0] == "SOURCE"


def source_from_item(item: Item) -> Source:
    record = records.loads(str(item["record"]))
    return Source(
        name=str(item["sk"]),
        phase=record.get("phase", LOADING),
        cursor=record.get("cursor", {}),
        run=_run(record.get("run")),
        last_success=_time(record.get("last_success")),
        error=record.get("error"),
        failing_since=_time(record.get("failing_since")),
        blocked_since=_time(record.get("blocked_since")),
        gaps=tuple(Gap(from_iso(gap["since"]), gap["reason"]) for gap in record.get("gaps", ())),
        refusals=tuple(Refusal(**{**one, "at": from_iso(one["at"])}) for one in record.get("refusals", ())),
        failures=record.get("failures", 0),
    )


def _run(record: Mapping[str, Any] | None) -> Run | None:
    if record is None:
        return None
    times = {"started_at": from_iso(record["started_at"]), "finished_at": _time(record.get("finished_at"))}
    return Run(**{**record, **times})


def _time(text: str | None) -> datetime | None:
    return from_iso(text) if text else None
