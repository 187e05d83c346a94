"""A full pool of honest transactions, and the question whether an attack on it has paid.

64 pending slots, 16 of the queue; four slots and eight places in the queue are for each sender.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from tests.core.stand import RICH, Stand, heap_store, offer
from txpool.core.candidate import Candidate
from txpool.core.head import Account

TABLE: Final = Path(__file__).parents[2] / "docs" / "attacks.md"
SLOTS: Final = 64
QUEUE: Final = 16
ROOM: Final = SLOTS + QUEUE
ACCOUNT: Final = 4
PRICE: Final = 100
COST: Final = 21_000 * PRICE


def honest(number: int) -> bytes:
    return (1_000 + number).to_bytes(8, "big") + b"honest------"


def crook(number: int) -> bytes:
    return (2_000 + number).to_bytes(8, "big") + b"crook-------"


def verdict_of(pattern: str, hardened: bool) -> str:
    """What the table in the docs says."""
    rows = [[cell.strip() for cell in line.split("|")] for line in TABLE.read_text().splitlines()]
    return next(row[4 if hardened else 3] for row in rows if len(row) > 4 and row[1] == pattern)


class Field(Stand):
    """A stand whose honest senders are known."""

    def __init__(self, *, hardened: bool, senders: int = 16, each: int = ACCOUNT, account_slots: int = ACCOUNT) -> None:
        super().__init__(
            global_slots=SLOTS,
            global_queue=QUEUE,
            account_slots=account_slots,
            account_queue=8,
            hardened=hardened,
            store=heap_store(),
        )
        self.honest = [offer(honest(number), nonce, PRICE) for number in range(senders) for nonce in range(each)]
        for start in range(0, len(self.honest), SLOTS // 4):
            assert set(self.send(*self.honest[start : start + SLOTS // 4])) == {"ok"}
        self.see()
        self.crooks: set[bytes] = set()

    def fund(self, sender: bytes, balance: int) -> bytes:
        self.accounts[sender] = Account(balance=balance)
        return sender

    def attack(self, *offers: Candidate) -> list[str]:
        """Submit one by one, a new head after each so that no limit of time helps the pool."""
        verdicts = []
        for each in offers:
            assert isinstance(each.sender, bytes)
            self.crooks.add(each.sender)
            verdicts += self.send(each)
            self.see()
        return verdicts

    def lost(self) -> int:
        """Honest pending ones that have left."""
        return sum(not held for held in self.holds(*self.honest))

    def paid(self) -> int:
        """Pending ones of the attackers that their balances cover, nonce by nonce."""
        return sum(_payable(self, sender) for sender in self.crooks)

    def unpayable(self) -> int:
        """Pending ones of the attackers that their balances do not cover."""
        return sum(len(self.pending(sender)) for sender in self.crooks) - self.paid()

    def outcome(self) -> str:
        self.pool.check()
        counts = self.pool.counts()
        assert counts.slots <= ROOM
        assert counts.queued <= QUEUE
        return "holds" if self.lost() <= self.paid() and not self.unpayable() else "falls"


def _payable(field: Field, sender: bytes) -> int:
    left = field.accounts.get(sender, RICH).balance
    count = 0
    for each in field.pool.pending_of(sender):
        handle = field.pool._residents.index[each.hash]
        left -= field.pool._residents.read(handle).cost
        if left < 0:
            break
        count += 1
    return count


def chain(sender: bytes, nonces: Iterable[int], price: int = 1000, value: int = 0) -> Sequence[Candidate]:
    return [offer(sender, nonce, price, value=value) for nonce in nonces]
