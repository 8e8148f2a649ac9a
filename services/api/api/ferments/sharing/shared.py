"""The use case: what anybody may see of a shared batch."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from api.ferments.identifiers import is_id
from api.ferments.sharing.views import PublicBatch
from watchkeeper.errors import ItemNotFound
from watchkeeper.ferments.models import Batch, BatchStatus
from watchkeeper.ferments.repository import FermentRepository
from watchkeeper.people.accounts import AccountRepository


@dataclass(frozen=True, slots=True)
class Shared:
    ferments: FermentRepository
    accounts: AccountRepository

    def batch(self, batch: str) -> Batch:
        """Raises ``ItemNotFound`` unless it is shared, by somebody whose account is not being deleted."""
        if not is_id(batch):
            raise ItemNotFound("no such public batch")
        found = self.ferments.public_batch(batch)
        if self.accounts.deletion(found.user):
            raise ItemNotFound("its maker is leaving")
        return found


def public_view(batch: Batch, url: str, now: datetime) -> PublicBatch:
    """Lists each public member: what a batch gains later is private until it is listed here."""
    started, target = batch.timing.started_at, batch.timing.target_hours
    return PublicBatch(
        id=batch.id,
        name=batch.name,
        stage=int(batch.stage),
        status=batch.status,
        stage_started_at=started,
        stage_target_hours=target,
        stage_target_at=started + timedelta(hours=target) if started and target is not None else None,
        going_hours=_hours_going(batch, now),
        water_ml=batch.water_ml,
        sugar_g=batch.sugar_g,
        fruits=list(batch.fruits),
        temperature_c=batch.temperature_c,
        bottle_count=batch.bottle_count,
        public_note=batch.public_note,
        url=url,
        qr_url=f"{url}/qr.svg",
    )


def _hours_going(batch: Batch, now: datetime) -> int | None:
    """Whole hours, so that the response is the same for an hour. ``None`` unless active: when a batch ended is not
    recorded."""
    starts = [moment for moment in (batch.stage1.started_at, batch.stage2.started_at) if moment and moment <= now]
    if batch.status is not BatchStatus.ACTIVE or not starts:
        return None
    return int((now - min(starts)).total_seconds() // 3600)
