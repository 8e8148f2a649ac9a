"""The ferments watch's routes: they only translate between HTTP and the use cases."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from api.ferments import listing, rendering, views
from api.ferments.bodies import BatchChanges, Bottling, Confirmation, NewBatch, NewEvent, NewPhoto
from api.ferments.container import container
from api.ferments.parameters import BatchId, EventId, Order, PhotoId, StageWanted, Statuses
from api.ferments.suggesting import suggestions
from api.web.identity import Caller
from api.web.leaving import refuse_leaving
from api.web.parameters import Cursor, Limit
from api.web.routing import ALWAYS_ASK, NEVER_KEPT, Routes
from api.web.work import Work
from watchkeeper.clock import utc_now
from watchkeeper.ferments.models import Stage

PREFIX = "/api/v1/ferments"

_LEAVING = {410: "The account is being deleted."}
_ARCHIVED = {409: "The batch is archived, and can no longer be changed.", **_LEAVING}

routes = Routes(PREFIX, table=lambda: container().table, guard=refuse_leaving(lambda: container().table))


@routes.post("/batches", "Begin a batch", status=HTTPStatus.CREATED, versioned=True, problems=_LEAVING)
def begin_batch(body: Annotated[NewBatch, Body()], work: Work) -> views.BatchDetail:
    """It starts in the first stage, and active."""
    return rendering.batch_detail(container().brewing.begin(work, body))


@routes.get("/batches", "List your batches", cache=ALWAYS_ASK, problems=_LEAVING)
def list_batches(
    caller: Caller,
    stage: StageWanted = None,
    status: Statuses = None,
    limit: Limit = 30,
    cursor: Cursor = None,
) -> views.BatchList:
    """Newest first, without their notes. Archived ones are included only if `status` asks for them."""
    batches, following = listing.batches(
        container().ferments,
        container().cursors,
        caller.user,
        stage=Stage(int(stage)) if stage else None,
        statuses=status or (),
        limit=limit,
        cursor=cursor,
    )
    return views.BatchList(items=[rendering.batch_summary(batch) for batch in batches], cursor=following)


@routes.get("/batches/<batch_id>", "Read a batch", cache=ALWAYS_ASK, versioned=True, problems=_LEAVING)
def read_batch(batch_id: BatchId, caller: Caller) -> views.BatchDetail:
    """With its notes. The `ETag` is its version."""
    return rendering.batch_detail(container().ferments.batch(caller.user, batch_id))


@routes.patch(
    "/batches/<batch_id>",
    "Change a batch",
    versioned=True,
    problems={409: "The batch is archived, or cannot change to that status from its current one.", **_LEAVING},
)
def change_batch(batch_id: BatchId, body: Annotated[BatchChanges, Body()], work: Work) -> views.BatchDetail:
    """Omitted members stay as they are; `null` clears those that may be empty. A new status is recorded in the
    timeline, and cancels the reminders of the previous one. An archived batch can no longer be changed, except that
    `{"public": false}` alone stops sharing it."""
    return rendering.batch_detail(container().brewing.change(work, batch_id, body))


@routes.post(
    "/batches/<batch_id>/stage",
    "Bottle a batch",
    versioned=True,
    problems={409: "The batch is already bottled, or not active.", **_LEAVING},
)
def bottle_batch(batch_id: BatchId, body: Annotated[Bottling, Body()], work: Work) -> views.BatchDetail:
    """Moves it from the first stage to the second, which begins now by default. This is recorded in the timeline, and
    the first stage's reminders are cancelled."""
    return rendering.batch_detail(container().brewing.bottle(work, batch_id, body))


@routes.post("/batches/<batch_id>/archive", "Archive a batch", versioned=True, problems=_ARCHIVED)
def archive_batch(batch_id: BatchId, work: Work) -> views.BatchDetail:
    """It is kept to look back at, and can no longer be changed, except that sharing can be stopped; its reminders are
    cancelled."""
    return rendering.batch_detail(container().brewing.archive(work, batch_id))


@routes.delete(
    "/batches/<batch_id>",
    "Delete a batch",
    status=HTTPStatus.NO_CONTENT,
    versioned=True,
    problems={409: "Other requests keep changing it.", **_LEAVING},
)
def delete_batch(batch_id: BatchId, work: Work) -> None:
    """It disappears at once; its timeline and photos are removed soon after."""
    container().brewing.delete(work, batch_id)


@routes.post("/batches/<batch_id>/events", "Add an event", status=HTTPStatus.CREATED, problems=_ARCHIVED)
def add_event(batch_id: BatchId, body: Annotated[NewEvent, Body()], work: Work) -> views.TimelineEvent:
    """A note, a photo of the batch, a taste, a measurement or a feed."""
    return rendering.timeline_event(container().timeline.note(work, batch_id, body))


