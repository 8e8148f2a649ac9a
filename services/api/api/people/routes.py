"""The routes of what people own independently of the watches: they only translate between HTTP and the use cases."""

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

Status = Annotated[ReminderStatus | None, Query(description="Only reminders with this status")]
Batch = Annotated[str | None, Query(min_length=1, max_length=64, description="Only reminders of this batch")]
DeviceId = Annotated[str, Path(min_length=1, max_length=64, description="The `id` of a device")]
ReminderId = Annotated[str, Path(min_length=1, max_length=64, description="The `id` of a reminder")]

_DONE = Form(HTTPStatus.OK, APPLICATION_JSON, views.Leaving, "It is done.")
_LEAVING = {410: "The account is being deleted, or has been."}


account = Routes(PREFIX)
"""People who are leaving can still query the progress."""

routes = Routes(PREFIX, table=lambda: container().table, guard=refuse_leaving(lambda: container().table))


@account.get("", "Read your account", cache=ALWAYS_ASK)
def read_me(caller: Caller) -> views.Me:
    """The person the access token belongs to, and the progress if the account is being deleted."""
    deletion, user = container().accounts.deletion(caller.user), container().users.user(caller.user)
    return views.Me(
        id=caller.user,
        email=user.email if user else None,
        email_verified=user.email_verified if user else None,
        groups=sorted(caller.groups),
        created_at=user.created_at if user else None,
        deletion=_leaving(deletion) if deletion else None,
    )


@account.delete("", "Delete your account", status=HTTPStatus.ACCEPTED, forms=(_DONE,))
def delete_me(caller: Caller) -> views.Leaving:
    """Removes everything of that person, and finally the account itself. This begins after some seconds, and `GET` of
    the same path says when it is done. From now on, everything else is answered with 410. It cannot be undone."""
    deletion = leave(caller, container().accounts, container().erasures, utc_now().replace(microsecond=0))
    view = _leaving(deletion)
    return with_status(HTTPStatus.OK, view) if deletion.finished_at else view


@routes.post(
    "/devices",
    "Register a device",
    status=HTTPStatus.CREATED,
    problems={409: "There are too many devices.", **_LEAVING},
)
def register_device(body: Annotated[DeviceRegistration, Body()], work: Work) -> views.DeviceDetail:
    """A device is identified by its push token: registering it again replaces the registration, and it shows the
    reminders of the person who registered it last."""
    return devices.register(body, container().devices, work)


@routes.get("/devices", "List your devices", cache=ALWAYS_ASK, problems=_LEAVING)
def list_devices(caller: Caller) -> views.DeviceList:
    """Including those that were switched off."""
    return views.DeviceList(items=[devices.view(device) for device in container().devices.of_user(caller.user)])


@routes.delete("/devices/<device_id>", "Remove a device", status=HTTPStatus.NO_CONTENT, problems=_LEAVING)
def remove_device(device_id: DeviceId, work: Work) -> None:
    """It no longer gets push messages."""
    devices.remove(device_id, work)


@routes.get("/reminders", "List your reminders", cache=ALWAYS_ASK, problems=_LEAVING)
def list_reminders(
    caller: Caller, status: Status = None, batch: Batch = None, limit: Limit = 30, cursor: Cursor = None
) -> views.ReminderList:
    """Soonest due first. Finished reminders are kept for 90 days."""
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
    """With its status."""
    return reminders.view(container().reminders.get(caller.user, reminder_id))


@routes.post(
    "/reminders/<reminder_id>/cancel",
    "Cancel a reminder",
    problems={409: "It is no longer scheduled.", **_LEAVING},
)
def cancel_reminder(reminder_id: ReminderId, work: Work) -> views.ReminderDetail:
    """It will not be sent."""
    return reminders.view(reminders.cancel(container().reminders.get(work.user, reminder_id), work))


@routes.post(
    "/reminders/<reminder_id>/snooze",
    "Snooze a reminder",
    problems={409: "It is being sent, or was cancelled.", **_LEAVING},
)
def snooze_reminder(reminder_id: ReminderId, body: Annotated[Snooze, Body()], work: Work) -> views.ReminderDetail:
    """It is scheduled again, even if it was already sent."""
    return reminders.view(reminders.snooze(container().reminders.get(work.user, reminder_id), body, work))


def _leaving(deletion: Deletion) -> views.Leaving:
    return views.Leaving(
        status="deleted" if deletion.finished_at else "deleting",
        requested_at=deletion.requested_at,
        finished_at=deletion.finished_at,
    )
