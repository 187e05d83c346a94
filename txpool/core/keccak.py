"""Keccak-256: the hash from before SHA3-256 got its padding."""

from sha3 import keccak_256  # type: ignore[import-untyped]  # the package carries no types


def keccak(text: bytes) -> bytes:
    """Hash to 32 bytes."""
    digest: bytes = keccak_256(text).digest()
    return digest
