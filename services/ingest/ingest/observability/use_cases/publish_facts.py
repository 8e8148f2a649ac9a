"""Turn changes to the progress of sources and to circuit breakers into facts.

Of all that is written while a source is read, only this is published: a run that ends, an attempt that fails, a breaker
that opens or closes.
"""

from collections.abc import Iterable, Iterator

from ingest.changes import Change, Published, publish
from watchkeeper.dynamodb import Item
from watchkeeper.events import DomainEvent, EventPublisher
from watchkeeper.observability.facts import CircuitClosed, CircuitOpened, Fact, ReadingFailed, RunFinished, fact
from watchkeeper.progress import Run, Source, is_source, source_from_item
from watchkeeper.redaction import redacted_text

_CLOSED = "CLOSED"
_OPEN = "OPEN"
"""As stored by Powertools' circuit breaker. In the third state, ``HALF_OPEN``, a single request may try, and all others
still do not call the upstream."""


def publish_facts(changes: Iterable[Change], publisher: EventPublisher, correlation_id: str) -> Published:
    """Publish the facts that follow from changes to ``progress`` and ``breakers``.

    ``correlation_id`` is for changes of rows that carry none.
    """
    return publish(changes, lambda change: _facts(change, correlation_id), publisher)


def _facts(change: Change, correlation_id: str) -> Iterator[DomainEvent]:
    tell = {"progress": _of_progress, "breakers": _of_breaker}
    for data in tell[change.table](change.old, change.new):
        yield fact(data, cause=change.id, occurred_at=change.at, correlation_id=change.cause or correlation_id)


def _of_progress(old: Item | None, new: Item | None) -> Iterator[Fact]:
    """Leases, figures and budgets are in the same table, and yield no facts."""
    if new is None or not is_source(new):
        return
    source = source_from_item(new)
    before = source_from_item(old) if old else Source(source.name)
    if finished := _finished(before.run, source.run):
        yield _run_finished(source.name, finished)
    if source.failures > before.failures:
        yield ReadingFailed(source.name, redacted_text(source.error or ""), source.blocked_since is not None)


def _finished(before: Run | None, run: Run | None) -> Run | None:
    """The run, if it has just ended."""
    if run is None or run.unfinished:
        return None
    ended_before = before is not None and before.id == run.id and not before.unfinished
    return None if ended_before else run


def _run_finished(source: str, run: Run) -> RunFinished:
    return RunFinished(
        source=source,
        mode=run.mode,
        seconds=(run.finished_at - run.started_at).total_seconds() if run.finished_at else 0,
        fetched=run.fetched,
        stored=run.stored,
        unchanged=run.unchanged,
        refused=run.refused,
    )


def _of_breaker(old: Item | None, new: Item | None) -> Iterator[Fact]:
    """The table expires a breaker that was not written to for a while; a missing one counts as closed."""
    was, now = _state(old), _state(new)
    upstream = str((new or old or {})["id"]).partition(" ")[0]
    if was == _CLOSED and now == _OPEN:
        yield CircuitOpened(upstream)
    elif was != _CLOSED and now == _CLOSED:
        yield CircuitClosed(upstream)


def _state(item: Item | None) -> str:
    return str(item["state"]) if item else _CLOSED
