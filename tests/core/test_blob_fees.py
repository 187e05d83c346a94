"""Distances of fees in steps, and sizes as geth counts them."""

import pytest

from txpool.core.blob_fees import base_fee_jumps, blob_fee_jumps, priority, steps
from txpool.core.blob_sidecar import network_bytes, stored_bytes


@pytest.mark.parametrize(
    ("fee", "cap", "expected"),
    [
        (7, 10, 4),
        (17_200_000_000, 17_200_000_000, 0),
        (9_853_941_692, 11_085_092_510, 1),
        (11_544_106_391, 10_356_781_100, -1),
        (17_200_000_000, 7, -184),
    ],
)
def test_steps_are_whole_and_away_from_zero(fee: int, cap: int, expected: int) -> None:
    assert steps(base_fee_jumps(cap) - base_fee_jumps(fee)) == expected


def test_the_blob_fee_takes_larger_steps() -> None:
    assert blob_fee_jumps(10**9) == pytest.approx(base_fee_jumps(10**9) * 3 / 4)


def test_a_fee_of_nothing_is_no_distance() -> None:
    assert base_fee_jumps(0) == blob_fee_jumps(0) == 0


def test_what_could_be_in_the_next_block_is_as_good_as_any_other() -> None:
    assert priority(3.0, 70.0) == priority(0.0, 0.0) == 0
    assert priority(-0.5, 9.0) == -1


def test_sizes_are_those_that_geth_counts() -> None:
    assert network_bytes(151, 1, 1, 128) == 137_561
    assert [stored_bytes(151, blobs) for blobs in (1, 6)] == [278_656, 4096 + 12 * 137_280]
