"""Exact decimals, small enough for an event with a few of them to stay below a kilobyte."""

from decimal import Context, Decimal, Inexact, InvalidOperation

from watchkeeper.observability.refusals import Refused

DIGITS = 15
"""At most so many significant digits, and so many decimal places: a 64-bit float round-trips them unchanged."""

_LIMIT = Decimal(10) ** DIGITS
_NEAREST = Context(prec=DIGITS)
_LAST_PLACE = Decimal(1).scaleb(-DIGITS)
_EXACT = Context(prec=80, traps=[Inexact])
"""Adds exactly: fifteen digits before the point, fifteen after it, and fifty spare for the number of addends."""


def unfit(figure: Decimal) -> str | None:
    """Why it cannot be stored, or ``None``."""
    if not figure.is_finite():
        return "the value is not a finite number"
    if figure.copy_abs() >= _LIMIT:
        return "the value is 10^15 or more"
    digits, places = _extent(figure)
    if max(digits, places) > DIGITS:
        return f"the value has more than {DIGITS} significant digits or decimal places"
    return None


def rounded(figure: Decimal) -> Decimal:
    """Rounded to as many digits and decimal places as can be stored; one that is closer to zero becomes zero."""
    nearest = _NEAREST.plus(figure)
    _, places = _extent(nearest)
    return nearest if places <= DIGITS else nearest.quantize(_LAST_PLACE)


def checked(what: str, figure: Decimal) -> Decimal:
    """The number in its shortest form. Raises ``Refused`` if it is unfit."""
    if reason := unfit(figure):
        raise Refused(f"{what}: {reason}")
    return shortest(figure)


def read(text: str) -> Decimal:
    """A number that was stored as text. Raises ``ValueError`` or ``TypeError`` for anything else."""
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError("it is not a number") from error


def shortest(figure: Decimal) -> Decimal:
    """The same number without trailing zeros, and without a sign if it is zero."""
    return figure.normalize(_EXACT) if figure else Decimal(0)


def added(one: Decimal, other: Decimal) -> Decimal:
    """Their exact sum."""
    return shortest(_EXACT.add(one, other))


def _extent(figure: Decimal) -> tuple[int, int]:
    """How many significant digits and how many decimal places it has."""
    _, digits, exponent = figure.as_tuple()
    assert isinstance(exponent, int)
    written = "".join(map(str, digits)).lstrip("0")
    significant = written.rstrip("0")
    return len(significant), -(exponent + len(written) - len(significant)) if significant else 0
