"""Addresses as people read them."""

from typing import Final

from txpool.core.keccak import keccak

# A hex digit of the digest, over 7 or not, as the bit by which letters differ in case.
_CASE: Final = bytes(0x20 if chr(code) in "89abcdef" else 0 for code in range(256))
_CASE_BITS: Final = int.from_bytes(b"\x20" * 40)


def checksum_address(address: bytes) -> str:
    """Write a 20-byte address with its checksum in the case of its letters (EIP-55)."""
    digits = address.hex().encode()
    wanted = int.from_bytes(keccak(digits)[:20].hex().encode().translate(_CASE))
    text = int.from_bytes(digits)
    letters = text >> 1 & _CASE_BITS  # letters have the bit above, digits have not
    return "0x" + (text ^ (wanted & letters)).to_bytes(40).decode()
