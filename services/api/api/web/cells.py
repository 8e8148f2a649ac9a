"""Cells of tables that are opened in spreadsheets, where a text may be interpreted as a formula.

A cell that begins with one of ``= + - @``, or with their full-width or small East Asian forms, is evaluated, and
formulas can run programs or send other cells to a server (OWASP, "CSV Injection"). A leading apostrophe makes it a
text. Spaces, control characters and quotes before the sign are skipped, because some programs strip them; a text that
begins with a tab or a line break always gets an apostrophe.

Quotes keep a cell together, even across lines, but only for programs that split at commas. Where the spreadsheet's
locale separates with semicolons or tabs, a quote in the middle of what it considers a cell is an ordinary character:
the text after the next semicolon, or on the next line, is a separate cell. So every place where a cell could begin gets
an apostrophe. ``plain`` removes them again: no text is lost.
"""

import re
from datetime import datetime
from enum import Enum

from watchkeeper.clock import to_iso

Value = str | int | float | bool | datetime | None

_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
_BLANK = "\\x00-\\x08\\x0b\\x0c\\x0e-\\x20\\x7f-\\xa0\\xad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff"
_QUOTES = "'\"`\u00ab\u00bb\u2018-\u201f\u2039\u203a\uff02\uff07"
_PASSED_OVER = f"[{_BLANK}{_QUOTES}]*"
_ENDS = "\\t\\r\\n"
_DANGER = rf"(?={_PASSED_OVER}[{_SIGNS}])"
_DANGER_AT_START = rf"(?=[{_BLANK}{_QUOTES}{_ENDS}]*[{_SIGNS}{_ENDS}])"
_CELL_ENDS = rf"([{_ENDS},;|])"

_STARTS_BAD, _GUARDED_START = re.compile(_DANGER_AT_START), re.compile(f"'{_DANGER_AT_START}")
_GOES_ON_BAD, _GUARDED_INSIDE = re.compile(_CELL_ENDS + _DANGER), re.compile(f"{_CELL_ENDS}'{_DANGER}")


def cell(value: Value) -> str:
    """The cell's text. Numbers, times and flags are ours and cannot be formulas; what a person wrote is guarded."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Enum():
            return cell(value.value)
        case int() | float():
            return repr(value)
        case datetime():
            return to_iso(value)
        case _:
            return guarded(value)


def guarded(text: str) -> str:
    """The text with an apostrophe wherever it could be interpreted as a formula."""
    inside = _GOES_ON_BAD.sub(r"\1'", text)
    return f"'{inside}" if _STARTS_BAD.match(text) else inside


def plain(text: str) -> str:
    """The inverse of ``guarded``."""
    return _GUARDED_INSIDE.sub(r"\1", text[1:] if _GUARDED_START.match(text) else text)
