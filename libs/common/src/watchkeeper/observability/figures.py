"""Figures: exact decimals, small enough for an event that holds a few of them to stay below a kilobyte."""

from decimal import Context, Decimal, Inexact, InvalidOperation

from watchkeeper.observability.refusals import Refused

DIGITS = 15
"""Significant ones, and also at most so many after the point. A float of 64 bits gives them back unchanged."""

_LIMIT = Decimal(10) ** DIGITS
_EXACT = Context(prec=80, traps=[Inexact])
"""Adds figures exactly: fifteen digits before the point, fifteen after it, and fifty for how many there are."""


def unfit(figure: Decimal) -> str | None:
    """Why it is no figure that can be kept, or ``None``."""
    if not figure.is_finite():
        return "the value is no finite number"
    if figure.copy_abs() >= _LIMIT:
        return "the value is 10^15 or more"
    digits, places = _extent(figure)
    if max(digits, places) > DIGITS:
        return f"the value has more than {DIGITS} digits, or so many places after the point"
    return None


def checked(what: str, figure: Decimal) -> Decimal:
    """The figure in its shortest form. Raises ``Refused`` for one that is unfit."""
    if reason := unfit(figure):
        raise Refused(f"{what}: {reason}")
    return shortest(figure)


def read(text: str) -> Decimal:
    """A figure that was written as text. Raises ``ValueError`` or ``TypeError`` for anything else."""
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError("it is no figure") from error


def shortest(figure: Decimal) -> Decimal:
    """The same figure without zeros at its end, and without a sign if it is nought."""
    return figure.normalize(_EXACT) if figure else Decimal(0)


def added(one: Decimal, other: Decimal) -> Decimal:
    """Their exact sum."""
    return shortest(_EXACT.add(one, other))


def _extent(figure: Decimal) -> tuple[int, int]:
    """How many significant digits it has, and how many places after the point."""
    _, digits, exponent = figure.as_tuple()
    assert isinstance(exponent, int)
    written = "".join(map(str, digits)).lstrip("0")
    significant = written.rstrip("0")
    return len(significant), -(exponent + len(written) - len(significant)) if significant else 0
