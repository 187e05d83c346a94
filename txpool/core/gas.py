"""What a transaction must bring in gas before it runs: the intrinsic gas and the floor for its data, by fork."""

from typing import Final

from txpool.core.rules import Fork
from txpool.core.tx import Tx

BASE: Final = 21_000
CREATION: Final = 32_000  # beside the base, from Homestead on
ZERO_BYTE: Final = 4
NONZERO_BYTE_FRONTIER: Final = 68
NONZERO_BYTE: Final = 16  # EIP-2028
INITCODE_WORD: Final = 2  # EIP-3860
ACCESS_ADDRESS: Final = 2_400  # EIP-2930
ACCESS_KEY: Final = 1_900
AUTHORIZATION: Final = 25_000  # EIP-7702
FLOOR_TOKEN: Final = 10  # EIP-7623; a zero byte is one token, any other four

# Amsterdam, as far as it is settled.
AMSTERDAM_BASE: Final = 12_000
AMSTERDAM_CREATION: Final = 12_000
AMSTERDAM_CALL: Final = 3_000  # to another account
AMSTERDAM_TRANSFER: Final = 6_000  # of value to another account
AMSTERDAM_AUTHORIZATION: Final = 7_816
AMSTERDAM_ADDRESS: Final = 2_900 + 1_280
AMSTERDAM_KEY: Final = 2_000 + 2_048
AMSTERDAM_FLOOR_BYTE: Final = 64


def intrinsic_gas(tx: Tx, sender: bytes, fork: Fork) -> int:
    """Return the gas that is gone before the first step: for the kind of transaction, its data and its lists.

    The sender counts from Amsterdam on only, where a call to oneself is cheaper.
    """
    if fork >= Fork.AMSTERDAM:
        gas = _amsterdam_base(tx, sender)
        gas += tx.access_addresses * AMSTERDAM_ADDRESS + tx.access_keys * AMSTERDAM_KEY
        gas += len(tx.authorizations) * AMSTERDAM_AUTHORIZATION
    else:
        gas = BASE + CREATION if tx.to is None and fork >= Fork.HOMESTEAD else BASE
        if tx.type:
            gas += tx.access_addresses * ACCESS_ADDRESS + tx.access_keys * ACCESS_KEY
            gas += len(tx.authorizations) * AUTHORIZATION
    return gas + _data_gas(tx, fork) if tx.data else gas


def floor_gas(tx: Tx, sender: bytes, fork: Fork) -> int:
    """Return the least gas that the data costs, however little its execution takes (EIP-7623); 0 before Prague."""
    if fork < Fork.PRAGUE:
        return 0
    data = tx.data
    if fork >= Fork.AMSTERDAM:
        charged = len(data) + 20 * tx.access_addresses + 32 * tx.access_keys
        return _amsterdam_base(tx, sender) + AMSTERDAM_FLOOR_BYTE * charged
    if not data:
        return BASE
    zeros = data.count(0)
    return BASE + FLOOR_TOKEN * (zeros + 4 * (len(data) - zeros))


def _data_gas(tx: Tx, fork: Fork) -> int:
    data = tx.data
    zeros = data.count(0)
    nonzero_byte = NONZERO_BYTE if fork >= Fork.ISTANBUL else NONZERO_BYTE_FRONTIER
    gas = zeros * ZERO_BYTE + (len(data) - zeros) * nonzero_byte
    if tx.to is None and fork >= Fork.SHANGHAI:
        gas += INITCODE_WORD * ((len(data) + 31) // 32)
    return gas


def _amsterdam_base(tx: Tx, sender: bytes) -> int:
    if tx.to is None:
        return AMSTERDAM_BASE + AMSTERDAM_CREATION
    if tx.to == sender:
        return AMSTERDAM_BASE
    return AMSTERDAM_BASE + AMSTERDAM_CALL + (AMSTERDAM_TRANSFER if tx.value else 0)
