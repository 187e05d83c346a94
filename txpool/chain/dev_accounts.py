"""The funded accounts of the default genesis: those of the test mnemonic that every development tool knows.

Their keys are public. Whatever they own on a real chain is anybody's.
"""

import hashlib
import hmac
from typing import Final

import msgspec
from coincurve import PrivateKey

from txpool.core.signature import CURVE_ORDER, address_of

MNEMONIC: Final = "test test test test test test test test test test test junk"
COUNT: Final = 10
BALANCE: Final = 10_000 * 10**18

_HARDENED: Final = 1 << 31
_ETHEREUM_PATH: Final = (44 | _HARDENED, 60 | _HARDENED, _HARDENED, 0)


class DevAccount(msgspec.Struct, frozen=True, gc=False):
    """An address, and the key that signs for it."""

    address: bytes
    private_key: bytes


def dev_accounts(count: int = COUNT, mnemonic: str = MNEMONIC) -> list[DevAccount]:
    """Derive the first accounts of a mnemonic, at m/44'/60'/0'/0/index (BIP-39 without a passphrase, BIP-32)."""
    seed = hashlib.pbkdf2_hmac("sha512", mnemonic.encode(), b"mnemonic", 2048)
    node = hmac.digest(b"Bitcoin seed", seed, "sha512")
    for index in _ETHEREUM_PATH:
        node = _child(node, index)
    keys = [_child(node, index)[:32] for index in range(count)]
    return [DevAccount(address_of(key), key) for key in keys]


def _child(node: bytes, index: int) -> bytes:
    """Derive a child key with its chain code, 64 bytes as the parent's."""
    key, chain_code = node[:32], node[32:]
    material = b"\0" + key if index & _HARDENED else PrivateKey(key).public_key.format()
    digest = hmac.digest(chain_code, material + index.to_bytes(4, "big"), "sha512")
    child = (int.from_bytes(digest[:32], "big") + int.from_bytes(key, "big")) % CURVE_ORDER
    return child.to_bytes(32, "big") + digest[32:]
