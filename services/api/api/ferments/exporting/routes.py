"""The export's route: it only translates between HTTP and the use case.

A script on a page of another origin cannot follow a redirect from here to the bucket: the browser sets its origin to
`null` on the way (Fetch standard, HTTP-redirect fetch), which the bucket does not allow. So it can get the address
instead of the redirect, and request that itself.
"""

from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import IO

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON

from api.ferments.exporting.container import container
from api.ferments.exporting.store import LINK_HOLDS
from api.ferments.exporting.views import HandedOver
from api.web.identity import Caller
from api.web.leaving import refuse_leaving
from api.web.negotiation import preferred
from api.web.requests import Event
from api.web.responses import MAX_BODY_BYTES, fits
from api.web.routing import NEVER_KEPT, Form, Routes
from watchkeeper.clock import to_iso
from watchkeeper.records import dumps

PREFIX = "/api/v1/ferments"
CSV = "text/csv"

_HEADERS = {"Cache-Control": NEVER_KEPT, "Vary": "Accept"}
_CONTENT_TYPE = f"{CSV}; charset=utf-8"
_WORTH_COMPRESSING = 4 * MAX_BODY_BYTES
"""Compression shrinks a table to a fifth or less. A larger one is not read back into memory."""

_SENT_THERE = Form(
    HTTPStatus.SEE_OTHER,
    APPLICATION_JSON,
    HandedOver,
    "It is too large for a response: `Location`, and `url` in the body, say where it is for the next five minutes. "
    "Do not send the access token there.",
)
_TOLD_WHERE = Form(HTTPStatus.OK, APPLICATION_JSON, HandedOver)

routes = Routes(PREFIX, guard=refuse_leaving(lambda: container().table))


@routes.get(
    "/export.csv",
    "Export everything",
    cache=NEVER_KEPT,
    content_type=CSV,
    forms=(_TOLD_WHERE, _SENT_THERE),
    problems={410: "The account is being deleted, or has been."},
)
def export_everything(caller: Caller) -> Response[str]:
    """All batches with their timelines, archived ones included, all reminders and devices, as comma-separated values
    (RFC 4180, UTF-8 with a byte order mark). The column `type` says what a row is: `batch`, `event`, `reminder` or
    `device`; the columns are always the same, and empty where they do not apply. Texts that a spreadsheet could
    interpret as formulas are prefixed with an apostrophe.

    A table that is too large for a response is a redirect to where it is. Callers that prefer `application/json` to
    `text/csv` get that address instead, which scripts of web pages need; a table that fits is sent to them, too."""
    disposition = f'attachment; filename="watchkeeper-{container().clock():%Y-%m-%d}.csv"'
    with SpooledTemporaryFile(max_size=MAX_BODY_BYTES) as file:
        container().export.write(caller.user, file)
        event = routes.router.current_event.raw_event
        return _sent(file, event, disposition) or _handed_over(caller.user, file, event, disposition)


def _sent(file: IO[bytes], event: Event, disposition: str) -> Response[str] | None:
    """The response with the whole table, if it fits."""
    if file.tell() > _WORTH_COMPRESSING:
        return None
    file.seek(0)
    content = file.read()
    if not fits(content, event):
        return None
    headers = {**_HEADERS, "Content-Disposition": disposition}
    return Response(HTTPStatus.OK.value, _CONTENT_TYPE, content.decode(), headers)


def _handed_over(user: str, file: IO[bytes], event: Event, disposition: str) -> Response[str]:
    store, now = container().store, container().clock()
    file.seek(0)
    key = store.put(user, container().new_id(), file, content_type=_CONTENT_TYPE, disposition=disposition)
    view = HandedOver(url=store.link(key), expires_at=to_iso(now + LINK_HOLDS))
    if preferred(event, CSV, APPLICATION_JSON) == APPLICATION_JSON:
        return Response(HTTPStatus.OK.value, APPLICATION_JSON, dumps(view), dict(_HEADERS))
    return Response(HTTPStatus.SEE_OTHER.value, APPLICATION_JSON, dumps(view), {**_HEADERS, "Location": view["url"]})
