"""What the pool says to a transaction."""

import msgspec

from txpool.core.rejection import Rejected


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """The pool has taken it (limits may cut it again at once, as in geth); `replaced` is whose place it took."""

    tx_hash: bytes
    replaced: bytes | None = None


Verdict = Accepted | Rejected
