"""How a one-shot command may fail, apart from a refusal by the server."""


class ConnectFailedError(Exception):
    """Nobody answers there, or nobody who speaks JSON-RPC."""


class TimedOutError(Exception):
    """The answer, or the block, did not come in time."""
