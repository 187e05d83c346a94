"""A JSON-RPC server to talk to over one connection that stays open."""

import json
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any, Final

# JSON is whatever the method says, so `Any` by nature.
Json = Any

TIMEOUT_SECONDS: Final = 60


class Peer:
    """One of the two sides."""

    def __init__(self, address: str, token: Callable[[], str] | None = None) -> None:
        self._client = HTTPConnection(address, timeout=TIMEOUT_SECONDS)
        self._token = token

    def post(self, body: bytes) -> tuple[int, bytes]:
        """Send a request body as it is; the status and the body of the answer."""
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token()}"
        self._client.request("POST", "/", body, headers)
        answer = self._client.getresponse()
        return answer.status, answer.read()

    def ask(self, *calls: tuple[str, list[Json]]) -> list[Json]:
        """Make some calls in one batch; the whole answers, in order."""
        numbered = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in enumerate(calls)
        ]
        answers = json.loads(self.post(json.dumps(numbered).encode())[1])
        return sorted(answers, key=lambda answer: int(answer["id"]))

    def call(self, method: str, *params: Json) -> Json:
        """Make one call that must succeed; its result."""
        (answer,) = self.ask((method, list(params)))
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
