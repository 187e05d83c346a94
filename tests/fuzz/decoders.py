"""What must hold for any bytes at all: every way of decoding gives the same verdict, and nothing breaks on it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import msgspec

from txpool.core.access_list import parse_access_list
from txpool.core.blob_sidecar import encode_network
from txpool.core.kernel import NATIVE
from txpool.core.rejection import Reason, Rejected
from txpool.core.signature import sender_of
from txpool.core.tx import Tx, decode, decode_carefully
from txpool.ingest.gate import Gate
from txpool.rpc.render import pooled_transaction

Decoder = Callable[[bytes], Tx | Rejected]


def _first_of(decode_all: Callable[[list[bytes]], list[Tx | Rejected]], raw: bytes) -> Tx | Rejected:
    return decode_all([raw])[0]


# All of them, the reference first. A further one has to be named here only.
DECODERS: Final[Mapping[str, Decoder]] = {"careful": decode_carefully, "quick": decode} | (
    {} if NATIVE is None else {"native": partial(_first_of, NATIVE.decode)}
)

_CHAIN_ID: Final = 1337
_GATE: Final = Gate()


def fault(raw: bytes, decoders: Mapping[str, Decoder] = DECODERS) -> str | None:
    """Say what goes wrong with these bytes; None when all is well."""
    (name, first), *others = [(name, _outcome(decoder, raw)) for name, decoder in decoders.items()]
    if isinstance(first, str):
        return f"{name} breaks: {first}"
    for other, outcome in others:
        if outcome != first:
            return f"{name} says {_told(first)}, {other} says {_told(outcome)}"
    try:
        return _fault_of_refusal(first) if isinstance(first, Rejected) else _fault_of_tx(first, raw)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a find
        return f"what follows breaks: {error!r}"


def _outcome(decoder: Decoder, raw: bytes) -> Tx | Rejected | str:
    try:
        outcome: object = decoder(raw)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a find
        return repr(error)
    return outcome if isinstance(outcome, Tx | Rejected) else f"neither transaction nor refusal: {outcome!r}"


def _told(outcome: Tx | Rejected | str) -> str:
    return repr(outcome) if isinstance(outcome, Tx) else str(outcome)


def _fault_of_refusal(refusal: Rejected) -> str | None:
    return None if refusal.reason is Reason.UNDECODABLE and str(refusal) else f"an odd refusal: {refusal!r}"


def _fault_of_tx(tx: Tx, raw: bytes) -> str | None:
    """Use the transaction as the daemon does: nothing may break, and what it says of itself must be so."""
    again = tx.raw if tx.sidecar is None else encode_network(tx.raw, tx.sidecar)
    if again != raw:
        return f"it is encoded as 0x{again.hex()}"
    bare = decode(tx.raw)
    if not isinstance(bare, Tx) or bare.hash != tx.hash:
        return "its canonical form is another transaction"
    listed = parse_access_list(tx.access_list)
    if (len(listed), sum(len(keys) for _, keys in listed)) != (tx.access_addresses, tx.access_keys):
        return "its access list is miscounted"
    str(_GATE.fault(tx))
    str(sender_of(tx, _CHAIN_ID))
    msgspec.json.encode(pooled_transaction(tx, bytes(20)))
    return None if tx.cost >= 0 else "it costs less than nothing"
