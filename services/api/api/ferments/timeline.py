"""The timeline: what happens to a batch, as its owner records it."""

from dataclasses import dataclass

from api.ferments.bodies import NewEvent, NewPhotoEvent
from api.ferments.identifiers import new_id
from api.ferments.rules import not_ahead, require_changeable
from api.web.problems import Conflict, InvalidParameter
from api.web.work import Work
from watchkeeper.ferments.models import Event, EventKind
from watchkeeper.ferments.repository import FermentRepository, new_event, removed_event, unchanged_batch

_OWN = frozenset({EventKind.STAGE_CHANGE, EventKind.STATUS_CHANGE})
"""Events that are recorded automatically."""


@dataclass(frozen=True, slots=True)
class Timeline:
    ferments: FermentRepository

    def note(self, work: Work, batch: str, wanted: NewEvent) -> Event:
        """Raises ``ItemNotFound``, ``Conflict`` and ``InvalidParameter``."""
        about = self.ferments.batch(work.user, batch)
        require_changeable(about)
        said = wanted.root
        if isinstance(said, NewPhotoEvent) and said.photo not in about.photos:
            raise InvalidParameter("photo", "is not a photo of this batch")
        at = not_ahead(said.at, work.now, "at")
        told = said.model_dump(exclude={"kind", "at"})
        event = Event(new_id(at), batch, work.user, EventKind(said.kind), at or work.now, **told)
        work.add(new_event(event), unchanged_batch(about))
        return event

    def read(self, user: str, batch: str, event: str) -> Event:
        """Raises ``ItemNotFound``, also for an event of a deleted batch."""
        self.ferments.batch(user, batch)
        return self.ferments.event(user, batch, event)

    def forget(self, work: Work, batch: str, event: str) -> None:
        """Raises ``ItemNotFound`` and ``Conflict``."""
        about = self.ferments.batch(work.user, batch)
        found = self.ferments.event(work.user, batch, event)
        require_changeable(about)
        if found.kind in _OWN:
            raise Conflict("Changes of stage and status are recorded automatically, and cannot be deleted.")
        work.add(removed_event(work.user, batch, event), unchanged_batch(about))
