"""What a peer on a connection that stays can subscribe to, and one subscription under way.

A kind is found by namespace and name, reads its own arguments, and gives a cursor: a place in a log of numbered
messages that others read too. Whoever adds a kind adds an entry to the table; sessions need not know.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
from msgspec import DecodeError

from txpool.rpc import errors
from txpool.rpc.arguments import Fault, Parameters, Reader
from txpool.rpc.envelope import encode
from txpool.rpc.errors import RpcError

ID_BYTES: Final = 16


class Cursor(Protocol):
    """A place in what happens; each message is read once, in order."""

    @property
    def behind(self) -> bool:
        """Whether it has more to look at, though it found less than it was asked for: others shall have their turn."""

    def take(self, most: int) -> Sequence[bytes] | None:
        """Up to so many messages, as JSON; fewer, or none, when there are no more yet.

        None where those that come next are gone: the reader was too slow.
        """

    def close(self) -> None:
        """Read no more."""


class Kind(msgspec.Struct, frozen=True):
    """One kind of subscription.

    Attributes:
        open: called with the arguments; gives a cursor, or an `RpcError`.
        parameters: how the arguments are read, the name being the first.
    """

    open: Callable[..., Cursor | RpcError]
    parameters: Parameters


Kinds = Mapping[tuple[str, str], Kind]  # by namespace and name, as ("eth", "newHeads")


def kind(opened_by: Callable[..., Cursor | RpcError], *readers: Reader, required: int | None = None) -> Kind:
    """A kind whose arguments after the name are read by these."""
    needed = len(readers) if required is None else required
    return Kind(opened_by, Parameters(_any_name, *readers, required=1 + needed))


def _any_name(value: Any) -> str | Fault:  # noqa: ANN401 - JSON, and looked at before
    assert isinstance(value, str), "the kind was found by it"
    return value


def new_id() -> str:
    """A name that nobody guesses, written as a quantity."""
    return hex(int.from_bytes(secrets.token_bytes(ID_BYTES)))


class Subscription:
    """A cursor, and the frame in which its messages go out."""

    __slots__ = ("_cursor", "_head", "active", "close", "identity")

    def __init__(self, namespace: str, cursor: Cursor) -> None:
        self.identity = new_id()
        self.active = False  # once the peer knows the id
        self.close = cursor.close
        self._cursor = cursor
        method = encode(f"{namespace}_subscription")
        self._head = b'{"jsonrpc":"2.0","method":%b,"params":{"subscription":"%b","result":' % (
            method,
            self.identity.encode(),
        )

    @property
    def behind(self) -> bool:
        """Whether the cursor has more to look at."""
        return self._cursor.behind

    def take(self, most: int) -> list[bytes] | None:
        """Up to so many notifications; None where some are gone."""
        results = self._cursor.take(most)
        return None if results is None else [b"%b%b}}" % (self._head, result) for result in results]


def name_in(params: bytes) -> str | RpcError:
    """The name of what is subscribed to, which is the first argument."""
    try:
        values = msgspec.json.decode(params) if params else None
    except (DecodeError, UnicodeDecodeError, RecursionError):
        values = None
    if not isinstance(values, list):
        return errors.NON_ARRAY
    return values[0] if values and isinstance(values[0], str) else errors.NO_SUBSCRIPTION_NAME
