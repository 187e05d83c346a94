"""The object that `eth_call` and `eth_estimateGas` take: a transaction that nobody has signed."""

from typing import Any, Final

import msgspec

from txpool.core.tx import ACCESS_LIST, DYNAMIC_FEE, LEGACY, SET_CODE, Authorization, Tx
from txpool.rpc.arguments import Fault, Reader, address, big, byte_string, hash32, uint64
from txpool.rpc.errors import RpcError, invalid_argument

CALL_READERS: Final[dict[str, Reader]] = {
    "from": address,
    "to": address,
    "gas": uint64,
    "gasPrice": big,
    "maxFeePerGas": big,
    "maxPriorityFeePerGas": big,
    "value": big,
    "nonce": uint64,
    "data": byte_string,
    "input": byte_string,
    "chainId": big,
}
_NOBODY: Final = Authorization(0, bytes(20), 0, 0, 0, 0)


class CallArguments(msgspec.Struct, frozen=True, gc=False):
    """What the object says, as far as gas depends on it."""

    sender: bytes | None
    tx: Tx


def read_call(call: dict[str, Any]) -> CallArguments | RpcError:
    """Read the object; members that are null or that we do not know are passed over."""
    read: dict[str, Any] = {}
    for name, reader in CALL_READERS.items():
        if (given := call.get(name)) is not None:
            read[name] = reader(given)
            if isinstance(read[name], Fault):
                return invalid_argument(0, read[name].why)
    if "data" in read and "input" in read and read["data"] != read["input"]:
        return invalid_argument(0, 'both "data" and "input" are set and not equal. Please use "input" to pass data.')
    lists = _count_access_list(call.get("accessList"))
    if isinstance(lists, Fault):
        return invalid_argument(0, lists.why)
    tuples = call.get("authorizationList")
    authorizations = (_NOBODY,) * len(tuples) if isinstance(tuples, list) else ()
    return CallArguments(read.get("from"), _draft(read, lists, authorizations))


def _draft(read: dict[str, Any], lists: tuple[int, int] | None, authorizations: tuple[Authorization, ...]) -> Tx:
    kind = LEGACY if "gasPrice" in read else DYNAMIC_FEE
    if lists is not None and kind == LEGACY:
        kind = ACCESS_LIST
    if authorizations:
        kind = SET_CODE
    addresses, keys = lists or (0, 0)
    fee_cap = read.get("maxFeePerGas", read.get("gasPrice", 0))
    return Tx(
        type=kind,
        chain_id=None,
        nonce=read.get("nonce", 0),
        tip_cap=read.get("maxPriorityFeePerGas", fee_cap),
        fee_cap=fee_cap,
        gas=read.get("gas", 0),
        to=read.get("to"),
        value=read.get("value", 0),
        data=read.get("input", read.get("data", b"")),
        access_addresses=addresses,
        access_keys=keys,
        access_list=b"",
        authorizations=authorizations,
        blob_fee_cap=0,
        blob_hashes=(),
        v=0,
        r=0,
        s=0,
        hash=b"",
        raw=b"",
        size=0,
        sidecar=None,
    )


def _count_access_list(given: object) -> tuple[int, int] | Fault | None:
    """How many addresses and keys; None where there is no list."""
    if given is None:
        return None
    if not isinstance(given, list):
        return _no_list("types.AccessList")
    keys = 0
    for entry in given:
        fields = entry if isinstance(entry, dict) else {}
        slots = fields.get("storageKeys") or []
        if not isinstance(slots, list):
            return _no_list("[]common.Hash")
        for read in (address(fields.get("address")), *map(hash32, slots)):
            if isinstance(read, Fault):
                return read
        keys += len(slots)
    return len(given), keys


def _no_list(go_type: str) -> Fault:
    return Fault(f"json: cannot unmarshal non-array into Go value of type {go_type}")
