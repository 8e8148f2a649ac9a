import csv
import io
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryFile

from api.ferments.exporting import table
from watchkeeper.ferments.models import Batch, BatchStatus, Event, EventKind, Stage, Timing
from watchkeeper.people.devices import Device, Platform, device_id
from watchkeeper.people.reminders import Reminder, ReminderStatus, Ticket

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TOKEN = "ExponentPushToken[secret-token]"
BATCH = Batch(
    id="B1",
    user="ann",
    name="Ginger",
    created_at=NOON,
    updated_at=NOON + timedelta(hours=1),
    stage=Stage.BOTTLED,
    status=BatchStatus.ARCHIVED,
    stage1=Timing(NOON, 48),
    stage2=Timing(NOON + timedelta(days=2), 36.5),
    water_ml=1000,
    sugar_g=80.0,
    fruits=("figs", "lemon"),
    temperature_c=-2.5,
    bottle_count=3,
    notes="mine, alone",
    public=True,
    public_note="for all",
    photos=("P1", "P2"),
)
EVENT = Event("E1", "B1", "ann", EventKind.MEASUREMENT, NOON, text="sour", ph=3.4, gravity=1.012, temperature_c=21)
REMINDER = Reminder(
    id="R1",
    user="ann",
    title="Taste it",
    body="Now",
    due_at=NOON,
    created_at=NOON,
    batch="B1",
    kind="taste",
    status=ReminderStatus.FAILED,
    reason="no device",
    sent_at=NOON,
    tickets=(Ticket(device_id(TOKEN), "receipt"),),
)
DEVICE = Device(TOKEN, "ann", Platform.IOS, "Ann's phone", NOON, active=False, off_reason="DeviceNotRegistered")


def written(*rows: table.Row) -> bytes:
    file = io.BytesIO()
    table.write(rows, file)
    return file.getvalue()


def read(octets: bytes) -> list[dict[str, str]]:
    """Each row's cells that are not empty."""
    rows = csv.DictReader(io.StringIO(octets.decode("utf-8-sig"), newline=""), strict=True)
    return [{column: text for column, text in row.items() if text} for row in rows]


def test_the_header_is_always_the_same() -> None:
    assert written() == b"\xef\xbb\xbf" + ",".join(table.COLUMNS).encode() + b"\r\n"


def test_rows_end_as_rfc_4180_has_it() -> None:
    assert written(*table.of_batches([BATCH, BATCH])).count(b"\r\n") == 3


def test_a_batch_is_all_there() -> None:
    assert read(written(*table.of_batches([BATCH]))) == [
        {
            "type": "batch",
            "id": "B1",
            "batch_id": "B1",
            "name": "Ginger",
            "status": "archived",
            "status_since": "2026-11-20T12:00:00Z",
            "created_at": "2026-11-20T12:00:00Z",
            "updated_at": "2026-11-20T13:00:00Z",
            "text": "mine, alone",
            "stage": "2",
            "stage1_started_at": "2026-11-20T12:00:00Z",
            "stage1_target_hours": "48",
            "stage2_started_at": "2026-11-22T12:00:00Z",
            "stage2_target_hours": "36.5",
            "water_ml": "1000",
            "sugar_g": "80.0",
            "fruits": "figs; lemon",
            "temperature_c": "-2.5",
            "bottle_count": "3",
            "public": "true",
            "public_note": "for all",
            "photos": "P1; P2",
        }
    ]


def test_so_is_an_event() -> None:
    assert read(written(*table.of_events([EVENT]))) == [
        {
            "type": "event",
            "id": "E1",
            "batch_id": "B1",
            "kind": "measurement",
            "at": "2026-11-20T12:00:00Z",
            "text": "sour",
            "temperature_c": "21",
            "ph": "3.4",
            "gravity": "1.012",
        }
    ]


def test_so_is_a_reminder() -> None:
    assert read(written(*table.of_reminders([REMINDER]))) == [
        {
            "type": "reminder",
            "id": "R1",
            "batch_id": "B1",
            "name": "Taste it",
            "kind": "taste",
            "status": "failed",
            "reason": "no device",
            "at": "2026-11-20T12:00:00Z",
            "created_at": "2026-11-20T12:00:00Z",
            "sent_at": "2026-11-20T12:00:00Z",
            "text": "Now",
        }
    ]


def test_a_device_is_there_without_its_token() -> None:
    octets = written(*table.of_devices([DEVICE]))

    assert read(octets) == [
        {
            "type": "device",
            "id": device_id(TOKEN),
            "name": "Ann's phone",
            "kind": "ios",
            "status": "off",
            "reason": "DeviceNotRegistered",
            "created_at": "2026-11-20T12:00:00Z",
        }
    ]
    assert b"secret" not in octets


def test_nothing_says_whose_it_is() -> None:
    octets = written(*table.of_batches([BATCH]), *table.of_events([EVENT]), *table.of_reminders([REMINDER]))

    assert b"ann" not in octets


def test_texts_of_people_are_no_formulas() -> None:
    formula = '=HYPERLINK("http://evil.example")'
    batch = Batch("B1", "ann", formula, NOON, NOON, fruits=("fig", formula), notes=formula, public_note=f"a\n{formula}")

    [row] = read(written(*table.of_batches([batch])))

    assert (row["name"], row["text"]) == (f"'{formula}", f"'{formula}")
    assert (row["fruits"], row["public_note"]) == (f"fig;' {formula}", f"a\n'{formula}")


def test_rows_are_written_as_they_come() -> None:
    def events() -> Iterator[Event]:
        for number in range(5000):
            yield Event(f"E{number}", "B1", "ann", EventKind.NOTE, NOON, text="x" * 500)

    with TemporaryFile() as file:
        tracemalloc.start()
        table.write(table.of_events(events()), file)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        size = file.tell()

    assert size > 2_500_000
    assert peak < size / 10
