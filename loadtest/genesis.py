"""A chain on which the senders have money: geth's genesis format, which our dev chain and anvil read, too."""

from collections.abc import Sequence
from typing import Final

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


def genesis(chain_id: int, funded: Sequence[bytes]) -> dict[str, object]:
    """Every fork up to Osaka from the first block on, a million ether for each address."""
    config: dict[str, object] = {"chainId": chain_id, "terminalTotalDifficulty": 0}
    config |= {f"{name}Block": 0 for name in _BLOCK_FORKS}
    config |= {f"{name}Time": 0 for name in _TIME_FORKS}
    config["blobSchedule"] = dict.fromkeys(("cancun", "prague", "osaka"), _BLOB_SCHEDULE)
    balance = {"balance": hex(BALANCE)}
    return {
        "config": config,
        "timestamp": "0x0",
        "gasLimit": hex(GAS_LIMIT),
        "baseFeePerGas": hex(BASE_FEE),
        "difficulty": "0x0",
        "alloc": {"0x" + address.hex(): balance for address in funded},
    }
