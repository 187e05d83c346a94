"""Hexadecimal as people hand it in, read before a server sees it: mistakes are told in words of the input."""

import re
from string import hexdigits
from typing import Final

HASH_DIGITS: Final = 64
SHOWN: Final = 20  # digits of what may be long
_NO_DIGIT: Final = re.compile(r"[^0-9a-fA-F]")


def prefixed(text: str) -> str:
    """With `0x` in front."""
    return "0x" + text[2:] if text[:2] in ("0x", "0X") else "0x" + text


def fault_of(text: str) -> str | None:
    """Why it is no bytes in hexadecimal; None if it is."""
    digits = text.removeprefix("0x")
    if other := _NO_DIGIT.search(digits):
        return f"no hexadecimal: {other.group()!r} at digit {other.start() + 1} of {text[:SHOWN]!r}"
    if len(digits) % 2:
        return f"no bytes: {len(digits)} hexadecimal digits, and each byte has two"
    return None


def parse_hash(text: str) -> str:
    """Read the hash of a transaction, with or without `0x`.

    Raises:
        ValueError: it is none.
    """
    digits = text.removeprefix("0x")
    if len(digits) != HASH_DIGITS or not all(digit in hexdigits for digit in digits):
        raise ValueError(f"{text!r} is no hash of a transaction: 0x and {HASH_DIGITS} hexadecimal digits are one")
    return "0x" + digits.lower()
