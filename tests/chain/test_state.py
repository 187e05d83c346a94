"""Accounts with journals, beside a list of snapshots."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from txpool.chain.state import EMPTY, AccountState, State
from txpool.core.steps import finish

JOURNALS_MAX = 4
ADDRESSES = [bytes((number,)) * 20 for number in range(6)]
addresses = st.sampled_from(ADDRESSES)
accounts = st.builds(AccountState, st.integers(0, 2), st.integers(0, 2), st.sampled_from([b"", b"\0"]))


class StateBesideSnapshots(RuleBasedStateMachine):
    """After each sealed block all accounts are copied; what is undone or looked up is read from the copies."""

    @initialize(found=st.dictionaries(addresses, accounts))
    def begin(self, found: dict[bytes, AccountState]) -> None:
        self.state = State(JOURNALS_MAX)
        for address, account in found.items():
            self.state.found(address, account)
        self.sealed = [found]
        self.now = dict(found)

    @rule(address=addresses, account=accounts)
    def put(self, address: bytes, account: AccountState) -> None:
        self.state.put(address, account)
        self.now[address] = account
        if account == EMPTY:
            del self.now[address]

    @rule()
    def seal(self) -> None:
        self.state.seal()
        self.sealed = [*self.sealed, dict(self.now)][-JOURNALS_MAX - 1 :]

    @precondition(lambda self: len(self.sealed) > 1)
    @rule()
    def undo(self) -> None:
        self.seal()
        finish(self.state.undo())
        self.sealed.pop()
        self.now = dict(self.sealed[-1])

    @rule()
    def abandon(self) -> None:
        self.state.abandon()
        self.now = dict(self.sealed[-1])

    @rule(address=addresses)
    def look_back(self, address: bytes) -> None:
        self.seal()
        for blocks_back, snapshot in enumerate(reversed(self.sealed)):
            assert self.state.past(address, blocks_back) == snapshot.get(address, EMPTY)
        assert self.state.past(address, len(self.sealed)) is None

    @invariant()
    def agree(self) -> None:
        assert self.state.snapshot() == self.now
        assert self.state.depth == len(self.sealed) - 1
        assert {each: self.state.at_head(each) for each in self.sealed[-1]} == self.sealed[-1]
        assert self.state.supply() == sum(account.balance for account in self.now.values())


TestState = StateBesideSnapshots.TestCase


@given(st.lists(st.tuples(addresses, accounts)))
def test_a_seal_tells_what_its_block_wrote(writes: list[tuple[bytes, AccountState]]) -> None:
    state = State(JOURNALS_MAX)
    for address, account in writes:
        state.put(address, account)

    assert set(state.touched()) == {address for address, _ in writes}
    state.seal()
    assert set(finish(state.undo())) == {address for address, _ in writes}
