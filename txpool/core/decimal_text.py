"""Numbers of any size in decimal digits.

`str` refuses a number of more than 4300 digits, since it takes time that grows with the square of them; a transaction
may name a chain id of a hundred thousand, and geth repeats it when it refuses.
"""

from decimal import MAX_EMAX, MAX_PREC, Context, Decimal, Inexact, localcontext
from typing import Final

_SHORT_BITS: Final = 2_048
_EXACT: Final = Context(prec=MAX_PREC, Emax=MAX_EMAX, traps=[Inexact])


def decimal_text(number: int) -> str:
    """Write a number that is not negative in decimal digits."""
    if number.bit_length() <= _SHORT_BITS:
        return str(number)
    with localcontext(_EXACT):
        return str(_to_decimal(number, number.bit_length(), {}))


def _to_decimal(number: int, width: int, powers: dict[int, Decimal]) -> Decimal:
    """Convert the halves and join them: multiplying decimals is fast where converting a long number is not."""
    if width <= _SHORT_BITS:
        return Decimal(number)
    half = width // 2
    if half not in powers:
        powers[half] = Decimal(2) ** half
    low = _to_decimal(number & ((1 << half) - 1), half, powers)
    return low + _to_decimal(number >> half, width - half, powers) * powers[half]
