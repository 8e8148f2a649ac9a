"""What Expo's answers mean: for a device, for us, and for a reminder."""

from collections.abc import Iterable, Mapping, Sequence

from scheduler.push.errors import PushRefused
from scheduler.push.expo import UPSTREAM, Answer, PushReceipt, PushTicket
from watchkeeper.logs import logger
from watchkeeper.metrics import DEVICES_SWITCHED_OFF, PUSH_CREDENTIAL_ERRORS, REMINDERS_SETTLED, measure
from watchkeeper.people.devices import Device, DeviceRepository

GONE = "DeviceNotRegistered"
"""The app is no longer on the device, or the token was never valid."""
OF_CREDENTIALS = frozenset({"InvalidCredentials", "MismatchSenderId"})
"""Errors of our own credentials: the tokens are valid, and all devices of a platform fail until the credentials are
fixed."""
MAY_PASS = OF_CREDENTIALS | {"MessageRateExceeded", "ExpoError", "ProviderError"}
"""Temporary errors: the same message may be accepted later."""


def credential_errors(said: Iterable[Answer | PushReceipt]) -> int:
    return sum(_is_of_credentials(one) for one in said)


def _is_of_credentials(said: Answer | PushReceipt) -> bool:
    match said:
        case PushTicket() | PushReceipt():
            return said.error in OF_CREDENTIALS
        case PushRefused():
            return said.is_of_credentials
    return False


def tell_credential_errors(number: int) -> None:
    """Also measured if there are none, which shows that the check ran."""
    measure(PUSH_CREDENTIAL_ERRORS, number, upstream=UPSTREAM)
    if number:
        logger.error("push credentials are refused", messages=number)


def tell_settled(statuses: Mapping[str, int]) -> None:
    """The number of reminders by final status."""
    for status, number in statuses.items():
        measure(REMINDERS_SETTLED, number, outcome=str(status))


def switch_off(repository: DeviceRepository, gone: Sequence[Device]) -> None:
    if gone:
        repository.switch_off(gone, GONE)
        measure(DEVICES_SWITCHED_OFF, len(gone), upstream=UPSTREAM)
        logger.info("devices switched off", number=len(gone))


def listed(errors: Iterable[str | None]) -> str:
    """Each kind of error once, for people to read."""
    return ", ".join(sorted({error for error in errors if error}))
