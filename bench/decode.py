"""What it costs to read a transaction and to recover its sender: python -m bench decode.

CPU time of this process, the least of several rounds over a batch of 1000 different transactions.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from time import process_time_ns
from typing import Final, TypeVar

from coincurve import PublicKey

from txpool.core.candidate import Candidate
from txpool.core.head import Head
from txpool.core.kernel import NATIVE, Native
from txpool.core.rejection import Rejected
from txpool.core.rules import Fork
from txpool.core.settings import PoolSettings
from txpool.core.signature import address_of, sender_of, sign, signing_hash
from txpool.core.stateless import stateless_fault
from txpool.core.tx import DYNAMIC_FEE, LEGACY, Tx, decode, decode_carefully
from txpool.core.unsigned import Unsigned

BATCH: Final = 1_000
ROUNDS: Final = 15
CHAIN_ID: Final = 1337
KEYS: Final = [number.to_bytes(32, "big") for number in range(1, 11)]

HEAD: Final = Head(
    number=1,
    hash=bytes(32),
    parent_hash=bytes(32),
    time=0,
    gas_limit=30_000_000,
    base_fee=10**9,
    next_base_fee=10**9,
    blob_base_fee=1,
    fork=Fork.OSAKA,
)

Item = TypeVar("Item")
Result = TypeVar("Result")


def signed_batch(tx_type: int) -> list[bytes]:
    """Sign transfers, each with another nonce and value, by ten senders in turn."""
    return [
        sign(
            Unsigned(
                type=tx_type,
                chain_id=CHAIN_ID,
                nonce=number // len(KEYS),
                fee_cap=30 * 10**9,
                tip_cap=10**9 + number,
                gas=21_000,
                to=number.to_bytes(20, "big"),
                value=10**18 + number,
            ),
            KEYS[number % len(KEYS)],
        )
        for number in range(BATCH)
    ]


def timed(what: str, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Print what the work costs for each item, and return what came of it."""
    least = sys.maxsize
    results: list[Result] = []
    for _ in range(ROUNDS):
        results.clear()  # so that each round finds the memory of the one before
        start = process_time_ns()
        results += [work(item) for item in items]
        least = min(least, process_time_ns() - start)
    print(f"{what:<48} {least / len(items):8.0f} ns")
    return results


def measure(name: str, batch: list[bytes]) -> list[Tx]:
    """Take a batch of one type through every step up to the pool's door."""
    txs = timed(f"{name}: decode, hash, make the record", decode, batch)
    read = [tx for tx in txs if isinstance(tx, Tx)]
    assert [tx.nonce for tx in read] == [number // len(KEYS) for number in range(BATCH)]
    assert timed(f"{name}: the same, the careful way", decode_carefully, batch) == txs
    assert len(set(timed(f"{name}: signing hash", signing_hash, read))) == BATCH
    senders = timed(f"{name}: sender, signing hash included", partial(sender_of, chain_id=CHAIN_ID), read)
    assert senders == [address_of(key) for key in KEYS] * (BATCH // len(KEYS))
    candidates = [Candidate(tx, sender, arrival=0) for tx, sender in zip(read, senders, strict=True)]
    check = partial(stateless_fault, head=HEAD, settings=PoolSettings())
    assert timed(f"{name}: stateless checks", check, candidates) == [None] * BATCH
    return read


def measure_native(native: Native, batch: list[bytes], txs: list[Tx]) -> None:
    """Take a batch through the native kernel, in one call each, and one by one."""
    one_by_one = [[raw] for raw in batch]
    assert timed("native: decode, one by one", native.decode, one_by_one) == [[tx] for tx in txs]
    assert timed_whole("native: decode, a batch", lambda: native.decode(batch)) == txs
    signers = timed_whole("native: senders, a batch", lambda: native.signers(txs, CHAIN_ID))
    assert [sender for sender, _ in signers] == [address_of(key) for key in KEYS] * (BATCH // len(KEYS))


def timed_whole(what: str, work: Callable[[], list[Result]]) -> list[Result]:
    """Print what the work costs for each of its results, and return them."""
    least, results = sys.maxsize, []
    for _ in range(ROUNDS):
        start = process_time_ns()
        results = work()
        least = min(least, process_time_ns() - start)
    print(f"{what:<48} {least / len(results):8.0f} ns")
    return results


def bare_recovery(tx: Tx) -> bytes:
    """Make the library call alone, for comparison."""
    signature = (tx.r << 264 | tx.s << 8 | tx.v).to_bytes(65, "big")
    return PublicKey.from_signature_and_message(signature, tx.hash, hasher=None).format(compressed=False)


def main(arguments: Sequence[str] = ()) -> None:
    """Print a line for each step."""
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    measure("legacy", signed_batch(LEGACY))
    batch = signed_batch(DYNAMIC_FEE)
    txs = measure("1559", batch)
    assert len(timed("coincurve alone, a public key", bare_recovery, txs)) == BATCH
    if NATIVE is None:
        print("the native kernel is not built")
    else:
        measure_native(NATIVE, batch, txs)
    refusals = timed("refuse one cut short", decode, [raw[:-1] for raw in batch])
    assert all(isinstance(refusal, Rejected) for refusal in refusals)


if __name__ == "__main__":
    main(sys.argv[1:])
