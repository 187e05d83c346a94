"""Chain data as JSON, with go-ethereum's names, spelling and order of members."""

from typing import Any, Final

from txpool.core.address import checksum_address
from txpool.core.block import Block, Header, MinedTx
from txpool.core.tx import ACCESS_LIST, DYNAMIC_FEE, LEGACY, SET_CODE, Authorization, Tx, parse_access_list

Json = dict[str, Any]  # an object of the answer; what stands in it is JSON as well

CREATION: Final = "contract creation"  # whom a transaction calls that calls nobody


def quantity(number: int) -> str:
    """A number, in hex without leading zeros."""
    return hex(number)


def data(octets: bytes) -> str:
    """Bytes, two hex digits each."""
    return "0x" + octets.hex()


def _optional(octets: bytes | None) -> str | None:
    return None if octets is None else data(octets)


# --- transactions


def pooled_transaction(tx: Tx, sender: bytes) -> Json:
    """A transaction that no block holds yet."""
    place: Json = {"blockHash": None, "blockNumber": None, "blockTimestamp": None}
    return _transaction(tx, sender, place, None, tx.fee_cap)


def mined_transaction(mined: MinedTx) -> Json:
    """A transaction in its block; its gas price is what it paid."""
    place: Json = {
        "blockHash": data(mined.block_hash),
        "blockNumber": quantity(mined.block_number),
        "blockTimestamp": quantity(mined.block_time),
    }
    return _transaction(mined.tx, mined.sender, place, quantity(mined.index), mined.receipt.effective_gas_price)


def _transaction(tx: Tx, sender: bytes, place: Json, index: str | None, gas_price: int) -> Json:
    shown = place
    shown["from"] = data(sender)
    shown["gas"] = quantity(tx.gas)
    shown["gasPrice"] = quantity(gas_price)
    if tx.type >= DYNAMIC_FEE:
        shown["maxFeePerGas"] = quantity(tx.fee_cap)
        shown["maxPriorityFeePerGas"] = quantity(tx.tip_cap)
    if tx.blob_hashes:
        shown["maxFeePerBlobGas"] = quantity(tx.blob_fee_cap)
    shown["hash"] = data(tx.hash)
    shown["input"] = data(tx.data)
    shown["nonce"] = quantity(tx.nonce)
    shown["to"] = _optional(tx.to)
    shown["transactionIndex"] = index
    shown["value"] = quantity(tx.value)
    shown["type"] = quantity(tx.type)
    if tx.type >= ACCESS_LIST:
        shown["accessList"] = _access_list(tx)
    if tx.chain_id is not None:
        shown["chainId"] = quantity(tx.chain_id)
    if tx.blob_hashes:
        shown["blobVersionedHashes"] = [data(each) for each in tx.blob_hashes]
    if tx.type == SET_CODE:
        shown["authorizationList"] = [_authorization(each) for each in tx.authorizations]
    shown["v"] = quantity(tx.v)
    shown["r"] = quantity(tx.r)
    shown["s"] = quantity(tx.s)
    if tx.type != LEGACY:
        shown["yParity"] = quantity(tx.v)
    return shown


def transaction_parts(tx: Tx) -> Json:
    """What a transaction itself says, without where it is."""
    return _transaction(tx, b"", {}, None, 0)


def _access_list(tx: Tx) -> list[Json]:
    if not tx.access_addresses:
        return []
    return [
        {"address": data(address), "storageKeys": [data(key) for key in keys]}
        for address, keys in parse_access_list(tx.access_list)
    ]


def _authorization(signed: Authorization) -> Json:
    return {
        "chainId": quantity(signed.chain_id),
        "address": data(signed.address),
        "nonce": quantity(signed.nonce),
        "yParity": quantity(signed.y_parity),
        "r": quantity(signed.r),
        "s": quantity(signed.s),
    }


