"""Transfers as if decoded and recovered, made on the fly: what the benchmarks of the pool itself feed to it."""

from hashlib import blake2b
from typing import Final

from txpool.core.candidate import Candidate
from txpool.core.tx import Tx

RAW_BYTES: Final = 115  # a transfer of type 2 on the wire
GWEI: Final = 10**9


def address(number: int) -> bytes:
    """Account `number`."""
    return blake2b(number.to_bytes(8, "big"), digest_size=20, person=b"sender").digest()


def offer(serial: int, sender: int, nonce: int, tip: int, *, fee_cap: int | None = None) -> Candidate:
    """Transfer `serial`, whose number makes its hash; `tip` in wei, the fee cap twice as much where none is given."""
    unique = blake2b(serial.to_bytes(8, "big"), digest_size=32).digest()
    tx = Tx(
        type=2,
        chain_id=1337,
        nonce=nonce,
        tip_cap=tip,
        fee_cap=fee_cap or 2 * tip,
        gas=21_000,
        to=unique[:20],
        value=serial,
        data=b"",
        access_addresses=0,
        access_keys=0,
        access_list=b"\xc0",
        authorizations=(),
        blob_fee_cap=0,
        blob_hashes=(),
        v=0,
        r=1,
        s=1,
        hash=unique,
        raw=b"\x02" + unique * 3 + unique[: RAW_BYTES - 97],
        size=RAW_BYTES,
        sidecar=None,
    )
    return Candidate(tx, address(sender), serial)
