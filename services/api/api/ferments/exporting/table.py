"""The exported table: one for all kinds of rows, so that it is one file with one header.

| column | batch | event | reminder | device |
|---|---|---|---|---|
| `type` | `batch` | `event` | `reminder` | `device` |
| `id` | its id | its id | its id | its id |
| `batch_id` | its id | of its batch | of its batch | |
| `name` | its name | | its title | its name |
| `kind` | | what happened | what it reminds of | its platform |
| `status` | its status | | its status | `active` or `off` |
| `status_since` | since when it has had that status | | | |
| `reason` | | | why it has that status | why it is off |
| `at` | | when it happened | when it is due | |
| `created_at` | when it was created | | when it was created | when it was registered |
| `updated_at` | when it was last changed | | | |
| `sent_at` | | | when it was sent | |
| `text` | its notes | its text | its body | |
| `stage`, `stage1_started_at`, `stage1_target_hours`, `stage2_started_at`, `stage2_target_hours` | its own | | | |
| `water_ml`, `fruits`, `bottle_count`, `public`, `public_note` | its own | | | |
| `sugar_g` | its own | of a feed | | |
| `temperature_c` | its own | of a measurement | | |
| `photos` | their ids | of a photo | | |
| `rating` | | of a taste | | |
| `ph`, `gravity` | | of a measurement | | |
| `before`, `after` | | of a change | | |

Times are in UTC (ISO 8601), several fruits and photos are separated by semicolons, and cells that do not apply are
empty. The push token of a device is secret and not included.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from io import TextIOWrapper
from typing import IO

from api.web.cells import Value, cell
from watchkeeper.ferments.models import Batch, Event
from watchkeeper.people.devices import Device
from watchkeeper.people.reminders import Reminder

COLUMNS = (
    "type",
    "id",
    "batch_id",
    "name",
    "kind",
    "status",
    "status_since",
    "reason",
    "at",
    "created_at",
    "updated_at",
    "sent_at",
    "text",
    "stage",
    "stage1_started_at",
    "stage1_target_hours",
    "stage2_started_at",
    "stage2_target_hours",
    "water_ml",
    "sugar_g",
    "fruits",
    "temperature_c",
    "bottle_count",
    "public",
    "public_note",
    "photos",
    "rating",
    "ph",
    "gravity",
    "before",
    "after",
)

ENCODING = "utf-8-sig"
"""With a byte order mark: the file is opened in spreadsheets without its `Content-Type`, and Excel reads a file without
one in the machine's legacy encoding."""

Row = Mapping[str, Value]


def write(rows: Iterable[Row], file: IO[bytes]) -> None:
    """Comma-separated values (RFC 4180), one row at a time. ``file`` stays open."""
    text = TextIOWrapper(file, encoding=ENCODING, newline="")
    table = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\r\n")
    table.writeheader()
    table.writerows(map(_cells, rows))
    text.detach()


def of_batches(batches: Iterable[Batch]) -> Iterator[Row]:
    return map(_of_batch, batches)


def of_events(events: Iterable[Event]) -> Iterator[Row]:
    return map(_of_event, events)


def of_reminders(reminders: Iterable[Reminder]) -> Iterator[Row]:
    return map(_of_reminder, reminders)


def of_devices(devices: Iterable[Device]) -> Iterator[Row]:
    return map(_of_device, devices)


def _cells(row: Row) -> dict[str, str]:
    return {column: cell(value) for column, value in row.items()}


def _of_batch(batch: Batch) -> Row:
    return {
        "type": "batch",
        "id": batch.id,
        "batch_id": batch.id,
        "name": batch.name,
        "status": batch.status,
        "status_since": batch.status_since or batch.created_at,
        "created_at": batch.created_at,
        "updated_at": batch.updated_at,
        "text": batch.notes,
        "stage": batch.stage,
        "stage1_started_at": batch.stage1.started_at,
        "stage1_target_hours": batch.stage1.target_hours,
        "stage2_started_at": batch.stage2.started_at,
        "stage2_target_hours": batch.stage2.target_hours,
        "water_ml": batch.water_ml,
        "sugar_g": batch.sugar_g,
        "fruits": _several(batch.fruits),
        "temperature_c": batch.temperature_c,
        "bottle_count": batch.bottle_count,
        "public": batch.public,
        "public_note": batch.public_note,
        "photos": _several(batch.photos),
    }


def _of_event(event: Event) -> Row:
    return {
        "type": "event",
        "id": event.id,
        "batch_id": event.batch,
        "kind": event.kind,
        "at": event.at,
        "text": event.text,
        "sugar_g": event.sugar_g,
        "temperature_c": event.temperature_c,
        "photos": event.photo,
        "rating": event.rating,
        "ph": event.ph,
        "gravity": event.gravity,
        "before": event.before,
        "after": event.after,
    }


def _of_reminder(reminder: Reminder) -> Row:
    return {
        "type": "reminder",
        "id": reminder.id,
        "batch_id": reminder.batch,
        "name": reminder.title,
        "kind": reminder.kind,
        "status": reminder.status,
        "reason": reminder.reason,
        "at": reminder.due_at,
        "created_at": reminder.created_at,
        "sent_at": reminder.sent_at,
        "text": reminder.body,
    }


def _of_device(device: Device) -> Row:
    return {
        "type": "device",
        "id": device.id,
        "name": device.name,
        "kind": device.platform,
        "status": "active" if device.active else "off",
        "reason": device.off_reason,
        "created_at": device.registered_at,
    }


def _several(texts: Iterable[str]) -> str:
    return "; ".join(texts)
