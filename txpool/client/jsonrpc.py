"""JSON-RPC over HTTP or a Unix socket with the standard library only: one connection, calls or batches."""

import http.client
import json
import time
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from txpool.client.errors import ConnectFailedError, RpcError, TimedOutError
from txpool.client.unix_socket import UnixSocket, is_socket_path

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
Call = tuple[str, list[Json]]
Reply = tuple[int, float, bytes]  # HTTP status, seconds until one may ask again, body

HTTP_OK: Final = 200
BUSY_STATUS: Final = 429
BUSY_CODE: Final = -32005
LATER_S: Final = 1.0  # the wait where a busy server names none
AGAIN_S: Final = 0.05  # between two attempts to reach a server that may be starting


class RpcClient:
    """One JSON-RPC server, by URL or by the path of its Unix socket."""

    def __init__(self, url: str, timeout_s: float = 30.0) -> None:
        """Connect to nothing yet.

        Raises:
            ValueError: it is neither a URL of http or https nor a path.
        """
        self.url = url
        self._timeout_s = timeout_s
        self._last_id = 0
        self._answered = False  # on the connection that there is now
        self._connection: http.client.HTTPConnection | UnixSocket
        if is_socket_path(url):
            self._connection = UnixSocket(url, timeout_s)
            return
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no http or https URL, as in http://127.0.0.1:8545, and no path of a socket")
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=timeout_s)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    @property
    def is_private(self) -> bool:
        """Whether it is a Unix socket, where an operator's methods are."""
        return isinstance(self._connection, UnixSocket)

    def call(self, method: str, *params: Json) -> Json:
        """Ask one thing.

        Raises:
            RpcError: the server refuses.
            ConnectFailedError: there is no server.
            TimedOutError: it does not answer.
        """
        (result,) = self.ask([(method, list(params))])
        return result

    def ask(self, calls: Sequence[Call]) -> list[Json]:
        """Ask several things that belong together, in one request; raises as `call` does."""
        answers = []
        for answer in self.batch(calls):
            if isinstance(answer, RpcError):
                raise answer
            answers.append(answer)
        return answers

    def batch(self, calls: Sequence[Call]) -> list[Json | RpcError]:
        """Ask several things in one request; answers in the order of the calls, refusals among them."""
        if not calls:
            return []
        requests: list[Json] = []
        for method, params in calls:
            self._last_id += 1
            requests.append({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        answer = self._exchange(requests if len(requests) > 1 else requests[0])
        answers = answer if isinstance(answer, list) else [answer]
        by_id = {one.get("id"): one for one in answers if isinstance(one, dict)}
        # What concerns the request as a whole (a batch that is too large, say) carries no id.
        whole: Json = by_id.get(None, {"error": "no answer to this call"})
        first = self._last_id - len(calls) + 1
        return [_outcome(by_id.get(number, whole)) for number in range(first, self._last_id + 1)]

    def _exchange(self, document: Json) -> Json:
        """Post a document, again as long as the server is busy and time is left."""
        body = json.dumps(document).encode()
        give_up = time.monotonic() + self._timeout_s
        while True:
            status, wait_s, answer = self._post(body)
            if status != BUSY_STATUS or time.monotonic() + wait_s > give_up:
                return self._parsed(status, answer)
            time.sleep(wait_s)

    def await_server(self, patience_s: float) -> None:
        """Connect, again and again for a while where nobody listens yet: a daemon just started needs a moment.

        Whatever is wrong then, the first call says.

        Raises:
            TimedOutError: the connection does not come about in the time that an answer may take.
        """
        give_up = time.monotonic() + patience_s
        while time.monotonic() < give_up:
            try:
                self._connection.connect()
            except (ConnectionRefusedError, FileNotFoundError):
                time.sleep(AGAIN_S)
            except TimeoutError as error:
                raise self._timed_out() from error
            except OSError:
                self._connection.close()
                return
            else:
                return

    def _post(self, body: bytes) -> Reply:
        try:
            return self._carried(body)
        except TimeoutError as error:
            raise self._timed_out() from error
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise ConnectFailedError(f"cannot connect to {self.url}: {error}") from error

    def _timed_out(self) -> TimedOutError:
        return TimedOutError(f"no answer from {self.url} within {self._timeout_s:g} s")

    def _carried(self, body: bytes) -> Reply:
        """Send, and once more where a connection that has answered before is gone: servers hang up on who is silent.

        A server may hear something twice so: this is for what can be said twice. A transaction is then "already known".
        """
        try:
            reply = self._sent(body)
        except (ConnectionResetError, BrokenPipeError):
            if not self._answered:
                raise
            self._connection.close()
            self._answered = False
            reply = self._sent(body)
        self._answered = True
        return reply

    def _sent(self, body: bytes) -> Reply:
        if isinstance(self._connection, UnixSocket):
            return HTTP_OK, 0.0, self._connection.exchange(body)
        self._connection.request("POST", self._path, body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        wait = response.headers.get("Retry-After", "")
        return response.status, float(wait) if wait.isdigit() else LATER_S, response.read()

    def _parsed(self, status: int, answer: bytes) -> Json:
        try:
            document: Json = json.loads(answer)
        except ValueError:
            text = answer[:200].decode("utf-8", "replace").strip()
            raise ConnectFailedError(f"{self.url} does not speak JSON-RPC: HTTP {status} {text!r}") from None
        return document


def _outcome(answer: Json) -> Json | RpcError:
    if isinstance(answer, dict) and answer.get("error") is None and "result" in answer:
        return answer["result"]
    return RpcError.of(answer.get("error") if isinstance(answer, dict) else answer)


def quantity(value: Json) -> int:
    """Read a hexadecimal quantity.

    Raises:
        ConnectFailedError: it is none, so that is no Ethereum node.
    """
    try:
        return int(str(value), 16)
    except ValueError:
        raise ConnectFailedError(f"the server answered {value!r} where a quantity was expected") from None
