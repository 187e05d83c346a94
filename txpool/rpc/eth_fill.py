"""`eth_fillTransaction`: what a wallet left out is filled in, and the transaction comes back ready to be signed."""

from typing import Any, Final

import msgspec
from msgspec.structs import replace

from txpool.core.head import Head
from txpool.core.pool import Pool
from txpool.core.rules import Fork
from txpool.core.tx import ACCESS_LIST, BLOB, DYNAMIC_FEE, LEGACY, SET_CODE, Authorization, Tx, decode
from txpool.core.unsigned import Unsigned, seal, signing_payload
from txpool.rpc.arguments import Fault, Parameters, Reader, address, big, hash32, members, uint64
from txpool.rpc.blocks import LATEST, find_state
from txpool.rpc.call_arguments import CALL_READERS
from txpool.rpc.chain_view import ChainView
from txpool.rpc.errors import RpcError, invalid_argument, refused
from txpool.rpc.eth_chain import EthChain
from txpool.rpc.method import Method, Methods
from txpool.rpc.render import Json, data, quantity, transaction_parts

BLOBS_MAX: Final = 6
NOBODY: Final = bytes(20)

_READERS: Final[dict[str, Reader]] = {**CALL_READERS, "maxFeePerBlobGas": big}


class Fees(msgspec.Struct, frozen=True, gc=False):
    """Wei a gas: a gas price, or the two caps."""

    price: int | None
    fee_cap: int = 0
    tip_cap: int = 0


