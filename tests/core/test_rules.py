from typing import Any

import pytest

from tests.core.transactions import KEY, RECIPIENT, signed
from txpool.core.fees import INITIAL_BASE_FEE, next_base_fee, next_excess_blob_gas
from txpool.core.gas import floor_gas, intrinsic_gas
from txpool.core.rules import BlobSchedule, Fork, ForkSchedule
from txpool.core.signature import address_of
from txpool.core.tx import ACCESS_LIST, LEGACY, SET_CODE

SENDER = address_of(KEY)
BLOCK_FORKS = ("homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople")
LATER_BLOCK_FORKS = ("petersburg", "istanbul", "berlin", "london")
TIME_FORKS = ("shanghai", "cancun", "prague", "osaka")


def config(**changed: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """All forks up to Osaka from the genesis on."""
    blocks = {f"{name}Block": 0 for name in BLOCK_FORKS + LATER_BLOCK_FORKS}
    times = {f"{name}Time": 0 for name in TIME_FORKS}
    return {"chainId": 1337, "terminalTotalDifficulty": 0, **blocks, **times} | changed


def test_a_chain_goes_through_its_forks_by_block_then_by_time() -> None:
    schedule = ForkSchedule.from_config(
        config(berlinBlock=5, londonBlock=8, mergeNetsplitBlock=10, shanghaiTime=100, cancunTime=100)
        | {"pragueTime": 200, "osakaTime": 300, "bpo1Time": 300, "bpo3Time": 400, "amsterdamTime": 500}
    )

    points = [(0, 0), (4, 999), (5, 999), (8, 0), (10, 99), (11, 100), (12, 299), (13, 300), (14, 400), (15, 500)]
    assert [schedule.at(*point).name for point in points] == [
        "ISTANBUL",
        "ISTANBUL",
        "BERLIN",
        "LONDON",
        "PARIS",
        "CANCUN",
        "PRAGUE",
        "BPO1",
        "BPO3",
        "AMSTERDAM",
    ]
    assert schedule.chain_id == 1337


def test_a_chain_without_forks_stays_at_the_frontier() -> None:
    assert ForkSchedule.from_config({"chainId": 1}).at(10**9, 10**9) == Fork.FRONTIER


def test_blob_numbers_come_from_the_file_then_from_mainnet_then_from_the_fork_before() -> None:
    own = {"osaka": {"target": 1, "max": 2, "baseFeeUpdateFraction": 3}}
    schedule = ForkSchedule.from_config(config(bpo1Time=1, bpo5Time=2, amsterdamTime=3, blobSchedule=own))

    assert schedule.blob_schedule(Fork.SHANGHAI) is None
    assert schedule.blob_schedule(Fork.PRAGUE) == BlobSchedule(6, 9, 5_007_716)
    assert schedule.blob_schedule(Fork.OSAKA) == BlobSchedule(1, 2, 3)
    assert (
        schedule.blob_schedule(Fork.AMSTERDAM) == schedule.blob_schedule(Fork.BPO1) == BlobSchedule(10, 15, 8_346_193)
    )


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"berlinBlock": None}, ValueError),
        ({"istanbulBlock": 9}, ValueError),
        ({"londonBlock": None}, ValueError),
        ({"cancunTime": None}, ValueError),
        ({"osakaTime": 5, "pragueTime": 6}, ValueError),
        ({"homesteadBlock": "0"}, TypeError),
        ({"pragueTime": -1}, TypeError),
        ({"chainId": None}, TypeError),
        ({"blobSchedule": {"prague": {"target": 1, "max": 2}}}, TypeError),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(changed: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        ForkSchedule.from_config(config(**changed))


KEYED = ((RECIPIENT, (bytes(32),)),)


@pytest.mark.parametrize(
    ("fork", "tx_type", "fields", "gas"),
    [
        (Fork.OSAKA, LEGACY, {}, 21_000),
        (Fork.OSAKA, ACCESS_LIST, {"access_list": KEYED}, 25_300),
        (Fork.OSAKA, ACCESS_LIST, {"access_list": KEYED * 2}, 29_600),
        (Fork.OSAKA, LEGACY, {"to": None, "data": b"\x01"}, 53_018),
        (Fork.OSAKA, LEGACY, {"to": None, "data": b"\x00" * 33}, 53_136),
        (Fork.OSAKA, SET_CODE, {}, 46_000),
        (Fork.OSAKA, LEGACY, {"data": b"\x00\x01\x02"}, 21_036),
        (Fork.PARIS, LEGACY, {"to": None, "data": b"\x01"}, 53_016),
        (Fork.PETERSBURG, LEGACY, {"data": b"\x00\x01"}, 21_072),
        (Fork.HOMESTEAD, LEGACY, {"to": None}, 53_000),
        (Fork.FRONTIER, LEGACY, {"to": None}, 21_000),
        (Fork.AMSTERDAM, LEGACY, {"value": 0}, 15_000),
        (Fork.AMSTERDAM, LEGACY, {}, 21_000),
        (Fork.AMSTERDAM, LEGACY, {"to": SENDER}, 12_000),
        (Fork.AMSTERDAM, LEGACY, {"to": None}, 24_000),
        (Fork.AMSTERDAM, ACCESS_LIST, {"access_list": KEYED}, 29_228),
        (Fork.AMSTERDAM, SET_CODE, {}, 28_816),
    ],
)
def test_intrinsic_gas_by_fork(fork: Fork, tx_type: int, fields: dict[str, Any], gas: int) -> None:
    assert intrinsic_gas(signed(tx_type, **fields), SENDER, fork) == gas


@pytest.mark.parametrize(
    ("fork", "fields", "gas"),
    [
        (Fork.CANCUN, {"data": b"\x01" * 100}, 0),
        (Fork.PRAGUE, {}, 21_000),
        (Fork.PRAGUE, {"data": b"\x01" * 100}, 25_000),
        (Fork.PRAGUE, {"data": b"\x00" * 100, "to": None}, 22_000),
        (Fork.AMSTERDAM, {"data": b"\x01" * 100}, 27_400),
        (Fork.AMSTERDAM, {"access_list": KEYED}, 24_328),
    ],
)
def test_floor_gas_by_fork(fork: Fork, fields: dict[str, Any], gas: int) -> None:
    assert floor_gas(signed(**fields), SENDER, fork) == gas


@pytest.mark.parametrize(
    ("used", "base_fee", "wanted"),
    [
        (15_000_000, 1_000_000_000, 1_000_000_000),
        (30_000_000, 1_000_000_000, 1_125_000_000),
        (0, 1_000_000_000, 875_000_000),
        (15_000_001, 7, 8),  # at least one wei up
        (0, 7, 7),  # less than a wei down is none
        (0, None, INITIAL_BASE_FEE),
    ],
)
def test_the_base_fee_follows_the_gas_used(used: int, base_fee: int | None, wanted: int) -> None:
    assert next_base_fee(30_000_000, used, base_fee) == wanted


def test_blobs_too_cheap_for_their_gas_do_not_get_cheaper_from_osaka_on() -> None:
    schedule = BlobSchedule(6, 9, 5_007_716)
    values = (10 * 131_072, 3 * 131_072, 10**9, schedule)

    assert next_excess_blob_gas(*values, Fork.PRAGUE) == 7 * 131_072
    assert next_excess_blob_gas(*values, Fork.OSAKA) == 11 * 131_072
