"""The routes of what is a person's own, whichever watch they use: they translate, and nothing else."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query

from api.people import devices, reminders, views
from api.people.account import leave
from api.people.bodies import DeviceRegistration, Snooze
from api.people.container import container
from api.web.identity import Caller
from api.web.leaving import refuse_leaving
from api.web.paging import page
from api.web.parameters import Cursor, Limit
from api.web.routing import ALWAYS_ASK, Form, Routes, with_status
from api.web.work import Work
from watchkeeper.clock import utc_now
from watchkeeper.people.accounts import Deletion
from watchkeeper.people.reminders import ReminderStatus

PREFIX = "/api/v1/me"

Status = Annotated[ReminderStatus | None, Query(description="Only those in this state")]
Batch = Annotated[str | None, Query(min_length=1, max_length=64, description="Only those of this batch")]
DeviceId = Annotated[str, Path(min_length=1, max_length=64, description="The `id` of a device")]
ReminderId = Annotated[str, Path(min_length=1, max_length=64, description="The `id` of a reminder")]

_DONE = Form(HTTPStatus.OK, APPLICATION_JSON, views.Leaving, "It is done.")
_LEAVING = {410: "The account is being deleted, or was."}


account = Routes(PREFIX)
"""Who leaves can still ask how far it is."""

routes = Routes(PREFIX, table=lambda: container().table, guard=refuse_leaving(lambda: container().table))


@account.get("", "Read about oneself", cache=ALWAYS_ASK)
def read_me(caller: Caller) -> views.Me:
    """Who the access token is of, and, if the account is being deleted, how far that is."""
    deletion, user = container().accounts.deletion(caller.user), container().users.user(caller.user)
    return views.Me(
        id=caller.user,
        email=user.email if user else None,
        email_verified=user.email_verified if user else None,
        groups=sorted(caller.groups),
        created_at=user.created_at if user else None,
        deletion=_leaving(deletion) if deletion else None,
    )


@account.delete("", "Delete one's account", status=HTTPStatus.ACCEPTED, forms=(_DONE,))
def delete_me(caller: Caller) -> views.Leaving:
    """Removes everything of that person, the account itself at last; it begins after some seconds, and `GET` of the
    same path says when it is done. From now on everything else is answered with 410. It cannot be taken back."""
    deletion = leave(caller, container().accounts, container().erasures, utc_now().replace(microsecond=0))
    view = _leaving(deletion)
    return with_status(HTTPStatus.OK, view) if deletion.finished_at else view


@routes.post("/devices", "Register a device", status=HTTPStatus.CREATED, problems={409: "Too many.", **_LEAVING})
def register_device(body: Annotated[DeviceRegistration, Body()], work: Work) -> views.DeviceDetail:
    """A device is known by its push token: sent again, it takes the place of what was there, and whoever sends it last
    is the one whose reminders it shows."""
    return devices.register(body, container().devices, work)


@routes.get("/devices", "List one's devices", cache=ALWAYS_ASK, problems=_LEAVING)
def list_devices(caller: Caller) -> views.DeviceList:
    """Those that were switched off, too."""
    return views.DeviceList(items=[devices.view(device) for device in container().devices.of_user(caller.user)])


@routes.delete("/devices/<device_id>", "Remove a device", status=HTTPStatus.NO_CONTENT, problems=_LEAVING)
def remove_device(device_id: DeviceId, work: Work) -> None:
    """Nothing is pushed to it any more."""
    devices.remove(device_id, work)


@routes.get("/reminders", "List one's reminders", cache=ALWAYS_ASK, problems=_LEAVING)
def list_reminders(
    caller: Caller, status: Status = None, batch: Batch = None, limit: Limit = 30, cursor: Cursor = None
) -> views.ReminderList:
    """Soonest due first. What has come to its end is kept for 90 days."""
    wanted = reminders.Wanted(status, batch)
    items, following = page(
        container().cursors,
        {"list": "reminders", "user": caller.user, "wanted": wanted},
        cursor,
        lambda after: reminders.find(container().reminders.of_user(caller.user), wanted, limit=limit, after=after),
    )
    return views.ReminderList(items=[reminders.view(reminder) for reminder in items], cursor=following)


@routes.get("/reminders/<reminder_id>", "Read a reminder", cache=ALWAYS_ASK, problems=_LEAVING)
def read_reminder(reminder_id: ReminderId, caller: Caller) -> views.ReminderDetail:
    """With what became of it."""
    return reminders.view(container().reminders.get(caller.user, reminder_id))


@routes.post(
    "/reminders/<reminder_id>/cancel",
    "Cancel a reminder",
    problems={409: "It is not scheduled any more.", **_LEAVING},
)
def cancel_reminder(reminder_id: ReminderId, work: Work) -> views.ReminderDetail:
    """It will not be sent."""
    return reminders.view(reminders.cancel(container().reminders.get(work.user, reminder_id), work))


@routes.post(
    "/reminders/<reminder_id>/snooze",
    "Put a reminder off",
    problems={409: "It is just being sent, or was cancelled.", **_LEAVING},
)
def snooze_reminder(reminder_id: ReminderId, body: Annotated[Snooze, Body()], work: Work) -> views.ReminderDetail:
    """It is scheduled anew, also if it was sent before."""
    return reminders.view(reminders.snooze(container().reminders.get(work.user, reminder_id), body, work))


def _leaving(deletion: Deletion) -> views.Leaving:
    return views.Leaving(
        status="deleted" if deletion.finished_at else "deleting",
        requested_at=deletion.requested_at,
        finished_at=deletion.finished_at,
    )
