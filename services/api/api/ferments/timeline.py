"""What happens to a batch, as its maker notes it."""

from dataclasses import dataclass

from api.ferments.bodies import NewEvent, NewPhotoEvent
from api.ferments.identifiers import new_id
from api.ferments.rules import not_ahead, require_changeable
from api.web.problems import Conflict, InvalidParameter
from api.web.work import Work
from watchkeeper.ferments.models import Event, EventKind
from watchkeeper.ferments.repository import FermentRepository, new_event, removed_event, unchanged_batch

_OWN = frozenset({EventKind.STAGE_CHANGE, EventKind.STATUS_CHANGE})
"""Those that are written by what they tell of."""


@dataclass(frozen=True, slots=True)
class Timeline:
    ferments: FermentRepository

    def note(self, work: Work, batch: str, wanted: NewEvent) -> Event:
        """Raises ``ItemNotFound``, ``Conflict`` and ``InvalidParameter``."""
        about = self.ferments.batch(work.user, batch)
        require_changeable(about)
        said = wanted.root
        if isinstance(said, NewPhotoEvent) and said.photo not in about.photos:
            raise InvalidParameter("photo", "is no photo of this batch")
        at = not_ahead(said.at, work.now, "at")
        told = said.model_dump(exclude={"kind", "at"})
        event = Event(new_id(at), batch, work.user, EventKind(said.kind), at or work.now, **told)
        work.add(new_event(event), unchanged_batch(about))
        return event

    def read(self, user: str, batch: str, event: str) -> Event:
        """Raises ``ItemNotFound``, too, for one of a batch that is deleted."""
        self.ferments.batch(user, batch)
        return self.ferments.event(user, batch, event)

    def forget(self, work: Work, batch: str, event: str) -> None:
        """Raises ``ItemNotFound`` and ``Conflict``."""
        about = self.ferments.batch(work.user, batch)
        found = self.ferments.event(work.user, batch, event)
        require_changeable(about)
        if found.kind in _OWN:
            raise Conflict("What the timeline was told by itself, changes of stage and status, stays in it.")
        work.add(removed_event(work.user, batch, event), unchanged_batch(about))
