"""A few calls beside the load: what the node is, what its pool holds, make a block."""

import http.client
import json
import socket
from typing import Any

from loadtest.target import Target


class RpcFailedError(Exception):
    """The node cannot be asked, or said no."""


def call(target: Target, method: str, *params: object, timeout_s: float = 30.0) -> Any:  # noqa: ANN401 - JSON is whatever the method says
    """Make one call; its result.

    Raises:
        RpcFailedError: it did not work, or the target is a WebSocket, which is for load only.
    """
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    try:
        answer = json.loads(_exchange(target, body, timeout_s))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise RpcFailedError(f"{method}: {str(error) or type(error).__name__}") from None
    if not isinstance(answer, dict) or "result" not in answer:
        raise RpcFailedError(f"{method}: {answer}")
    return answer["result"]


def _exchange(target: Target, body: bytes, timeout_s: float) -> bytes:
    match target.transport:
        case "unix":
            with socket.socket(socket.AF_UNIX) as client, client.makefile("rb") as lines:
                client.settimeout(timeout_s)
                client.connect(target.path)
                client.sendall(body + b"\n")
                return lines.readline()
        case "http":
            return post(target.host, target.port, target.path, body, timeout_s)
        case "websocket":
            raise OSError("control calls go over HTTP or a Unix socket")


def post(host: str, port: int, path: str, body: bytes | None, timeout_s: float) -> bytes:
    """One request on a connection of its own, GET where there is no body; the answer's body."""
    client = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        client.request("GET" if body is None else "POST", path, body, {"Content-Type": "application/json"})
        return client.getresponse().read()
    finally:
        client.close()
