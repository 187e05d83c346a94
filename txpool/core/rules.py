"""Which rules hold when: the forks in order, and a chain's schedule of them from its genesis file."""

from collections.abc import Iterator, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Final

import msgspec


class Fork(IntEnum):
    """The protocol's upgrades that change what a transaction may be, oldest first: later ones compare greater."""

    FRONTIER = 0
    HOMESTEAD = 1
    TANGERINE_WHISTLE = 2
    SPURIOUS_DRAGON = 3
    BYZANTIUM = 4
    CONSTANTINOPLE = 5
    PETERSBURG = 6
    ISTANBUL = 7
    BERLIN = 8
    LONDON = 9
    PARIS = 10
    SHANGHAI = 11
    CANCUN = 12
    PRAGUE = 13
    OSAKA = 14
    BPO1 = 15
    BPO2 = 16
    BPO3 = 17
    BPO4 = 18
    BPO5 = 19
    AMSTERDAM = 20


class BlobSchedule(msgspec.Struct, frozen=True, gc=False):
    """Blobs a block: how many fees steer towards, how many fit, and how fast the fee moves (EIP-7840)."""

    target: int
    max: int
    fraction: int


# How a genesis file names the block, later the time, from which on a fork holds.
_BLOCK_KEYS: Final = MappingProxyType(
    {
        "homesteadBlock": Fork.HOMESTEAD,
        "eip150Block": Fork.TANGERINE_WHISTLE,
        "eip158Block": Fork.SPURIOUS_DRAGON,
        "byzantiumBlock": Fork.BYZANTIUM,
        "constantinopleBlock": Fork.CONSTANTINOPLE,
        "petersburgBlock": Fork.PETERSBURG,
        "istanbulBlock": Fork.ISTANBUL,
        "berlinBlock": Fork.BERLIN,
        "londonBlock": Fork.LONDON,
    }
)
_TIME_KEYS: Final = MappingProxyType({f"{fork.name.lower()}Time": fork for fork in Fork if fork > Fork.PARIS})
_OPTIONAL: Final = frozenset({Fork.BPO1, Fork.BPO2, Fork.BPO3, Fork.BPO4, Fork.BPO5})

# Mainnet's blobs, for a genesis file that names a fork but not its numbers (geth refuses those).
_BLOB_DEFAULTS: Final = MappingProxyType(
    {
        Fork.CANCUN: BlobSchedule(3, 6, 3_338_477),
        Fork.PRAGUE: BlobSchedule(6, 9, 5_007_716),
        Fork.OSAKA: BlobSchedule(6, 9, 5_007_716),
        Fork.BPO1: BlobSchedule(10, 15, 8_346_193),
        Fork.BPO2: BlobSchedule(14, 21, 11_684_671),
    }
)


class ForkSchedule(msgspec.Struct, frozen=True):
    """When each fork begins on one chain.

    Attributes:
        chain_id: the chain's own number, which signatures name.
        by_block: forks and the block they begin with, in order.
        by_time: forks and the second they begin at, in order; all of them after the merge.
        blobs: blob numbers of the forks that set them.
    """

    chain_id: int
    by_block: tuple[tuple[Fork, int], ...]
    by_time: tuple[tuple[Fork, int], ...]
    blobs: Mapping[Fork, BlobSchedule]

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "ForkSchedule":
        """Read the `config` of a genesis file in geth's format.

        Raises:
            ValueError: a fork is missing or begins before an older one.
            TypeError: a number is none.
        """
        by_block = tuple(_in_order(_starts(config, _BLOCK_KEYS), Fork.HOMESTEAD))
        by_time = tuple(_in_order(_starts(config, _TIME_KEYS), Fork.SHANGHAI))
        if by_time and (not by_block or by_block[-1][0] != Fork.LONDON):
            raise ValueError(f"{by_time[0][0].name} is scheduled, LONDON is not")
        merge = _merge_block(config, dict(by_block).get(Fork.LONDON))
        if merge is not None:
            by_block += ((Fork.PARIS, merge),)
        given = config.get("blobSchedule") or {}
        blobs = {fork: _blobs(given, fork) for fork, _ in by_time}
        found = {fork: numbers for fork, numbers in blobs.items() if numbers}
        return cls(_number(config, "chainId"), by_block, by_time, found)

    def at(self, number: int, time: int) -> Fork:
        """Say which fork's rules hold in a block with that number and time."""
        reached = [fork for fork, start in self.by_block if start <= number]
        if reached and reached[-1] >= Fork.LONDON:
            reached += [fork for fork, start in self.by_time if start <= time]
        return reached[-1] if reached else Fork.FRONTIER

    def blob_schedule(self, fork: Fork) -> BlobSchedule | None:
        """Return the numbers that hold at a fork: its own or those of the last before it; None before blobs."""
        last = max((known for known in self.blobs if known <= fork), default=None)
        return None if last is None else self.blobs[last]


def _starts(config: Mapping[str, Any], keys: Mapping[str, Fork]) -> dict[Fork, int]:
    return {fork: _number(config, key) for key, fork in keys.items() if config.get(key) is not None}


def _number(config: Mapping[str, Any], key: str) -> int:
    value = config.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{key}: not a whole number")
    return value


def _in_order(starts: dict[Fork, int], first: Fork) -> Iterator[tuple[Fork, int]]:
    """Yield the forks in order, and see that each older one is there and no later."""
    reached = 0
    expected = first
    for fork in sorted(starts):
        missing = [older for older in Fork if expected <= older < fork and older not in _OPTIONAL]
        if missing:
            raise ValueError(f"{fork.name} is scheduled, {missing[0].name} is not")
        if starts[fork] < reached:
            raise ValueError(f"{fork.name} begins before the fork that it follows")
        reached = starts[fork]
        expected = Fork(fork + 1) if fork < Fork.AMSTERDAM else fork
        yield fork, starts[fork]


def _merge_block(config: Mapping[str, Any], london: int | None) -> int | None:
    """Return the first block after the merge, where the genesis file tells it."""
    if config.get("mergeNetsplitBlock") is not None:
        return _number(config, "mergeNetsplitBlock")
    if config.get("terminalTotalDifficulty") == 0:
        return london
    return None


def _blobs(given: Mapping[str, Any], fork: Fork) -> BlobSchedule | None:
    numbers = given.get(fork.name.lower())
    if numbers is None:
        return _BLOB_DEFAULTS.get(fork)
    return BlobSchedule(*(_number(numbers, key) for key in ("target", "max", "baseFeeUpdateFraction")))
