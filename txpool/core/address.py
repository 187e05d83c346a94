"""Addresses as people read them."""

from txpool.core.keccak import keccak


def checksum_address(address: bytes) -> str:
    """Write a 20-byte address with its checksum in the case of its letters (EIP-55)."""
    digits = address.hex()
    digest = keccak(digits.encode()).hex()
    letters = (digit.upper() if nibble > "7" else digit for digit, nibble in zip(digits, digest, strict=False))
    return "0x" + "".join(letters)
