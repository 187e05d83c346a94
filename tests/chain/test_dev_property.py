"""Whatever is mined and undone, the chain is one that could have been built straight from its genesis."""

from itertools import pairwise
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.chain.offers import CHAIN_ID, GWEI, KEYS, Offers, transfer
from txpool.chain.dev import DevChain
from txpool.chain.draft import context_of
from txpool.chain.execution import execute, misfit
from txpool.chain.genesis import Genesis, dev_genesis, parse_genesis
from txpool.chain.seal import sealed
from txpool.chain.state import State
from txpool.core.block import Block
from txpool.core.head import Account
from txpool.core.signature import sign_authorization
from txpool.core.tx import Authorization

PEOPLE: Final = list(KEYS)[:4]
CONTRACT: Final = b"\x22" * 20
GENESIS: Final[Genesis] = parse_genesis(
    {
        **dev_genesis(0),
        "gasLimit": hex(300_000),
        "alloc": {
            **{f"0x{address.hex()}": {"balance": hex(10**17)} for address in PEOPLE},
            f"0x{CONTRACT.hex()}": {"balance": "0x0", "code": "0x00"},
        },
    }
)
people = st.sampled_from(PEOPLE)


class ChainBesideItsGenesis(RuleBasedStateMachine):
    """Sends, mines and undoes at random; recomputes everything after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.offers = Offers()
        self.chain = DevChain(GENESIS, supply=self.offers.supply, on_change=self.offers.follow, clock=lambda: 0)
        self.nonces = dict.fromkeys(PEOPLE, 0)

    @rule(
        sender=people,
        to=st.one_of(people, st.sampled_from([CONTRACT, None, bytes(20), b"\x33" * 20])),
        value=st.integers(0, 10**17),
        tip=st.integers(0, 5 * GWEI),
        signer=st.none() | people,
        code=st.sampled_from([CONTRACT, bytes(20)]),
        ahead=st.integers(0, 1),
    )
    def send(
        self, sender: bytes, to: bytes | None, value: int, tip: int, signer: bytes | None, code: bytes, ahead: int
    ) -> None:
        authorizations: tuple[Authorization, ...] = ()
        if signer is not None and to is not None:
            nonce = self.chain.account(signer).nonce + ahead
            authorizations = (sign_authorization(CHAIN_ID, code, nonce, KEYS[signer]),)
        nonce = self.nonces[sender]
        self.nonces[sender] += 1
        self.offers.add(transfer(sender, nonce, to=to, value=value, tip=tip, gas=80_000, authorizations=authorizations))

    @rule(count=st.integers(1, 3))
    def mine(self, count: int) -> None:
        self.chain.mine(count)

    @rule()
    def mine_if_filled(self) -> None:
        before = self.chain.head()
        assert self.chain.mine_if_filled() == (self.chain.head() != before)

    @precondition(lambda self: self.chain.head().number)
    @rule(data=st.data())
    def reorg(self, data: st.DataObject) -> None:
        head = self.chain.head().number
        depth = data.draw(st.integers(1, min(head, 4)))
        self.chain.reorg(depth)
        assert self.chain.head().number == head + 1

    @invariant()
    def state_is_that_of_the_blocks(self) -> None:
        state, burnt = replayed(self.blocks())
        held = {address: self.chain.account(address) for address in state.snapshot()}
        assert {address: (account.nonce, account.balance) for address, account in held.items()} == {
            address: (account.nonce, account.balance) for address, account in state.snapshot().items()
        }
        assert sum(account.balance for account in held.values()) + burnt == 4 * 10**17

    @invariant()
    def headers_are_a_chain(self) -> None:
        for parent, child in pairwise(self.blocks()):
            assert child.header.parent_hash == parent.header.hash
            assert child.header.number == parent.header.number + 1
            assert child.header.time > parent.header.time
            assert sealed(child.header) == child.header
        assert self.chain.head().hash == self.blocks()[-1].header.hash

    @invariant()
    def who_follows_the_changes_knows_every_account(self) -> None:
        told = {
            address: Account(0, account.balance, bool(account.code)) for address, account in GENESIS.accounts.items()
        }
        for change in self.offers.changes:
            told |= change.accounts
        for address in {*told, *self.chain._state.snapshot()}:
            assert told[address] == self.chain.account(address)

    def blocks(self) -> list[Block]:
        found = [self.chain.block_by_number(number) for number in range(self.chain.head().number + 1)]
        return [block for block in found if block]


def replayed(blocks: list[Block]) -> tuple[State, int]:
    """Run all blocks again from the genesis; the state, and the wei that were burnt."""
    state, burnt = State(journals_max=1), 0
    for address, account in GENESIS.accounts.items():
        state.found(address, account)
    for block in blocks[1:]:
        context, gas_used = context_of(block.header, GENESIS.schedule), 0
        for mined in block.transactions():
            assert misfit(mined.tx, mined.sender, state, context) is None
            receipt = execute(mined.tx, mined.sender, state, context, gas_used)
            assert receipt == mined.receipt
            gas_used += receipt.gas_used
        assert gas_used == block.header.gas_used
        burnt += gas_used * context.base_fee
    return state, burnt


TestChain = ChainBesideItsGenesis.TestCase
