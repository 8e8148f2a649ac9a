"""Which form of a public batch is sent: data for programs, a page for browsers."""

import re

from aws_lambda_powertools.event_handler.content_types import APPLICATION_JSON, TEXT_HTML

from api.web.negotiation import preferred
from api.web.requests import Event, header

VARIES_BY = "Accept, User-Agent"

_ANYTHING = ("", "*/*")
_PREVIEWERS = re.compile(r"bot\b|facebookexternalhit|whatsapp|mastodon|skypeuripreview|iframely|embed", re.IGNORECASE)
"""Programs that preview links in chats and timelines. They accept anything, like most programs, but look for the Open
Graph tags of the page."""


def wants_page(event: Event) -> bool:
    if header(event, "accept").strip() in _ANYTHING:
        return _PREVIEWERS.search(header(event, "user-agent")) is not None
    return preferred(event, APPLICATION_JSON, TEXT_HTML) == TEXT_HTML