def inspected(tx: Tx) -> str:
    """A transaction in one line, for people."""
    to = CREATION if tx.to is None else checksum_address(tx.to)
    return f"{to}: {tx.value} wei + {tx.gas} gas \N{MULTIPLICATION SIGN} {tx.fee_cap} wei"


# --- receipts and blocks


def receipt(mined: MinedTx, logs_bloom: bytes) -> Json:
    """What a mined transaction did."""
    done = mined.receipt
    shown: Json = {}
    if done.blob_gas_price is not None:
        shown["blobGasPrice"] = quantity(done.blob_gas_price)
        shown["blobGasUsed"] = quantity(done.blob_gas_used)
    shown |= {
        "blockHash": data(mined.block_hash),
        "blockNumber": quantity(mined.block_number),
        "contractAddress": _optional(done.contract_address),
        "cumulativeGasUsed": quantity(done.cumulative_gas_used),
        "effectiveGasPrice": quantity(done.effective_gas_price),
        "from": data(mined.sender),
        "gasUsed": quantity(done.gas_used),
        "logs": [],
        "logsBloom": data(logs_bloom),
        "status": quantity(done.status),
        "to": _optional(mined.tx.to),
        "transactionHash": data(mined.tx.hash),
        "transactionIndex": quantity(mined.index),
        "type": quantity(mined.tx.type),
    }
    return shown


def block_with_hashes(block: Block) -> Json:
    """A block that names its transactions."""
    return _block(block, [data(each) for each in block.hashes])


def block_with_transactions(block: Block) -> Json:
    """A block that holds its transactions."""
    return _block(block, [mined_transaction(each) for each in block.transactions()])


def _block(block: Block, transactions: list[Any]) -> Json:
    shown = _header(block.header)
    shown["size"] = quantity(block.size)
    shown["transactions"] = transactions
    shown["uncles"] = []
    if block.header.withdrawals_root is not None:
        shown["withdrawals"] = []
    return dict(sorted(shown.items()))


def _header(header: Header) -> Json:
    shown: Json = {
        "difficulty": quantity(header.difficulty),
        "extraData": data(header.extra_data),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "hash": data(header.hash),
        "logsBloom": data(header.logs_bloom),
        "miner": data(header.miner),
        "mixHash": data(header.mix_hash),
        "nonce": data(header.nonce),
        "number": quantity(header.number),
        "parentHash": data(header.parent_hash),
        "receiptsRoot": data(header.receipts_root),
        "sha3Uncles": data(header.uncles_hash),
        "stateRoot": data(header.state_root),
        "timestamp": quantity(header.time),
        "transactionsRoot": data(header.transactions_root),
    }
    numbers = {
        "baseFeePerGas": header.base_fee,
        "blobGasUsed": header.blob_gas_used,
        "excessBlobGas": header.excess_blob_gas,
    }
    roots = {
        "parentBeaconBlockRoot": header.parent_beacon_root,
        "requestsHash": header.requests_hash,
        "withdrawalsRoot": header.withdrawals_root,
    }
    shown |= {name: quantity(number) for name, number in numbers.items() if number is not None}
    shown |= {name: data(root) for name, root in roots.items() if root is not None}
    return shown


def announced_header(header: Header) -> Json:
    """A header as `newHeads` tells it: members in the order of the block, and null for what a fork has not brought."""
    shown = _header(header)
    return {name: shown.get(name) for name in _ANNOUNCED}


_ANNOUNCED = (
    "parentHash",
    "sha3Uncles",
    "miner",
    "stateRoot",
    "transactionsRoot",
    "receiptsRoot",
    "logsBloom",
    "difficulty",
    "number",
    "gasLimit",
    "gasUsed",
    "timestamp",
    "extraData",
    "mixHash",
    "nonce",
    "baseFeePerGas",
    "withdrawalsRoot",
    "blobGasUsed",
    "excessBlobGas",
    "parentBeaconBlockRoot",
    "requestsHash",
    "hash",
)
