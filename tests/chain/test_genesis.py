"""Genesis files: geth's format, its two ways to write a number, and what is wrong in words that name the place."""

import json
from typing import Any

import pytest

from tests.outside import shared
from txpool.chain.dev_accounts import dev_accounts
from txpool.chain.genesis import GenesisError, dev_genesis, parse_genesis, read_genesis
from txpool.chain.state import AccountState
from txpool.core.rules import Fork

ADDRESS = "0x00000000000000000000000000000000000000aa"
RAW_ADDRESS = bytes.fromhex(ADDRESS[2:])


def document(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  # JSON of any kind, also wrong
    """The smallest genesis, with changes; a member set to ... is left out."""
    whole = {"config": {"chainId": 7}, "gasLimit": "0x47b760", "difficulty": "0x1", "alloc": {}, **changes}
    return {name: value for name, value in whole.items() if value is not ...}


def test_the_dev_genesis_funds_ten_accounts_under_the_newest_rules() -> None:
    genesis = parse_genesis(dev_genesis(time=1_700_000_000))

    assert genesis.schedule.chain_id == 1337
    assert genesis.schedule.at(0, genesis.time) == Fork.BPO2
    assert (genesis.base_fee, genesis.gas_limit, genesis.time) == (10**9, 30_000_000, 1_700_000_000)
    assert genesis.accounts == {account.address: AccountState(balance=10**22) for account in dev_accounts()}


def test_the_dev_genesis_can_be_saved_as_a_file() -> None:
    assert read_genesis(json.dumps(dev_genesis(time=5))) == parse_genesis(dev_genesis(time=5))


@pytest.mark.parametrize("balance", ["0xff", "255", 255])
def test_numbers_are_hex_or_decimal_or_bare(balance: str | int) -> None:
    genesis = parse_genesis(document(alloc={ADDRESS: {"balance": balance}}))

    assert genesis.accounts == {RAW_ADDRESS: AccountState(balance=255)}


def test_addresses_need_no_prefix() -> None:
    assert RAW_ADDRESS in parse_genesis(document(alloc={ADDRESS[2:]: {"balance": "1"}})).accounts


def test_an_account_has_nonce_code_and_storage() -> None:
    account = {"balance": "0x1", "nonce": "0xffffffffffffffff", "code": "0x6000", "storage": {"0x01": "0x02"}}

    genesis = parse_genesis(document(alloc={ADDRESS: account}))

    assert genesis.accounts[RAW_ADDRESS] == AccountState(2**64 - 1, 1, b"\x60\x00")
    assert genesis.storage == {RAW_ADDRESS: {bytes(31) + b"\x01": bytes(31) + b"\x02"}}


def test_before_london_there_is_no_base_fee() -> None:
    assert parse_genesis(document()).base_fee is None


def test_from_london_on_the_base_fee_is_one_gwei_unless_said() -> None:
    config = {"chainId": 7, **{f"{name}Block": 0 for name in LONDON}}

    assert parse_genesis(document(config=config)).base_fee == 10**9
    assert parse_genesis(document(config=config, baseFeePerGas="0x7")).base_fee == 7


LONDON = ["homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople", "petersburg", "istanbul", "berlin"]
LONDON.append("london")


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ({"config": ...}, "genesis.config"),
        ({"config": {}}, "genesis.config: chainId"),
        ({"config": {"chainId": 7, "londonBlock": 0}}, "genesis.config: LONDON is scheduled"),
        ({"alloc": ...}, "genesis.alloc"),
        ({"alloc": {"0x12": {"balance": "0"}}}, "alloc.0x12"),
        ({"alloc": {ADDRESS: {}}}, "balance"),
        ({"alloc": {ADDRESS: {"balance": "0xzz"}}}, "balance"),
        ({"alloc": {ADDRESS: {"balance": hex(2**256)}}}, "balance"),
        ({"alloc": {ADDRESS: {"balance": True}}}, "balance"),
        ({"alloc": {ADDRESS: {"balance": "-1"}}}, "balance"),
        ({"alloc": {ADDRESS: {"balance": "1", "code": "0x123"}}}, "code"),
        ({"alloc": {ADDRESS: {"balance": "1", "storage": {"0x" + 33 * "00": "0x"}}}}, "storage"),
        ({"gasLimit": ...}, "genesis.gasLimit"),
        ({"timestamp": "soon"}, "genesis.timestamp"),
        ({"number": "0x1"}, "genesis.number"),
        ({"coinbase": "0x12"}, "genesis.coinbase"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], place: str) -> None:
    with pytest.raises(GenesisError, match=place):
        parse_genesis(document(**wrong))


@pytest.mark.parametrize("text", ["", "{", "[]", "3"])
def test_a_file_that_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(GenesisError):
        read_genesis(text)


@pytest.mark.parametrize(("name", "accounts"), [("genesis.json", 362), ("genesis-chain.json", 122)])
def test_the_files_of_the_oracle_load(name: str, accounts: int) -> None:
    genesis = read_genesis(shared(f"oracle/{name}").read_bytes())

    assert len(genesis.accounts) == accounts
    assert genesis.schedule.at(0, genesis.time) == Fork.BPO2
    assert any(account.is_delegated for account in genesis.accounts.values())


def test_an_oracle_account_may_have_used_up_its_nonces() -> None:
    genesis = read_genesis(shared("oracle/genesis.json").read_bytes())

    assert max(account.nonce for account in genesis.accounts.values()) == 2**64 - 1
