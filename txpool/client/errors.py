"""How asking a server may fail."""

from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from txpool.client.jsonrpc import Json

INVALID_PARAMS: Final = -32602


class ConnectFailedError(Exception):
    """Nobody answers there, or nobody who speaks JSON-RPC."""


class TimedOutError(Exception):
    """The answer, or the block, did not come in time."""


class RpcError(Exception):
    """The server's answer was an error."""

    def __init__(self, code: int, message: str, data: "Json" = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    @classmethod
    def of(cls, error: "Json") -> Self:
        """Read the `error` member of an answer."""
        if not isinstance(error, dict):
            return cls(0, str(error))
        code = error.get("code")
        return cls(code if isinstance(code, int) else 0, str(error.get("message", "")), error.get("data"))

    def to_json(self) -> "dict[str, Json]":
        """Write it as it came."""
        told: dict[str, Json] = {"code": self.code, "message": self.message}
        return told if self.data is None else {**told, "data": self.data}
