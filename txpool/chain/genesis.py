"""Genesis files in geth's format: the first block, the accounts there, and when which fork begins."""

import json
import re
from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from txpool.chain.dev_accounts import BALANCE, dev_accounts
from txpool.chain.state import AccountState
from txpool.core.rules import Fork, ForkSchedule

DEV_CHAIN_ID: Final = 1337
DEV_GAS_LIMIT: Final = 30_000_000
GWEI: Final = 10**9

Json: TypeAlias = "Mapping[str, Json] | list[Json] | str | int | float | bool | None"
Storage: TypeAlias = dict[bytes, bytes]  # 32 bytes to 32 bytes

_HEX_NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]+")
_MISSING: Final[Mapping[str, Json]] = {}


class GenesisError(ValueError):
    """The document is no genesis that this chain can start from; the text names the place."""


class Genesis(msgspec.Struct, frozen=True):
    """Block 0 and its state. Wei, gas, seconds since the epoch."""

    schedule: ForkSchedule
    accounts: dict[bytes, AccountState]
    storage: dict[bytes, Storage]
    time: int
    gas_limit: int
    difficulty: int
    base_fee: int | None
    excess_blob_gas: int
    blob_gas_used: int
    extra_data: bytes
    miner: bytes
    mix_hash: bytes
    nonce: bytes
    parent_hash: bytes


def read_genesis(text: str | bytes) -> Genesis:
    """Read a genesis file.

    Raises:
        GenesisError: it is no JSON object, or a member is missing or wrong.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise GenesisError(f"genesis: not JSON: {error}") from None
    return parse_genesis(document)


def parse_genesis(document: Json) -> Genesis:
    """Read a genesis document that is parsed already; members as geth reads them, numbers hex or decimal.

    Raises:
        GenesisError: a member is missing or wrong.
    """
    top = _members(document, "genesis")
    schedule = _schedule(top)
    time = _number(top, "timestamp", 64)
    if _number(top, "number", 64):
        raise GenesisError("genesis.number: this chain starts at block 0")
    alloc = {_address(key, f"alloc.{key}"): _members(value, f"alloc.{key}") for key, value in _alloc(top)}
    storage = {address: _storage(account, f"alloc.{address.hex()}") for address, account in alloc.items()}
    return Genesis(
        schedule=schedule,
        accounts={address: _account(account, f"alloc.{address.hex()}") for address, account in alloc.items()},
        storage={address: slots for address, slots in storage.items() if slots},
        time=time,
        gas_limit=_gas_limit(top),
        difficulty=_number(top, "difficulty", 256),
        base_fee=_number(top, "baseFeePerGas", 256, GWEI) if schedule.at(0, time) >= Fork.LONDON else None,
        excess_blob_gas=_number(top, "excessBlobGas", 64),
        blob_gas_used=_number(top, "blobGasUsed", 64),
        extra_data=_bytes(top, "extraData"),
        miner=_bytes(top, "coinbase", 20),
        mix_hash=_bytes(top, "mixHash", 32),
        nonce=_number(top, "nonce", 64).to_bytes(8, "big"),
        parent_hash=_bytes(top, "parentHash", 32),
    )


def dev_genesis(time: int) -> dict[str, Json]:
    """The default genesis as a document in geth's format: Osaka rules, ten funded accounts with well-known keys."""
    return {
        "config": {
            "chainId": DEV_CHAIN_ID,
            **dict.fromkeys(_DEV_FORKS, 0),
            "terminalTotalDifficulty": 0,
            "blobSchedule": _DEV_BLOB_SCHEDULE,
        },
        "timestamp": hex(time),
        "gasLimit": hex(DEV_GAS_LIMIT),
        "difficulty": "0x0",
        "baseFeePerGas": hex(GWEI),
        "alloc": {f"0x{account.address.hex()}": {"balance": hex(BALANCE)} for account in dev_accounts()},
    }


