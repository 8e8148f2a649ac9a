"""The public routes: they only translate between HTTP and the use case. Whatever is not shared is a 404."""

import re
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON, TEXT_HTML
from aws_lambda_powertools.event_handler.openapi.params import Path

from api.ferments.sharing import pages
from api.ferments.sharing.codes import qr_code
from api.ferments.sharing.container import container
from api.ferments.sharing.forms import VARIES_BY, wants_page
from api.ferments.sharing.shared import public_view
from api.ferments.sharing.views import PublicBatch
from api.web.problems import told
from api.web.routing import NEVER_KEPT, Form, Routes
from watchkeeper.records import dumps

PREFIX = "/api/v1/public"
SVG = "image/svg+xml"

NAMES_IN_PATHS = re.compile(rf"^{PREFIX}/b/(?P<batch>.+?)(?:/qr\.svg)?\Z", re.DOTALL)
"""Everything in the place of a batch's id is treated as one."""

BatchId = Annotated[str, Path(description="The `id` of a shared batch")]
"""Without a pattern: a malformed id would get another response than a batch that is not shared."""

_SHORTLY = "public, max-age=60"
"""A batch that is no longer shared is gone from all caches a minute later."""

_LONG = "public, max-age=86400"
"""A code contains nothing but the address of the request."""

_FOR_NO_INDEX = {"X-Robots-Tag": "noindex"}
"""Pages are for those who were given the address; what search engines store could not be taken back."""

_MISSING_PAGE = Form(HTTPStatus.NOT_FOUND, TEXT_HTML)

routes = Routes(PREFIX, public=True)


@routes.get(
    "/b/<batch_id>",
    "Read a shared batch",
    forms=(Form(HTTPStatus.OK, APPLICATION_JSON, PublicBatch), Form(HTTPStatus.OK, TEXT_HTML), _MISSING_PAGE),
)
def read_public_batch(batch_id: BatchId) -> Response[str]:
    """As a page for callers that prefer `text/html`, such as browsers. A batch that is not shared is a 404."""
    batch = container().shared.batch(batch_id)
    view = public_view(batch, _url(batch.id), container().clock())
    if wants_page(_event()):
        return _page(HTTPStatus.OK, pages.batch_page(view), _SHORTLY)
    headers = {"Cache-Control": _SHORTLY, "Vary": VARIES_BY, **_FOR_NO_INDEX}
    return Response(HTTPStatus.OK.value, APPLICATION_JSON, dumps(view), headers)


@routes.get("/b/<batch_id>/qr.svg", "Get a QR code of a shared batch", content_type=SVG, forms=(_MISSING_PAGE,))
def read_public_qr_code(batch_id: BatchId) -> Response[str]:
    """It contains the address of the batch's page."""
    url = _url(container().shared.batch(batch_id).id)
    return Response(HTTPStatus.OK.value, SVG, qr_code(url), {"Cache-Control": _LONG, **_FOR_NO_INDEX})


def missing(error: Exception) -> Response[str]:
    """The response for everything that is not shared: always the same."""
    if wants_page(_event()):
        return _page(HTTPStatus.NOT_FOUND, pages.missing_page(), NEVER_KEPT)
    answer = told(error)
    answer.headers["Vary"] = VARIES_BY
    return answer


def _page(status: HTTPStatus, text: str, cache: str) -> Response[str]:
    headers = {
        "Cache-Control": cache,
        "Content-Security-Policy": pages.policy(),
        "Vary": VARIES_BY,
        **_FOR_NO_INDEX,
    }
    return Response(status.value, pages.CONTENT_TYPE, text, headers)


def _url(batch: str) -> str:
    return f"{container().settings.public_url}{PREFIX}/b/{batch}"


def _event() -> dict[str, object]:
    event: dict[str, object] = routes.router.current_event.raw_event
    return event
