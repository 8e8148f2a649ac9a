"""A person's devices."""

from api.people.bodies import DeviceRegistration
from api.people.views import DeviceDetail
from api.web.problems import Conflict
from api.web.work import Work
from watchkeeper.errors import ItemNotFound
from watchkeeper.people.devices import Device, DeviceRepository, registered, removed

MAX_DEVICES = 20
"""Per person, according to the index; each reminder is pushed to all of them."""


def register(wanted: DeviceRegistration, devices: DeviceRepository, work: Work) -> DeviceDetail:
    """Raises ``Conflict`` if the person has too many."""
    device = Device(wanted.token, work.user, wanted.platform, wanted.name, work.now)
    others = [one for one in devices.of_user(work.user) if one.id != device.id]
    if len(others) >= MAX_DEVICES:
        raise Conflict(f"There are {len(others)} devices already. Remove one first.")
    work.add(registered(device))
    return view(device)


def remove(device: str, work: Work) -> None:
    """Raises ``ItemNotFound`` on commit, also for somebody else's device."""
    work.add(removed(work.user, device), otherwise=ItemNotFound("no such device"))


def view(device: Device) -> DeviceDetail:
    return DeviceDetail(
        id=device.id,
        platform=device.platform,
        name=device.name,
        registered_at=device.registered_at,
        active=device.active,
        off_reason=device.off_reason,
    )
