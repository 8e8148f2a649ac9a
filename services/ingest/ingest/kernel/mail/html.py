"""HTML mails as plain text: no styling, paragraphs kept."""

import re
from html.parser import HTMLParser

MAX_HTML = 64 * 1024
"""Characters that are read."""

_BLOCKS = frozenset(
    {"p", "div", "br", "tr", "li", "pre", "blockquote", "table", "ul", "ol", "hr", *(f"h{n}" for n in range(1, 7))}
)
_UNSEEN = frozenset({"style", "script", "head", "title"})
_DECLARATION = re.compile(r"<[!?][^<>]*>")
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,15})\b[^<>]*>")
_BARE_TAG = re.compile(r"<(?!/?[A-Za-z][A-Za-z0-9]{0,15}>)")
_BLANK_LINES = re.compile(r"\n\s*\n\s*\n+")
_BLANKS = re.compile(r"[ \t\r\f\v\xa0]+")


def to_text(html: str) -> str:
    reader = _TextReader()
    reader.feed(_harmless(html[:MAX_HTML]))
    reader.close()
    return _tidy("".join(reader.pieces))


def _harmless(html: str) -> str:
    """``html`` with whole tags only and without attributes, comments and declarations.

    On unclosed tags, quotes and comments html.parser takes quadratic time (15 s for 64 KiB).
    """
    first, *commented = html.split("<!--")
    html = first + "".join(piece.partition("-->")[2] for piece in commented)
    return _BARE_TAG.sub("&lt;", _TAG.sub(r"<\1\2>", _DECLARATION.sub("", html)))


def _tidy(text: str) -> str:
    lines = (_BLANKS.sub(" ", line).strip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


class _TextReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        if tag in _BLOCKS:
            self.pieces.append("\n")
        self._unseen += tag in _UNSEEN

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.pieces.append("\n")
        if tag in _UNSEEN and self._unseen:
            self._unseen -= 1

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data)
