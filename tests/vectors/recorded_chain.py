"""A chain that others recorded, as JSON-RPC asks a chain: 54 blocks through every fork, and the accounts at their head.

Nothing is executed: the accounts are those of the record, and receipts say no more than the blocks do.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, cast

import msgspec

from txpool.chain.block_history import BlockHistory
from txpool.chain.draft import blob_base_fee_of, child_header, genesis_header
from txpool.chain.fee_history import FeeHistory, fee_history
from txpool.chain.genesis import Genesis, parse_genesis
from txpool.chain.seal import HEADER_FIELDS, sealed
from txpool.core import rlp
from txpool.core.block import Block, Header, MinedTx, Receipt
from txpool.core.fees import next_base_fee
from txpool.core.head import Account, Head
from txpool.core.keccak import keccak
from txpool.core.signature import sender_of
from txpool.core.tx import Tx, decode

NUMBERS: Final = {name for name, kind in Header.__annotations__.items() if kind in {int, int | None}}
NO_CODE: Final = keccak(b"")


class RecordedState:
    """The accounts at the head."""

    def __init__(self, accounts: Mapping[str, dict[str, Any]], genesis: Genesis) -> None:
        self._accounts = {address.lower(): account for address, account in accounts.items()}
        self._genesis = genesis

    def account(self, address: bytes) -> Account:
        found = self._accounts.get("0x" + address.hex(), {"nonce": 0, "balance": "0", "codeHash": "0x" + NO_CODE.hex()})
        return Account(found["nonce"], int(found["balance"]), found["codeHash"] != "0x" + NO_CODE.hex())

    def code(self, address: bytes) -> bytes:
        """As in the genesis: the record has only hashes of others."""
        account = self._genesis.accounts.get(address)
        return account.code if account else b""

    def storage(self, _address: bytes, _slot: bytes) -> bytes:
        return bytes(32)


class RecordedChain:
    """The blocks, and what can be said of them."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.genesis = parse_genesis(document["genesis"])
        self.schedule = self.genesis.schedule
        self._state = RecordedState(document["headstate"]["accounts"], self.genesis)
        blocks = read_blocks(bytes.fromhex(document["chain_rlp"][2:]))
        first = header_of(blocks[0])
        root = msgspec.structs.replace(genesis_header(self.genesis), hash=first.parent_hash)
        self._history = BlockHistory(Block(root, 0), blocks_max=100, transactions_max=10_000, kept_min=1)
        for block in blocks:
            self._history.append(self._block(block))

    @property
    def chain_id(self) -> int:
        return self.schedule.chain_id

    def head(self) -> Head:
        header = self._history.head.header
        return Head(
            number=header.number,
            hash=header.hash,
            parent_hash=header.parent_hash,
            time=header.time,
            gas_limit=header.gas_limit,
            base_fee=header.base_fee,
            next_base_fee=next_base_fee(header.gas_limit, header.gas_used, header.base_fee),
            blob_base_fee=blob_base_fee_of(header, self.schedule),
            fork=self.schedule.at(header.number, header.time),
        )

    def block_by_number(self, number: int) -> Block | None:
        return self._history.by_number(number)

    def block_by_hash(self, block_hash: bytes) -> Block | None:
        return self._history.by_hash(block_hash)

    def mined(self, tx_hash: bytes) -> MinedTx | None:
        return self._history.mined(tx_hash)

    def fee_history(self, count: int, last: int, percentiles: Sequence[float]) -> FeeHistory:
        blocks = [self._history.by_number(number) for number in range(last - count + 1, last + 1)]
        following = self._history.by_number(last + 1)
        head = self._history.head.header
        after = following.header if following else child_header(head, self.schedule, head.time + 10, bytes(20), 0)
        return fee_history([block for block in blocks if block], after, self.schedule, percentiles)

    def suggested_tip(self) -> int:
        return 1

    def state(self, block_hash: bytes) -> RecordedState | None:
        return self._state if block_hash == self._history.head.header.hash else None

    def account(self, address: bytes) -> Account:
        return self._state.account(address)

    async def accounts(self, addresses: Collection[bytes]) -> Mapping[bytes, Account]:
        return {address: self.account(address) for address in addresses}

    def _block(self, items: list[rlp.Item]) -> Block:
        header = sealed(header_of(items))
        payloads = payloads_of(items)
        txs = [tx for payload in payloads if isinstance(tx := decode(payload), Tx)]
        senders = [sender_of(tx, self.chain_id) for tx in txs]
        receipts = [Receipt(1, tx.gas, tx.gas, _paid(tx, header.base_fee)) for tx in txs]
        return Block(
            header,
            len(rlp.encode(items)),
            tuple(tx.hash for tx in txs),
            tuple(payloads),
            cast("tuple[bytes, ...]", tuple(senders)),
            tuple(receipts),
        )


def payloads_of(block: list[rlp.Item]) -> list[bytes]:
    """A block's transactions, in binary form."""
    return [item if isinstance(item, bytes) else rlp.encode(item) for item in cast("list[rlp.Item]", block[1])]


def _paid(tx: Tx, base_fee: int | None) -> int:
    return tx.fee_cap if base_fee is None else min(tx.fee_cap, base_fee + tx.tip_cap)


def read_blocks(joined: bytes) -> list[list[rlp.Item]]:
    """Header, transactions, uncles and perhaps withdrawals of each, as RLP items."""
    found = []
    while joined:
        end = rlp.span(joined, 0, len(joined))[2]
        found.append(cast("list[rlp.Item]", rlp.decode(joined[:end])))
        joined = joined[end:]
    return found


def header_of(block: list[rlp.Item]) -> Header:
    """The header of a block, unsealed."""
    words = cast("list[bytes]", block[0])
    values = {
        name: int.from_bytes(word, "big") if name in NUMBERS else word
        for name, word in zip(HEADER_FIELDS, words, strict=False)
    }
    return Header(hash=b"", **values, **dict.fromkeys(HEADER_FIELDS[len(words) :]))  # type: ignore[arg-type]  # read by name