@routes.get("/batches/<batch_id>/events", "Read a batch's timeline", cache=ALWAYS_ASK, problems=_LEAVING)
def list_events(
    batch_id: BatchId, caller: Caller, limit: Limit = 30, cursor: Cursor = None, order: Order = "asc"
) -> views.TimelinePage:
    """Sorted by when the events happened, not when they were added."""
    events, following = listing.events(
        container().ferments,
        container().cursors,
        caller.user,
        batch_id,
        newest_first=order == "desc",
        limit=limit,
        cursor=cursor,
    )
    return views.TimelinePage(items=[rendering.timeline_event(event) for event in events], cursor=following)


@routes.get("/batches/<batch_id>/events/<event_id>", "Read an event", cache=ALWAYS_ASK, problems=_LEAVING)
def read_event(batch_id: BatchId, event_id: EventId, caller: Caller) -> views.TimelineEvent:
    """One event of a batch's timeline."""
    return rendering.timeline_event(container().timeline.read(caller.user, batch_id, event_id))


@routes.delete(
    "/batches/<batch_id>/events/<event_id>",
    "Delete an event",
    status=HTTPStatus.NO_CONTENT,
    problems={409: "The batch is archived, or the event is a change of stage or status, which stays.", **_LEAVING},
)
def delete_event(batch_id: BatchId, event_id: EventId, work: Work) -> None:
    """Changes of stage and status stay in the timeline."""
    container().timeline.forget(work, batch_id, event_id)


@routes.post(
    "/batches/<batch_id>/photos",
    "Get a form to upload a photo",
    status=HTTPStatus.CREATED,
    problems={409: "The batch is archived, or has the maximum number of photos.", **_LEAVING},
    answers_anew=True,
)
def add_photo(batch_id: BatchId, body: Annotated[NewPhoto, Body()], work: Work) -> views.PhotoUpload:
    """The form accepts one photo of that type, of at most 10 MB, for five minutes. Sending the same `Idempotency-Key`
    again, at any time, returns a new form for the same photo."""
    return rendering.photo_upload(*container().photos.add(work, batch_id, body), work.now)


@routes.get("/batches/<batch_id>/photos", "List a batch's photos", cache=ALWAYS_ASK, problems=_LEAVING)
def list_photos(batch_id: BatchId, caller: Caller) -> views.PhotoList:
    """For a link to a photo, get the photo itself."""
    photos = container().photos.of_batch(caller.user, batch_id)
    return views.PhotoList(items=[rendering.photo_summary(photo) for photo in photos])


@routes.get("/batches/<batch_id>/photos/<photo_id>", "Get a link to a photo", cache=NEVER_KEPT, problems=_LEAVING)
def read_photo(batch_id: BatchId, photo_id: PhotoId, caller: Caller) -> views.PhotoLink:
    """The link is valid for five minutes, for anybody who has it. There is none until the photo has been uploaded, and
    none after a year."""
    photo, url = container().photos.show(caller.user, batch_id, photo_id)
    return rendering.photo_link(photo, url, utc_now())


@routes.delete(
    "/batches/<batch_id>/photos/<photo_id>", "Delete a photo", status=HTTPStatus.NO_CONTENT, problems=_ARCHIVED
)
def delete_photo(batch_id: BatchId, photo_id: PhotoId, work: Work) -> None:
    """Whether it was uploaded or not."""
    container().photos.remove(work, batch_id, photo_id)


@routes.get("/batches/<batch_id>/reminders/suggestions", "Suggest reminders", cache=ALWAYS_ASK, problems=_LEAVING)
def suggest_reminders(batch_id: BatchId, caller: Caller) -> views.SuggestionList:
    """Derived from stage, temperature and target: ten degrees more halve the time. Nothing is scheduled by this."""
    found, now = suggestions(container().ferments.batch(caller.user, batch_id)), utc_now()
    return views.SuggestionList(items=[rendering.suggested_reminder(one, now) for one in found])


@routes.post(
    "/batches/<batch_id>/reminders/confirm",
    "Schedule reminders",
    status=HTTPStatus.CREATED,
    problems={409: "The batch is done or archived, or the reminder is being sent at this moment.", **_LEAVING},
)
def confirm_reminders(batch_id: BatchId, body: Annotated[Confirmation, Body()], work: Work) -> views.ConfirmedReminders:
    """Schedules suggestions, optionally with other times and texts. There is one reminder for each key: confirming a
    key again replaces it."""
    confirmed = container().reminding.confirm(work, batch_id, body.reminders)
    return views.ConfirmedReminders(items=[rendering.confirmed_reminder(one) for one in confirmed])
