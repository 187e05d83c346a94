"""Transactions that were recorded elsewhere, read from a file: raw ones, or as another node shows them.

Two forms. Lines, each a signed transaction in hexadecimal, in the order in which they came; empty ones and what begins
with `#` do not count. Or JSON: an answer to `txpool_content`, to `eth_getBlockByNumber` with whole transactions, or
anything else that has transactions in it, as objects or as strings; these are put in rounds, each sender's next nonce
after the other's, since such an answer has no order of arrival.
"""

import json
from binascii import unhexlify
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any, Final

import msgspec

from txpool.core.rejection import Rejected
from txpool.core.signature import sender_of
from txpool.core.tx import BLOB, LEGACY, Authorization, Tx, decode, protected_chain_id
from txpool.core.unsigned import Unsigned, seal

Object = Mapping[str, Any]

SIGNED: Final = frozenset({"nonce", "gas", "input", "v", "r", "s"})  # members that every transaction has
RAW_CHARS_MIN: Final = 160  # of a signed transaction in hexadecimal; hashes and addresses are shorter


class RecordedError(Exception):
    """The file holds no transactions; the message says why."""


class Recorded(msgspec.Struct, frozen=True):
    """What can be sent to a chain of that id, and what was left out, by the reason."""

    chain_id: int
    raws: Sequence[bytes]
    txs: Sequence[Tx]
    senders: Sequence[bytes]
    left_out: Mapping[str, int]


def read_recorded(text: str, chain_id: int | None = None) -> Recorded:
    """Read a file's content; the chain is that of most of its transactions, unless it is named.

    Raises:
        RecordedError: there is nothing in it that could be sent.
    """
    left_out: Counter[str] = Counter()
    try:
        document = json.loads(text) if text.lstrip()[:1] in {"{", "["} else None
    except ValueError as error:
        raise RecordedError(f"is no JSON: {error}") from None
    found = list(_distinct(_raws(document) if document is not None else _lines(text), left_out))
    chains = Counter(tx.chain_id for _, tx in found if tx.chain_id is not None)
    if not chains:
        raise RecordedError(f"holds no transaction that could be sent{_reasons(left_out)}")
    wanted = chain_id or chains.most_common(1)[0][0]
    kept = list(_sendable(found, wanted, left_out))
    if document is not None:
        kept = _in_rounds(kept)
    if not kept:
        raise RecordedError(f"holds no transaction for chain {wanted}{_reasons(left_out)}")
    raws, txs, senders = zip(*kept, strict=True)
    return Recorded(wanted, raws, txs, senders, dict(left_out))


def _reasons(left_out: Mapping[str, int]) -> str:
    return "".join(f"; {count} left out: {why}" for why, count in left_out.items())


# --- what the file has


def _lines(text: str) -> Iterator[bytes | None]:
    for line in map(str.strip, text.splitlines()):
        if line and not line.startswith("#"):
            yield _octets(line)


def _raws(value: Any) -> Iterator[bytes | None]:  # noqa: ANN401 - as JSON has it
    """Every transaction anywhere in a document."""
    if isinstance(value, dict):
        if value.keys() >= SIGNED:
            yield _encoded(value)
            return
        value = list(value.values())
    if isinstance(value, list):
        yield from chain.from_iterable(map(_raws, value))
    elif isinstance(value, str) and value.startswith("0x") and len(value) >= RAW_CHARS_MIN:
        yield _octets(value)


def _octets(text: str) -> bytes | None:
    try:
        return unhexlify(text.removeprefix("0x"))
    except ValueError:
        return None


def _distinct(raws: Iterable[bytes | None], left_out: Counter[str]) -> Iterator[tuple[bytes, Tx]]:
    seen: set[bytes] = set()
    for raw in raws:
        tx = None if raw is None else decode(raw)
        if raw is None or not isinstance(tx, Tx):
            left_out["no transaction"] += 1
        elif tx.hash in seen:
            left_out["twice"] += 1
        else:
            seen.add(tx.hash)
            yield raw, tx


def _sendable(
    found: Iterable[tuple[bytes, Tx]], chain_id: int, left_out: Counter[str]
) -> Iterator[tuple[bytes, Tx, bytes]]:
    for raw, tx in found:
        sender = sender_of(tx, chain_id)
        if tx.type == BLOB and tx.sidecar is None:
            left_out["blob transaction without its blobs"] += 1
        elif tx.chain_id is None:
            left_out["no replay protection"] += 1
        elif tx.chain_id != chain_id:
            left_out["of another chain"] += 1
        elif isinstance(sender, Rejected):
            left_out["signed by nobody"] += 1
        else:
            yield raw, tx, sender


def _in_rounds(kept: Iterable[tuple[bytes, Tx, bytes]]) -> list[tuple[bytes, Tx, bytes]]:
    by_sender: defaultdict[bytes, list[tuple[bytes, Tx, bytes]]] = defaultdict(list)
    for each in kept:
        by_sender[each[2]].append(each)
    queues = [sorted(queue, key=lambda each: each[1].nonce) for queue in by_sender.values()]
    return [each for turn in zip_longest(*queues) for each in turn if each is not None]


# --- a transaction as JSON


def _encoded(shown: Object) -> bytes | None:
    """The signed bytes of a transaction that a node shows; None where its members make none."""
    try:
        return _sealed(shown)
    except (KeyError, ValueError, TypeError, OverflowError):
        return None


def _sealed(shown: Object) -> bytes:
    kind, v = _number(shown.get("type") or "0x0"), _number(shown["v"])
    chain_id = protected_chain_id(v) if kind == LEGACY else _number(shown["chainId"])
    price = shown.get("maxFeePerGas") or shown["gasPrice"]
    to = shown.get("to")
    unsigned = Unsigned(
        type=kind,
        chain_id=chain_id,
        nonce=_number(shown["nonce"]),
        tip_cap=_number(shown.get("maxPriorityFeePerGas") or price),
        fee_cap=_number(price),
        gas=_number(shown["gas"]),
        to=unhexlify(to[2:]) if to else None,
        value=_number(shown.get("value") or "0x0"),
        data=unhexlify(shown["input"][2:]),
        access_list=[_access(entry) for entry in shown.get("accessList") or ()],
        authorizations=[_authorization(each) for each in shown.get("authorizationList") or ()],
        blob_fee_cap=_number(shown.get("maxFeePerBlobGas") or "0x0"),
        blob_hashes=[unhexlify(each[2:]) for each in shown.get("blobVersionedHashes") or ()],
    )
    parity = v if kind else v - (27 if chain_id is None else 35 + 2 * chain_id)
    return seal(unsigned, parity, _number(shown["r"]), _number(shown["s"]))


def _number(text: str) -> int:
    return int(text, 16)


def _access(entry: Object) -> tuple[bytes, list[bytes]]:
    return unhexlify(entry["address"][2:]), [unhexlify(key[2:]) for key in entry.get("storageKeys") or ()]


def _authorization(given: Object) -> Authorization:
    return Authorization(
        chain_id=_number(given["chainId"]),
        address=unhexlify(given["address"][2:]),
        nonce=_number(given["nonce"]),
        y_parity=_number(given["yParity"]),
        r=_number(given["r"]),
        s=_number(given["s"]),
    )
