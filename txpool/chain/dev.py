"""The embedded dev chain: real headers and fees, transfers executed exactly, and no EVM.

It exists so that the daemon's main job runs with nothing else installed. State roots are not computed: every header
has zeros there, so hashes differ from those of a real client on the same blocks.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from txpool.chain.block_builder import Bounds, Content, Supply, fill
from txpool.chain.block_history import BlockHistory
from txpool.chain.draft import blob_base_fee_of, blobs_max, child_header, context_of, genesis_header
from txpool.chain.fee_history import BLOCKS_LOOKED_AT, TIP_DEFAULT, FeeHistory, fee_history, suggested_tip
from txpool.chain.genesis import Genesis, Storage
from txpool.chain.seal import block_size, receipts_root, sealed, transactions_root
from txpool.chain.state import AccountState, State
from txpool.core.block import Block, Header, MinedTx
from txpool.core.candidate import Candidate, Origin, authorities_of
from txpool.core.fees import next_base_fee
from txpool.core.head import Account, Head, HeadChange
from txpool.core.rules import Fork, ForkSchedule
from txpool.core.steps import Steps, finish, portions

INITIAL_BLOCK_SECONDS: Final = 12
NANOSECONDS: Final = 10**9


class DepthError(ValueError):
    """A reorg asked for more blocks than there are, or than can be undone."""


class DevChainSettings(msgspec.Struct, frozen=True):
    """How the chain builds blocks, and how much of itself it remembers.

    Attributes:
        initial_blocks: empty blocks on the genesis at the start, 12 s apart.
        tip_min: the least effective tip that a block takes, wei a gas; geth's `--miner.gasprice`.
        fee_recipient: who gets the tips.
        history_blocks: blocks kept with their transactions and receipts.
        history_transactions: transactions kept in them; about 600 bytes each for a plain transfer.
        state_blocks: newest blocks that a reorg can undo, and whose state can be asked for.
    """

    initial_blocks: int = 0
    tip_min: int = 1
    fee_recipient: bytes = bytes(20)
    history_blocks: int = 10_000
    history_transactions: int = 500_000
    state_blocks: int = 128


class PastState:
    """The accounts as one block left them. Good until the head changes."""

    def __init__(self, state: State, storage: Mapping[bytes, Storage], blocks_back: int) -> None:
        self._state = state
        self._storage = storage
        self._blocks_back = blocks_back

    def account(self, address: bytes) -> Account:
        """Nonce and balance; zeros where there is no such account."""
        return _seen(self._past(address))

    def code(self, address: bytes) -> bytes:
        """The account's code, or the EIP-7702 delegation that stands in its place; empty without one."""
        return self._past(address).code

    def storage(self, address: bytes, slot: bytes) -> bytes:
        """The 32 bytes at a 32-byte slot; as in the genesis, since nothing here writes to storage."""
        return self._storage.get(address, {}).get(slot, bytes(32))

    def _past(self, address: bytes) -> AccountState:
        account = self._state.past(address, self._blocks_back)
        assert account is not None, "the chain gives out states that it keeps"
        return account


