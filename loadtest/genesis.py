"""A chain on which the senders have money: geth's genesis format, which our dev chain and anvil read, too."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from loadtest.plan import BALANCE

GAS_LIMIT: Final = 36_000_000
BASE_FEE: Final = 10**9
_BLOCK_FORKS: Final = (
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
)
_TIME_FORKS: Final = ("shanghai", "cancun", "prague", "osaka")
_BLOB_SCHEDULE: Final = {"target": 6, "max": 9, "baseFeeUpdateFraction": 5_007_716}


class Account(NamedTuple):
    """What a sender has at the start; by default a million ether, and nothing sent."""

    balance: int = BALANCE
    nonce: int = 0

    def told(self) -> dict[str, str]:
        """As a genesis file has it."""
        return {"balance": hex(self.balance)} | ({"nonce": hex(self.nonce)} if self.nonce else {})


def genesis(chain_id: int, accounts: Mapping[bytes, Account]) -> dict[str, object]:
    """Every fork up to Osaka from the first block on."""
    config: dict[str, object] = {"chainId": chain_id, "terminalTotalDifficulty": 0}
    config |= {f"{name}Block": 0 for name in _BLOCK_FORKS}
    config |= {f"{name}Time": 0 for name in _TIME_FORKS}
    config["blobSchedule"] = dict.fromkeys(("cancun", "prague", "osaka"), _BLOB_SCHEDULE)
    return {
        "config": config,
        "timestamp": "0x0",
        "gasLimit": hex(GAS_LIMIT),
        "baseFeePerGas": hex(BASE_FEE),
        "difficulty": "0x0",
        "alloc": {"0x" + address.hex(): account.told() for address, account in accounts.items()},
    }
