"""Where a scenario plays: accounts with their keys, a genesis, the limits of the pool. All of it hangs on the seed."""

import copy
from random import Random
from typing import Final, NamedTuple

from tests.differential.peer import Json
from txpool.core.keccak import keccak
from txpool.core.signature import address_of

CHAIN_ID: Final = 1337
ETHER: Final = 10**18
GAS_LIMIT_LARGE: Final = 15_000_000
GAS_LIMIT_SMALL: Final = 840_000
GENESIS_TIME: Final = 0x6911A000

_FORK_BLOCKS: Final = [
    "homestead",
    "eip150",
    "eip155",
    "eip158",
    "byzantium",
    "constantinople",
    "petersburg",
    "istanbul",
    "berlin",
    "london",
]
_FORK_TIMES: Final = ["shanghai", "cancun", "prague", "osaka", "bpo1", "bpo2"]
_BLOB_SCHEDULE: Final = {
    "cancun": {"target": 3, "max": 6, "baseFeeUpdateFraction": 3338477},
    "prague": {"target": 6, "max": 9, "baseFeeUpdateFraction": 5007716},
    "osaka": {"target": 6, "max": 9, "baseFeeUpdateFraction": 5007716},
    "bpo1": {"target": 10, "max": 15, "baseFeeUpdateFraction": 8346193},
    "bpo2": {"target": 14, "max": 21, "baseFeeUpdateFraction": 11684671},
}
# Contracts that every block calls (EIP-7002, EIP-7251): here they do nothing.
_SYSTEM: Final = ("00000961ef480eb55e80d19ad83579a64c007002", "0000bbddc7ce488642fb579f8b00f3a590007251")


class Owner(NamedTuple):
    """An account of which we hold the key."""

    key: bytes
    address: bytes
    nonce: int
    balance: int
    code: bytes

    @property
    def name(self) -> str:
        """The address as JSON has it."""
        return "0x" + self.address.hex()


class Limits(NamedTuple):
    """What geth's flags of the same name say."""

    price_limit: int = 1
    price_bump: int = 10
    account_slots: int = 16
    global_slots: int = 5120
    account_queue: int = 64
    global_queue: int = 1024
    tx_fee_cap_ether: float = 1
    allow_unprotected: bool = False

    def flags(self) -> list[str]:
        """For geth."""
        numbers = self._asdict()
        del numbers["allow_unprotected"]
        numbers["rpc.txfeecap"] = numbers.pop("tx_fee_cap_ether")
        flags = []
        for name, value in numbers.items():
            flag = name if "." in name else "txpool." + name.replace("_", "")
            flags += [f"--{flag}", str(value)]
        return [*flags, *(["--rpc.allow-unprotected-txs"] if self.allow_unprotected else [])]

    def settings(self) -> dict[str, str]:
        """For our daemon."""
        pool = {f"pool.{name}": str(value) for name, value in self._asdict().items()}
        del pool["pool.tx_fee_cap_ether"], pool["pool.allow_unprotected"]
        return pool | {
            "rpc.tx_fee_cap_ether": str(self.tx_fee_cap_ether),
            "rpc.allow_unprotected": str(self.allow_unprotected).lower(),
        }


class Setting(NamedTuple):
    """All that both sides start from."""

    owners: list[Owner]
    limits: Limits
    gas_limit: int

    def genesis(self) -> dict[str, Json]:
        """In geth's format."""
        alloc: dict[str, Json] = {address: {"balance": "0x0", "nonce": "0x1", "code": "0x00"} for address in _SYSTEM}
        for owner in self.owners:
            account = {"balance": hex(owner.balance), "nonce": hex(owner.nonce)}
            alloc[owner.address.hex()] = account | ({"code": "0x" + owner.code.hex()} if owner.code else {})
        config: dict[str, Json] = {"chainId": CHAIN_ID, "terminalTotalDifficulty": 0}
        config |= dict.fromkeys((f"{fork}Block" for fork in _FORK_BLOCKS), 0)
        config |= dict.fromkeys((f"{fork}Time" for fork in _FORK_TIMES), 0)
        config["depositContractAddress"] = "0x00000000219ab540356cbb839cbe05303d7705fa"
        config["blobSchedule"] = copy.deepcopy(_BLOB_SCHEDULE)
        return {
            "config": config,
            "nonce": "0x0",
            "timestamp": hex(GENESIS_TIME),
            "gasLimit": hex(self.gas_limit),
            "difficulty": "0x0",
            "baseFeePerGas": "0x3b9aca00",
            "excessBlobGas": "0x0",
            "blobGasUsed": "0x0",
            "alloc": alloc,
        }


def draw_setting(random: Random, *, chain: bool) -> Setting:
    """Draw accounts and limits; with head changes the queue is wide: accounts demoted together have no fixed age."""
    owners = [_owner(random, balance=random.randint(500, 1000) * ETHER) for _ in range(14)]
    owners += [_owner(random, balance=50 * ETHER, nonce=random.randint(1, 60)) for _ in range(4)]
    owners += [_owner(random, balance=random.randint(1, 4) * 10**16) for _ in range(4)]
    owners += [_owner(random, balance=20 * ETHER, nonce=2, code=_delegation(random)) for _ in range(3)]
    owners.append(_owner(random, balance=20 * ETHER, nonce=1, code=b"\x60\x01\x60\x00\x55"))
    owners.append(_owner(random, balance=20 * ETHER, nonce=2**64 - 2))
    owners.append(_owner(random, balance=2**255))
    owners.append(_owner(random, balance=0))
    return Setting(owners, _limits(random, chain=chain), GAS_LIMIT_SMALL if chain else GAS_LIMIT_LARGE)


def _limits(random: Random, *, chain: bool) -> Limits:
    limits = Limits()
    if random.random() < 0.75:
        slots = random.choice((8, 16, 32, 64, 100))
        limits = limits._replace(
            account_slots=random.choice((1, 2, 4, 8)),
            global_slots=slots,
            account_queue=random.choice((1, 3, 6, 12)),
            global_queue=500 if chain else random.choice((2, 8, 16, 40)),
        )
    if random.random() < 0.3:
        limits = limits._replace(price_bump=random.choice((1, 25, 100)), price_limit=random.choice((1, 10**9)))
    if random.random() < 0.3:
        limits = limits._replace(tx_fee_cap_ether=random.choice((0, 0.5, 10)), allow_unprotected=True)
    return limits


def _owner(random: Random, *, balance: int, nonce: int = 0, code: bytes = b"") -> Owner:
    key = keccak(random.randbytes(32))
    return Owner(key, address_of(key), nonce, balance + random.randint(0, 10**9) * (balance > 0), code)


def _delegation(random: Random) -> bytes:
    return b"\xef\x01\x00" + random.randbytes(20)
