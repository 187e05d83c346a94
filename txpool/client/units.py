"""Amounts of ether as people write them, and back; bytes in hexadecimal."""

import re
from typing import Final

PLACES: Final = {"": 0, "wei": 0, "gwei": 9, "ether": 18, "eth": 18}
VALUE_MAX: Final = 2**256 - 1
_HEXADECIMAL: Final = re.compile("0x[0-9a-fA-F]+")
_AMOUNT: Final = re.compile(r"(\d+)(?:\.(\d+))?\s*([a-z]*)", re.ASCII)


def parse_amount(text: str) -> int:
    """Read `1ether`, `0.5gwei`, `7wei`, `7` (wei) or `0x7`, as wei.

    Raises:
        ValueError: it is no amount, no whole number of wei, or beyond 256 bits.
    """
    if _HEXADECIMAL.fullmatch(text):
        wei = int(text, 16)
    else:
        found = _AMOUNT.fullmatch(text.strip().lower())
        if not found or found[3] not in PLACES:
            raise ValueError(f"{text!r} is no amount: write 1ether, 2.5gwei or 100wei")
        fraction = (found[2] or "").rstrip("0")
        places = PLACES[found[3]]
        if len(fraction) > places:
            raise ValueError(f"{text!r} is no whole number of wei")
        wei = int(found[1] + fraction.ljust(places, "0"))
    if wei > VALUE_MAX:
        raise ValueError(f"{text!r} is more than 2^256-1 wei")
    return wei


def parse_data(text: str) -> bytes:
    """Read bytes in hexadecimal, with or without `0x`.

    Raises:
        ValueError: they are not.
    """
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise ValueError(f"{text!r} is no data: write two hexadecimal digits a byte, as in 0x00ff") from None


def format_gwei(wei: int) -> str:
    """Write a fee a gas in gwei, to the last wei."""
    return f"{_decimal(wei, 9)} gwei"


def format_value(wei: int) -> str:
    """Write an amount to the last wei, in the largest unit that needs few zeros."""
    if wei and wei < 10**6:
        return f"{wei} wei"
    return f"{_decimal(wei, 18)} ether" if wei % 10**12 == 0 or wei >= 10**18 else format_gwei(wei)


def _decimal(wei: int, places: int) -> str:
    whole, rest = divmod(wei, 10**places)
    return f"{whole}.{rest:0{places}d}".rstrip("0").rstrip(".")
