"""Views of batches and what belongs to them."""

from datetime import datetime

from api.ferments.photos import GOOD_FOR, MAX_PHOTO_BYTES, Form
from api.ferments.reminding import Confirmed
from api.ferments.suggesting import Suggestion
from api.ferments.views import (
    BatchDetail,
    BatchSummary,
    ConfirmedReminder,
    PhotoLink,
    PhotoSummary,
    PhotoUpload,
    StageTimes,
    SuggestedReminder,
    TimelineEvent,
    UploadForm,
)
from watchkeeper.ferments.models import Batch, Event, Photo, Timing


def batch_summary(batch: Batch) -> BatchSummary:
    return {
        "id": batch.id,
        "name": batch.name,
        "stage": batch.stage.value,
        "status": batch.status.value,
        "status_since": batch.status_since or batch.created_at,
        "stage1": _times(batch.stage1),
        "stage2": _times(batch.stage2),
        "water_ml": batch.water_ml,
        "sugar_g": batch.sugar_g,
        "fruits": batch.fruits,
        "temperature_c": batch.temperature_c,
        "bottle_count": batch.bottle_count,
        "public": batch.public,
        "photos": batch.photos,
        "created_at": batch.created_at,
        "updated_at": batch.updated_at,
        "version": batch.version,
    }


def batch_detail(batch: Batch) -> BatchDetail:
    return BatchDetail(**batch_summary(batch), notes=batch.notes, public_note=batch.public_note)


def timeline_event(event: Event) -> TimelineEvent:
    return {
        "id": event.id,
        "kind": event.kind.value,
        "at": event.at,
        "text": event.text,
        "rating": event.rating,
        "ph": event.ph,
        "temperature_c": event.temperature_c,
        "gravity": event.gravity,
        "sugar_g": event.sugar_g,
        "photo": event.photo,
        "before": event.before,
        "after": event.after,
    }


def photo_summary(photo: Photo) -> PhotoSummary:
    return PhotoSummary(id=photo.id, content_type=photo.content_type, created_at=photo.created_at)


def photo_link(photo: Photo, url: str, now: datetime) -> PhotoLink:
    return PhotoLink(**photo_summary(photo), url=url, expires_at=now + GOOD_FOR)


def photo_upload(photo: Photo, form: Form, now: datetime) -> PhotoUpload:
    upload = UploadForm(url=form.url, fields=form.fields)
    return PhotoUpload(id=photo.id, upload=upload, expires_at=now + GOOD_FOR, max_bytes=MAX_PHOTO_BYTES)


def suggested_reminder(suggestion: Suggestion, now: datetime) -> SuggestedReminder:
    return {
        "key": suggestion.key,
        "kind": suggestion.kind,
        "title": suggestion.title,
        "body": suggestion.body,
        "due_at": suggestion.due_at,
        "overdue": suggestion.due_at <= now,
    }


def confirmed_reminder(confirmed: Confirmed) -> ConfirmedReminder:
    reminder = confirmed.reminder
    return {
        "key": confirmed.key,
        "id": reminder.id,
        "batch": reminder.batch or "",
        "kind": reminder.kind,
        "title": reminder.title,
        "body": reminder.body,
        "due_at": reminder.due_at,
        "status": reminder.status.value,
    }


def _times(timing: Timing) -> StageTimes:
    return StageTimes(started_at=timing.started_at, target_hours=timing.target_hours)
