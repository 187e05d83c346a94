"""What a chain tells the pool: its head, and accounts there. Head changes come by callback, as a `HeadChange`."""

from collections.abc import Collection, Mapping
from typing import Protocol

from txpool.core.head import Account, Head


class ChainSource(Protocol):
    """A chain to follow, embedded or behind a real client."""

    @property
    def chain_id(self) -> int:
        """The chain that transactions must be signed for."""

    def head(self) -> Head:
        """The tip, as the pool's rules see it."""

    async def accounts(self, addresses: Collection[bytes]) -> Mapping[bytes, Account]:
        """Those accounts at `head()`, all of them: one that does not exist has nonce and balance 0."""
