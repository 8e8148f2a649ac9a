"""Response models. Their docstrings are part of the API's documentation."""

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
    """Increases with each change; the `ETag` contains it."""


class BatchDetail(BatchSummary):
    notes: str
    """Visible only to you."""
    public_note: str


class BatchList(TypedDict):
    items: list[BatchSummary]
    """Newest first. A page may hold fewer than `limit`, or none at all, and still have a cursor to the next."""
    cursor: str | None
    """Pass it to get the next page; null on the last one."""


class TimelineEvent(TypedDict):
    id: str
    kind: str
    """`note`, `photo`, `taste`, `measurement`, `feed`, `stage_change` or `status_change`."""
    at: datetime
    text: str
    rating: int | None
    """For a taste, 1 to 5."""
    ph: float | None
    temperature_c: float | None
    gravity: float | None
    """Specific gravity, relative to water."""
    sugar_g: float | None
    """For a feed."""
    photo: str | None
    before: str | None
    after: str | None
    """For a change of stage or status."""


class TimelinePage(TypedDict):
    items: list[TimelineEvent]
    cursor: str | None
    """Pass it to get the next page; null on the last one."""


class PhotoSummary(TypedDict):
    id: str
    content_type: str
    created_at: datetime


class PhotoList(TypedDict):
    items: list[PhotoSummary]
    """Oldest first, including those that have not been uploaded yet."""


class PhotoLink(PhotoSummary):
    url: str
    expires_at: datetime


class UploadForm(TypedDict):
    url: str
    fields: dict[str, str]
    """Send all of them to the URL as `multipart/form-data`, with the photo last, as `file`."""


class PhotoUpload(TypedDict):
    id: str
    upload: UploadForm
    expires_at: datetime
    """Until when the form is accepted."""
    max_bytes: int


class SuggestedReminder(TypedDict):
    key: str
    """Identifies it when it is confirmed; stable as long as the batch exists."""
    kind: str
    """`taste`, `bottle`, `burp`, `fridge` or `drink`."""
    title: str
    body: str
    due_at: datetime
    overdue: bool
    """Whether its time has passed; to be confirmed, it needs another time."""


class SuggestionList(TypedDict):
    items: list[SuggestedReminder]
    """Sorted by time; empty for a batch that is done or archived."""


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