_DEV_FORKS: Final = (
    *(f"{name}Block" for name in ("homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople")),
    *(f"{name}Block" for name in ("petersburg", "istanbul", "berlin", "london")),
    *(f"{name}Time" for name in ("shanghai", "cancun", "prague", "osaka", "bpo1", "bpo2")),
)

# Mainnet's.
_DEV_BLOB_SCHEDULE: Final[dict[str, Json]] = {
    fork: {"target": target, "max": most, "baseFeeUpdateFraction": fraction}
    for fork, target, most, fraction in (
        ("cancun", 3, 6, 3_338_477),
        ("prague", 6, 9, 5_007_716),
        ("osaka", 6, 9, 5_007_716),
        ("bpo1", 10, 15, 8_346_193),
        ("bpo2", 14, 21, 11_684_671),
    )
}


def _schedule(top: Mapping[str, Json]) -> ForkSchedule:
    config = _members(top.get("config"), "genesis.config")
    try:
        return ForkSchedule.from_config(config)
    except (KeyError, TypeError, ValueError) as error:
        raise GenesisError(f"genesis.config: {error}") from None


def _alloc(top: Mapping[str, Json]) -> list[tuple[str, Json]]:
    if "alloc" not in top:
        raise GenesisError("genesis.alloc: missing")
    return list(_members(top["alloc"], "genesis.alloc").items())


def _gas_limit(top: Mapping[str, Json]) -> int:
    limit = _number(top, "gasLimit", 64)
    if limit < 21_000:
        raise GenesisError("genesis.gasLimit: no transaction fits into a block")
    return limit


def _account(account: Mapping[str, Json], where: str) -> AccountState:
    if "balance" not in account:
        raise GenesisError(f"{where}.balance: missing")
    return AccountState(
        nonce=_number(account, "nonce", 64, where=where),
        balance=_number(account, "balance", 256, where=where),
        code=_bytes(account, "code", where=where),
    )


def _storage(account: Mapping[str, Json], where: str) -> Storage:
    slots = _members(account.get("storage", _MISSING), f"{where}.storage")
    return {_word(slot, where): _word(value, where) for slot, value in slots.items()}


def _word(text: Json, where: str) -> bytes:
    """Read up to 32 bytes of hex, short ones padded on the left as geth does."""
    found = _hex(text, f"{where}.storage")
    if len(found) > 32:
        raise GenesisError(f"{where}.storage: {text!r} is longer than 32 bytes")
    return found.rjust(32, b"\0")


def _members(value: Json, where: str) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise GenesisError(f"{where}: missing, or no JSON object")
    return value


def _number(members: Mapping[str, Json], name: str, bits: int, default: int = 0, where: str = "genesis") -> int:
    """Read a number, hex or decimal, as text or bare."""
    value = members.get(name)
    if value is None:
        return default
    if isinstance(value, str) and (_HEX_NUMBER.fullmatch(value) or (value.isascii() and value.isdigit())):
        value = int(value, 16 if value[:2].lower() == "0x" else 10)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << bits:
        raise GenesisError(f"{where}.{name}: {value!r} is no number of at most {bits} bits")
    return value


def _bytes(members: Mapping[str, Json], name: str, size: int | None = None, where: str = "genesis") -> bytes:
    """Read hex of `size` bytes, zeros where it is missing; of any size, by default none, where size is None."""
    value = members.get(name)
    if value is None:
        return bytes(size or 0)
    found = _hex(value, f"{where}.{name}")
    if size is not None and len(found) != size:
        raise GenesisError(f"{where}.{name}: {len(found)} bytes instead of {size}")
    return found


def _address(text: str, where: str) -> bytes:
    """Read an address, with or without its 0x."""
    found = _hex(text if text[:2].lower() == "0x" else f"0x{text}", where)
    if len(found) != 20:
        raise GenesisError(f"{where}: not an address of 20 bytes")
    return found


def _hex(value: Json, where: str) -> bytes:
    if not isinstance(value, str) or not re.fullmatch(r"0[xX]([0-9a-fA-F]{2})*", value):
        raise GenesisError(f"{where}: {value!r} is no hex of whole bytes")
    return bytes.fromhex(value[2:])
