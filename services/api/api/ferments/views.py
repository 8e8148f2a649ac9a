"""The shapes of the answers. Their docstrings are the API's documentation."""

from datetime import datetime

from typing_extensions import TypedDict


class StageTimes(TypedDict):
    started_at: datetime | None
    target_hours: float | None


class BatchSummary(TypedDict):
    id: str
    name: str
    stage: int
    """1: open, with the grains; 2: bottled."""
    status: str
    """`active`, `in_fridge`, `done` or `archived`."""
    status_since: datetime
    stage1: StageTimes
    stage2: StageTimes
    water_ml: int | None
    sugar_g: float | None
    fruits: tuple[str, ...]
    temperature_c: float | None
    bottle_count: int | None
    public: bool
    photos: tuple[str, ...]
    """Their ids, oldest first."""
    created_at: datetime
    updated_at: datetime
    version: int
    """Counts its changes; the `ETag` is made of it."""


class BatchDetail(BatchSummary):
    notes: str
    """For nobody but you."""
    public_note: str


class BatchList(TypedDict):
    items: list[BatchSummary]
    """Newest first. There may be fewer than asked for, even none, and still more to come: the cursor says so."""
    cursor: str | None
    """Ask again with it for what follows; null at the end."""


class TimelineEvent(TypedDict):
    id: str
    kind: str
    """`note`, `photo`, `taste`, `measurement`, `feed`, `stage_change` or `status_change`."""
    at: datetime
    text: str
    rating: int | None
    """Of a taste, 1 to 5."""
    ph: float | None
    temperature_c: float | None
    gravity: float | None
    """Specific gravity, relative to water."""
    sugar_g: float | None
    """Of a feed."""
    photo: str | None
    before: str | None
    after: str | None
    """Of a change of stage or status."""


class TimelinePage(TypedDict):
    items: list[TimelineEvent]
    cursor: str | None
    """Ask again with it for what follows; null at the end."""


class PhotoSummary(TypedDict):
    id: str
    content_type: str
    created_at: datetime


class PhotoList(TypedDict):
    items: list[PhotoSummary]
    """Oldest first, whether they were uploaded yet or not."""


class PhotoLink(PhotoSummary):
    url: str
    expires_at: datetime


class UploadForm(TypedDict):
    url: str
    fields: dict[str, str]
    """To be sent to the URL as `multipart/form-data`, all of them, with the photo last, as `file`."""


class PhotoUpload(TypedDict):
    id: str
    upload: UploadForm
    expires_at: datetime
    """Until when the form is taken."""
    max_bytes: int


class SuggestedReminder(TypedDict):
    key: str
    """Names it when it is confirmed; the same for as long as there is the batch."""
    kind: str
    """`taste`, `bottle`, `burp`, `fridge` or `drink`."""
    title: str
    body: str
    due_at: datetime
    overdue: bool
    """Whether its time has passed; to be confirmed it needs another."""


class SuggestionList(TypedDict):
    items: list[SuggestedReminder]
    """In the order of their times; none for what is done or archived."""


class ConfirmedReminder(TypedDict):
    key: str
    id: str
    batch: str
    kind: str
    title: str
    body: str
    due_at: datetime
    status: str


class ConfirmedReminders(TypedDict):
    items: list[ConfirmedReminder]
