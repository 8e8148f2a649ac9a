"""Parses facts from messages: a rule of the bus puts their envelopes into the queue ``facts`` unchanged."""

from collections.abc import Mapping
from dataclasses import fields

from watchkeeper import messages
from watchkeeper.clock import from_iso
from watchkeeper.correlation import accepted
from watchkeeper.events import DomainEvent
from watchkeeper.messages import Form, Forms, WorkRefused
from watchkeeper.observability.facts import CATALOGUE, Fact

FORMS: Forms = {
    None: Form({"id": str, "type": str, "version": int, "occurred_at": str, "correlation_id": str, "data": dict})
}

_FACTS: Mapping[tuple[str, int], type[Fact]] = {(fact.type, fact.version): fact for fact in CATALOGUE}


def envelope(body: str) -> DomainEvent:
    """Raises ``WorkRefused`` for a message that is not an event of the bus."""
    work = messages.checked(messages.work_of(body), FORMS)
    try:
        occurred_at = from_iso(work["occurred_at"])
    except (ValueError, OverflowError) as error:
        raise WorkRefused(f"occurred_at is {messages.told(work['occurred_at'])}, which is no time") from error
    cause = accepted(work["correlation_id"]) or work["id"]
    return DomainEvent(work["id"], work["type"], work["version"], occurred_at, cause, work["data"])


def fact_of(event: DomainEvent) -> Fact:
    """The fact in the envelope; fields that a later release added are ignored. Raises ``WorkRefused`` for an invalid or
    unknown fact."""
    kind = _FACTS.get((event.type, event.version))
    if kind is None:
        raise WorkRefused(f"there is no fact {messages.told(event.type)} of version {event.version}")
    wrong = [one.name for one in fields(kind) if not _is(event.data.get(one.name), one.type)]
    if wrong:
        raise WorkRefused(f"the data of {kind.type} are not as they should be: {', '.join(wrong)}")
    return kind(**{one.name: event.data[one.name] for one in fields(kind)})


def _is(value: object, kind: object) -> bool:
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    return isinstance(value, int | float if kind is float else kind)  # type: ignore[arg-type]