class EthFill:
    """Fills in nonce, gas and fees as go-ethereum does."""

    def __init__(self, pool: Pool, chain: ChainView, calls: EthChain) -> None:
        """`calls` estimates the gas."""
        self._pool = pool
        self._chain = chain
        self._calls = calls

    def methods(self) -> Methods:
        """By name."""
        return {"eth_fillTransaction": Method(self._fill, Parameters(members))}

    def _fill(self, given: dict[str, Any]) -> Json | RpcError:
        read = _read(given)
        if isinstance(read, RpcError):
            return read
        if given.get("blobs") is not None:
            return refused("blobs are not taken here: give blobVersionedHashes")
        fees = self._fees(read)
        fault = fees if isinstance(fees, RpcError) else _fault(read)
        if fault is not None:
            return fault
        assert isinstance(fees, Fees), "else it were a fault"
        gas = self._gas(given, read)
        if isinstance(gas, RpcError):
            return gas
        wanted = read.get("chainId", self._chain.chain_id)
        if wanted != self._chain.chain_id:
            return refused(f"chainId does not match node's (have={wanted}, want={self._chain.chain_id})")
        return _shown(_unsigned(read, fees, gas, self._nonce(read), self._chain))

    def _nonce(self, read: dict[str, Any]) -> int:
        if "nonce" in read:
            return int(read["nonce"])
        owner = read.get("from", NOBODY)
        if (nonce := self._pool.next_nonce(owner)) is not None:
            return nonce
        state = find_state(self._chain, LATEST)
        assert not isinstance(state, RpcError), "the head's state is kept"
        return state.account(owner).nonce

    def _gas(self, given: dict[str, Any], read: dict[str, Any]) -> int | RpcError:
        if "gas" in read:
            return int(read["gas"])
        asked = {name: value for name, value in given.items() if name not in _NOT_ESTIMATED}
        estimated = self._calls.estimate(asked, LATEST)
        return estimated if isinstance(estimated, RpcError) else int(estimated, 16)

    def _fees(self, read: dict[str, Any]) -> Fees | RpcError:
        """The fees that are given, or what recent blocks make of those that are not."""
        head = self._chain.head()
        london = head.base_fee is not None
        price, fee_cap, tip_cap = (read.get(name) for name in ("gasPrice", "maxFeePerGas", "maxPriorityFeePerGas"))
        if read.get("maxFeePerBlobGas") == 0:
            return refused("maxFeePerBlobGas, if specified, must be non-zero")
        if price is not None:
            if fee_cap is not None or tip_cap is not None:
                return refused("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
            if "authorizationList" in read:
                return refused("both gasPrice and authorizationList specified")
            return refused("gasPrice must be non-zero after london fork") if london and not price else Fees(price)
        if fee_cap == 0 and tip_cap is not None:
            return refused("maxFeePerGas must be non-zero")
        if not london:
            if fee_cap is not None or tip_cap is not None:
                return refused("maxFeePerGas and maxPriorityFeePerGas are not valid before London is active")
            return Fees(self._chain.suggested_tip())
        return self._caps(head, fee_cap, tip_cap)

    def _caps(self, head: Head, fee_cap: int | None, tip_cap: int | None) -> Fees | RpcError:
        tip = self._chain.suggested_tip() if tip_cap is None else tip_cap
        cap = tip + 2 * (head.base_fee or 0) if fee_cap is None else fee_cap
        if cap < tip:
            return refused(f"maxFeePerGas ({cap}) < maxPriorityFeePerGas ({tip})")
        return Fees(None, cap, tip)


_NOT_ESTIMATED: Final = frozenset({"nonce", "chainId"})


def _read(given: dict[str, Any]) -> dict[str, Any] | RpcError:
    """What is given and not null, as values."""
    read: dict[str, Any] = {}
    for name, reader in _READERS.items():
        if (value := given.get(name)) is not None:
            read[name] = reader(value)
            if isinstance(read[name], Fault):
                return invalid_argument(0, read[name].why)
    for name, of_list in (
        ("accessList", _access_list),
        ("blobVersionedHashes", _hashes),
        ("authorizationList", _authorizations),
    ):
        if (value := given.get(name)) is not None:
            entries = of_list(value)
            if isinstance(entries, Fault):
                return invalid_argument(0, entries.why)
            read[name] = entries
    return read


def _fault(read: dict[str, Any]) -> RpcError | None:
    """Whether what is given makes a transaction, in go-ethereum's order."""
    if "data" in read and "input" in read and read["data"] != read["input"]:
        why = 'both "data" and "input" are set and not equal. Please use "input" to pass transaction call data'
        return refused(why)
    hashes = read.get("blobVersionedHashes")
    if hashes is not None and not hashes:
        return refused("need at least 1 blob for a blob transaction")
    if hashes is not None and len(hashes) > BLOBS_MAX:
        return refused(f"too many blobs in transaction (have={len(hashes)}, max={BLOBS_MAX})")
    if "to" not in read:
        if hashes is not None:
            return refused('missing "to" in blob transaction')
        if not read.get("input", read.get("data")):
            return refused("contract creation without any data provided")
        if "authorizationList" in read:
            return refused('authorizationList provided for contract creation, but "to" field is missing')
    return None


def _unsigned(read: dict[str, Any], fees: Fees, gas: int, nonce: int, chain: ChainView) -> Unsigned:
    head = chain.head()
    hashes = read.get("blobVersionedHashes", ())
    blob_fee_cap = 2 * head.blob_base_fee if hashes and head.fork >= Fork.CANCUN else 0
    return Unsigned(
        type=_type(read, fees),
        chain_id=chain.chain_id,
        nonce=nonce,
        fee_cap=fees.fee_cap if fees.price is None else fees.price,
        tip_cap=fees.tip_cap,
        gas=gas,
        to=read.get("to"),
        value=read.get("value", 0),
        data=read.get("input", read.get("data", b"")),
        access_list=read.get("accessList", ()),
        authorizations=read.get("authorizationList", ()),
        blob_fee_cap=read.get("maxFeePerBlobGas", blob_fee_cap),
        blob_hashes=hashes,
    )


def _type(read: dict[str, Any], fees: Fees) -> int:
    """The type, which the members decide; a gas price makes a legacy transaction of everything."""
    if fees.price is not None:
        return LEGACY
    if "authorizationList" in read:
        return SET_CODE
    return BLOB if "blobVersionedHashes" in read else DYNAMIC_FEE


def _shown(unsigned: Unsigned) -> Json:
    """The transaction with zeros where the signature will be, and its members."""
    unprotected = replace(unsigned, chain_id=0)  # what is signed of it ends in three zeros
    raw = signing_payload(unprotected) if unsigned.type == LEGACY else seal(unsigned, 0, 0, 0)
    tx = decode(raw)
    assert isinstance(tx, Tx), "made of values in their bounds"
    return {"raw": data(raw), "tx": _bare(tx)}


def _bare(tx: Tx) -> Json:
    """The members of a transaction that is in no block and has no sender yet, in go-ethereum's order."""
    parts = transaction_parts(tx)
    typed = tx.type >= ACCESS_LIST
    priced = tx.type < DYNAMIC_FEE
    shown: Json = {"type": parts["type"]}
    if typed:
        shown["chainId"] = parts["chainId"]
    shown |= {name: parts[name] for name in ("nonce", "to", "gas")}
    shown["gasPrice"] = quantity(tx.fee_cap) if priced else None
    shown["maxPriorityFeePerGas"] = None if priced else quantity(tx.tip_cap)
    shown["maxFeePerGas"] = None if priced else quantity(tx.fee_cap)
    rest = ("maxFeePerBlobGas", "value", "input", "accessList", "blobVersionedHashes", "authorizationList")
    shown |= {name: parts[name] for name in (*rest, "v", "r", "s", "yParity", "hash") if name in parts}
    return shown


# --- lists


def _no_list(go_type: str) -> Fault:
    return Fault(f"json: cannot unmarshal non-array into Go value of type {go_type}")


def _hashes(value: object) -> list[bytes] | Fault:
    if not isinstance(value, list):
        return _no_list("[]common.Hash")
    read = [hash32(each) for each in value]
    return next((each for each in read if isinstance(each, Fault)), None) or [
        each for each in read if isinstance(each, bytes)
    ]


def _access_list(value: object) -> list[tuple[bytes, list[bytes]]] | Fault:
    if not isinstance(value, list):
        return _no_list("types.AccessList")
    entries: list[tuple[bytes, list[bytes]]] = []
    for entry in value:
        fields = entry if isinstance(entry, dict) else {}
        owner, keys = address(fields.get("address")), _hashes(fields.get("storageKeys") or [])
        if isinstance(owner, Fault):
            return owner
        if isinstance(keys, Fault):
            return keys
        entries.append((owner, keys))
    return entries


_TUPLE: Final[tuple[tuple[str, Reader], ...]] = (
    ("chainId", big),
    ("address", address),
    ("nonce", uint64),
    ("yParity", uint64),
    ("r", big),
    ("s", big),
)


def _authorizations(value: object) -> list[Authorization] | Fault:
    if not isinstance(value, list):
        return _no_list("[]types.SetCodeAuthorization")
    entries: list[Authorization] = []
    for entry in value:
        fields = entry if isinstance(entry, dict) else {}
        read = [reader(fields.get(name)) for name, reader in _TUPLE]
        if fault := next((each for each in read if isinstance(each, Fault)), None):
            return fault
        entries.append(Authorization(*read))
    return entries
