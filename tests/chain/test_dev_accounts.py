"""The keys that development tools print at their start."""

import pytest

from txpool.chain.dev_accounts import dev_accounts
from txpool.core.address import checksum_address

# As printed by anvil and hardhat.
WELL_KNOWN = [
    (
        0,
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    ),
    (
        1,
        "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    ),
    (
        9,
        "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720",
        "2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6",
    ),
]


@pytest.mark.parametrize(("index", "address", "key"), WELL_KNOWN)
def test_the_test_mnemonic_gives_the_well_known_accounts(index: int, address: str, key: str) -> None:
    account = dev_accounts()[index]

    assert (checksum_address(account.address), account.private_key.hex()) == (address, key)


def test_more_accounts_begin_with_the_same_ones() -> None:
    assert dev_accounts(12)[:10] == dev_accounts()