class DevChain:
    """A chain that mines on command: at once, or in steps; one at a time moves the head.

    Until a block is sealed everything shows the old head, though the block's transactions run already. While the head
    is `moving`, what the chain shows, and who follows it, may be half done.

    Args:
        genesis: block 0 and its state.
        supply: where blocks are filled from; not asked for initial blocks.
        on_change: told of each change of the head while it happens, once: one call a mined block, one a reorg. Gives
            the steps in which it follows. Initial blocks are not told.
        clock: nanoseconds since the epoch. A block is never older than its parent's time + 1 s.
        settings: see there.
    """

    def __init__(
        self,
        genesis: Genesis,
        *,
        supply: Supply,
        on_change: Callable[[HeadChange], Iterable[None]],
        clock: Callable[[], int],
        settings: DevChainSettings | None = None,
    ) -> None:
        self.schedule: Final[ForkSchedule] = genesis.schedule
        self.settings: Final = settings or DevChainSettings()
        self._supply = supply
        self._on_change = on_change
        self._clock = clock
        self._storage = genesis.storage
        self._branch = 0
        self._under_way = False
        self.moving = False
        self._tip = TIP_DEFAULT
        self._tip_at = b""
        self._state = State(self.settings.state_blocks)
        for address, account in genesis.accounts.items():
            self._state.found(address, account)
        header = sealed(genesis_header(genesis))
        self._history = BlockHistory(
            Block(header, block_size(header, ())),
            blocks_max=self.settings.history_blocks,
            transactions_max=self.settings.history_transactions,
            kept_min=self.settings.state_blocks + 1,
        )
        for _ in range(self.settings.initial_blocks):
            self._append_empty(self.head_block.header.time + INITIAL_BLOCK_SECONDS)
        self._head = self._head_of(self.head_block.header)

    # What the pool asks.

    @property
    def chain_id(self) -> int:
        """The chain that transactions must be signed for."""
        return self.schedule.chain_id

    def head(self) -> Head:
        """The tip, as the pool's rules see it."""
        return self._head

    def account(self, address: bytes) -> Account:
        """An account at the head."""
        return _seen(self._state.at_head(address))

    async def accounts(self, addresses: Collection[bytes]) -> Mapping[bytes, Account]:
        """Accounts at the head."""
        return {address: self.account(address) for address in addresses}

    # What moves the head.

    def mine(self, count: int = 1) -> int:
        """Mine so many blocks now, each filled from the supply; the new head's number."""
        for _ in range(count):
            finish(self.mine_in_steps())
        return self._head.number

    def mine_in_steps(self) -> Steps[int]:
        """Mine one block, filled from the supply; the new head's number."""
        with self._alone():
            draft = self._draft(self._next_time())
            yield from self._commit(draft, (yield from self._fill(draft)))
            return self._head.number

    def mine_if_filled(self) -> bool:
        """Mine one block if it would not be empty; whether it did."""
        return finish(self.mine_if_filled_in_steps())

    def mine_if_filled_in_steps(self) -> Steps[bool]:
        """The same in steps."""
        with self._alone():
            draft = self._draft(self._next_time())
            content = yield from self._fill(draft)
            if content.hashes:
                yield from self._commit(draft, content)
            return bool(content.hashes)

    def reorg(self, depth: int) -> int:
        """Replace the newest `depth` blocks by `depth + 1` empty ones; the new head's number.

        Raises:
            DepthError: there are not so many, or they can no longer be undone.
        """
        return finish(self.reorg_in_steps(depth))

    def reorg_in_steps(self, depth: int) -> Steps[int]:
        """The same in steps."""
        undoable = min(self._head.number, self._state.depth)
        if not 1 <= depth <= undoable:
            raise DepthError(f"reorg depth {depth}: from 1 to {undoable} blocks can be replaced")
        with self._alone():
            reverted = yield from self._given_back(depth)
            self.moving = True
            touched: dict[bytes, None] = {}
            for _ in range(depth):
                touched |= dict.fromkeys((yield from self._state.undo()))
                yield
                self._history.pop()
                yield
            self._branch += 1
            for _ in range(depth + 1):
                self._append_empty(self._next_time())
                yield
            accounts = yield from self._accounts_in_steps(touched)
            yield from self._switch(accounts, reverted=reverted)
            return self._head.number

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """See to it that one at a time moves the head, and that none leaves a block half run."""
        assert not self._under_way, "the head is on its way already"
        self._under_way = True
        try:
            yield
        finally:
            self._state.abandon()
            self._under_way = self.moving = False

    # What the RPC server shows.

    @property
    def head_block(self) -> Block:
        """The newest block."""
        return self._history.head

    def block_by_number(self, number: int) -> Block | None:
        """The block of that number; None where it is forgotten or yet to come."""
        return self._history.by_number(number)

    def block_by_hash(self, block_hash: bytes) -> Block | None:
        """The block of that hash; None also for one that a reorg abandoned."""
        return self._history.by_hash(block_hash)

    def mined(self, tx_hash: bytes) -> MinedTx | None:
        """A transaction in its block, with its receipt; None where no block that is kept holds it."""
        return self._history.mined(tx_hash)

    def state(self, block_hash: bytes) -> PastState | None:
        """The state after a block; None where it is not kept any more."""
        block = self._history.by_hash(block_hash)
        if block is None or self._head.number - block.header.number > self._state.depth:
            return None
        return PastState(self._state, self._storage, self._head.number - block.header.number)

    def fee_history(self, count: int, last: int, percentiles: Sequence[float]) -> FeeHistory:
        """Fees of `count` blocks, at least one, up to number `last`, or of as many as are kept; percentiles ascend."""
        blocks = self._blocks(last - count + 1, last)
        after = self._history.by_number(last + 1)
        following = after.header if after else self._draft(self._next_time())
        return fee_history(blocks, following, self.schedule, percentiles, self._history.paid)

    def suggested_tip(self) -> int:
        """A tip that recent blocks took, wei a gas."""
        if self._tip_at != self._head.hash:
            self._tip_at = self._head.hash
            self._tip = suggested_tip(self._blocks(self._head.number - BLOCKS_LOOKED_AT + 1, self._head.number))
        return self._tip

    def _blocks(self, first: int, last: int) -> list[Block]:
        """The blocks of those numbers that are kept."""
        found = (self._history.by_number(number) for number in range(max(first, self._history.oldest), last + 1))
        return [block for block in found if block]

    # Building.

    def _next_time(self) -> int:
        return max(self.head_block.header.time + 1, self._clock() // NANOSECONDS)

    def _draft(self, time: int) -> Header:
        parent = self.head_block.header
        return child_header(parent, self.schedule, time, self.settings.fee_recipient, self._branch)

    def _fill(self, draft: Header) -> Steps[Content]:
        bounds = Bounds(draft.gas_limit, blobs_max(draft, self.schedule), self.settings.tip_min)
        return fill(self._supply, draft.base_fee, self._state, context_of(draft, self.schedule), bounds)

    def _commit(self, draft: Header, content: Content) -> Steps[None]:
        block = yield from _finished(draft, content)
        accounts = yield from self._accounts_in_steps(self._state.touched())
        self._state.seal()
        self._history.append(block)
        yield from self._switch(accounts, included=dict.fromkeys(block.hashes, draft.number))

    def _append_empty(self, time: int) -> None:
        """Put an empty block on the head, and tell nobody yet."""
        self._history.append(finish(_finished(self._draft(time), Content())))
        self._state.seal()

    def _switch(
        self,
        accounts: Mapping[bytes, Account],
        *,
        included: Mapping[bytes, int] | None = None,
        reverted: Sequence[Candidate] = (),
    ) -> Steps[None]:
        self.moving = True
        self._head = self._head_of(self.head_block.header)
        yield from self._on_change(HeadChange(self._head, accounts, included or {}, reverted))

    def _accounts_in_steps(self, addresses: Iterable[bytes]) -> Steps[dict[bytes, Account]]:
        """Accounts with what the block under way has done to them."""
        accounts: dict[bytes, Account] = {}
        for some in portions(addresses):
            accounts |= {address: _seen(self._state.get(address)) for address in some}
            yield
        return accounts

    def _given_back(self, depth: int) -> Steps[list[Candidate]]:
        """The transactions of the newest blocks, newest block first."""
        now, number = self._clock(), self._head.number
        given_back: list[Candidate] = []
        for block in self._blocks(number - depth + 1, number)[::-1]:
            for some in portions(range(len(block.hashes))):
                found = [block.mined(index) for index in some]
                given_back += [
                    Candidate(each.tx, each.sender, now, Origin.REORG, authorities_of(each.tx)) for each in found
                ]
                yield
        return given_back

    def _head_of(self, header: Header) -> Head:
        is_london = self.schedule.at(header.number + 1, header.time) >= Fork.LONDON
        return Head(
            number=header.number,
            hash=header.hash,
            parent_hash=header.parent_hash,
            time=header.time,
            gas_limit=header.gas_limit,
            base_fee=header.base_fee,
            next_base_fee=next_base_fee(header.gas_limit, header.gas_used, header.base_fee) if is_london else None,
            blob_base_fee=blob_base_fee_of(header, self.schedule),
            fork=self.schedule.at(header.number, header.time),
        )


def _finished(draft: Header, content: Content) -> Steps[Block]:
    """Seal a block: the draft of its header with what the content adds to it."""
    header = draft
    if content.hashes:
        header = msgspec.structs.replace(
            draft,
            transactions_root=(yield from transactions_root(content.payloads)),
            receipts_root=(yield from receipts_root(content.payloads, content.receipts)),
            gas_used=content.gas_used,
            blob_gas_used=None if draft.blob_gas_used is None else content.blob_gas_used,
        )
        yield
    size = block_size(header, content.payloads)
    yield
    return Block(
        sealed(header),
        size,
        tuple(content.hashes),
        tuple(content.payloads),
        tuple(content.senders),
        tuple(content.receipts),
    )


def _seen(account: AccountState) -> Account:
    return Account(account.nonce, account.balance, bool(account.code))
