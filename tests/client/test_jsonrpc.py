"""What the client makes of answers that a good server rarely gives."""

import json
import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest

from tests.running import running
from txpool.client.errors import ConnectFailedError, RpcError, TimedOutError
from txpool.client.jsonrpc import RpcClient, quantity
from txpool.client.submission import submit

Answer = tuple[int, dict[str, str], bytes]
Script = Callable[[Any], Answer]
Scripted = Callable[[Script], RpcClient]
QUIETLY: Final[dict[str, str]] = {}


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A server that answers each parsed body as a test says."""
    servers: list[HTTPServer] = []
    clients: list[RpcClient] = []

    def serve(script: Script) -> RpcClient:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, headers, answer = script(body)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(answer))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
                """Keep quiet."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        clients.append(RpcClient(f"http://127.0.0.1:{server.server_port}", 5))
        return clients[-1]

    yield serve
    for client in clients:
        client.close()
    for server in servers:
        server.shutdown()
        server.server_close()


def result(call: dict[str, Any], value: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": call["id"], "result": value}


def test_answers_of_a_batch_are_matched_by_id(scripted: Scripted) -> None:
    client = scripted(
        lambda calls: (200, QUIETLY, json.dumps([result(call, call["method"]) for call in calls[::-1]]).encode())
    )

    assert client.ask([("a", []), ("b", []), ("c", [])]) == ["a", "b", "c"]


def test_an_error_for_the_whole_batch_is_that_of_every_call(scripted: Scripted) -> None:
    whole = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batch too large"}}
    client = scripted(lambda _: (200, QUIETLY, json.dumps(whole).encode()))

    answers = client.batch([("a", []), ("b", [])])

    assert [(type(answer), str(answer)) for answer in answers] == [(RpcError, "batch too large")] * 2


def test_a_call_that_gets_no_answer_is_an_error_of_its_own(scripted: Scripted) -> None:
    client = scripted(lambda calls: (200, QUIETLY, json.dumps([result(calls[0], 1)]).encode()))

    first, second = client.batch([("a", []), ("b", [])])

    assert first == 1
    assert str(second) == "no answer to this call"


def test_a_busy_server_is_asked_again_after_the_time_it_names(scripted: Scripted) -> None:
    busy = [(429, {"Retry-After": "0"}, b"{}")] * 2

    client = scripted(lambda call: busy.pop() if busy else (200, QUIETLY, json.dumps(result(call, 7)).encode()))

    assert client.call("a") == 7


def test_transactions_that_a_busy_server_turned_away_are_sent_again(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("txpool.client.submission.LATER_S", 0)
    seen: list[list[str]] = []

    def script(body: Any) -> Answer:  # noqa: ANN401 - JSON is whatever the client says
        calls = body if isinstance(body, list) else [body]
        seen.append([call["params"][0] for call in calls])
        away = {"code": -32005, "message": "rate limit exceeded"}
        if len(seen) == 1:
            answers = [result(calls[0], "0x01"), {"jsonrpc": "2.0", "id": calls[1]["id"], "error": away}]
            return 200, QUIETLY, json.dumps(answers).encode()
        return 200, QUIETLY, json.dumps(result(calls[0], "0x02")).encode()

    (outcomes,) = submit(scripted(script), [[(1, "0xaa"), (2, "0xbb")]], patience_s=5)

    assert [outcome.hash for outcome in outcomes] == ["0x01", "0x02"]
    assert seen == [["0xaa", "0xbb"], ["0xbb"]]


def test_a_page_of_html_is_no_json_rpc(scripted: Scripted) -> None:
    client = scripted(lambda _: (502, QUIETLY, b"<html>bad gateway</html>"))

    with pytest.raises(ConnectFailedError, match="does not speak JSON-RPC: HTTP 502"):
        client.call("a")


@pytest.mark.parametrize("value", [None, "zz", {}])
def test_what_is_no_quantity_comes_from_no_ethereum_node(value: Any) -> None:  # noqa: ANN401 - any JSON
    with pytest.raises(ConnectFailedError, match="where a quantity was expected"):
        quantity(value)


# --- connections that end


def serve_once_each(listener: socket.socket, answers: list[bytes]) -> Thread:
    """Take a connection for each answer, read one request, answer, and hang up without a word of it."""

    def serve() -> None:
        for answer in answers:
            peer, _ = listener.accept()
            with peer:
                request = b""
                while not request.rstrip().endswith(b"}"):
                    request += peer.recv(65_536)
                peer.sendall(answer)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    return thread


def over_http(document: dict[str, object]) -> bytes:
    body = json.dumps(document).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def test_a_connection_that_the_server_has_closed_meanwhile_is_made_anew() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answers = [over_http(result({"id": number}, number)) for number in (1, 2)]
        serving = serve_once_each(listener, answers)
        client = RpcClient(f"http://127.0.0.1:{listener.getsockname()[1]}", 5)

        assert [client.call("a"), client.call("a")] == [1, 2]

        client.close()
        serving.join()


def test_so_is_one_to_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "node.ipc"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        answers = [json.dumps(result({"id": number}, number)).encode() + b"\n" for number in (1, 2)]
        serving = serve_once_each(listener, answers)
        client = RpcClient(str(path), 5)

        assert [client.call("a"), client.call("a")] == [1, 2]

        client.close()
        serving.join()


def test_one_that_never_answered_is_not_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = serve_once_each(listener, [b""])

        with pytest.raises(ConnectFailedError):
            RpcClient(f"http://127.0.0.1:{listener.getsockname()[1]}", 5).call("a")

        serving.join()
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_daemon_that_closes_idle_connections_is_asked_again() -> None:
    with running("--dev", "--set", "http.idle_seconds=0.1") as daemon:
        client = RpcClient(daemon.url, 30)
        first = client.call("eth_chainId")
        while "txpool_http_connections 0" not in daemon.scrape():
            pass

        assert client.call("eth_chainId") == first

        client.close()


# --- servers that are starting


def test_a_server_that_is_just_starting_is_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "late.ipc"
    client = RpcClient(str(path), 5)
    with socket.socket(socket.AF_UNIX) as listener:

        def start(_: float) -> None:
            listener.bind(str(path))
            listener.listen()
            serve_once_each(listener, [json.dumps(result({"id": 1}, 7)).encode() + b"\n"])

        monkeypatch.setattr("txpool.client.jsonrpc.time.sleep", start)

        client.await_server(60)

        assert client.call("a") == 7
        client.close()


def test_it_is_not_waited_for_longer_than_that() -> None:
    client = RpcClient("http://127.0.0.1:1", 5)

    client.await_server(0.01)

    with pytest.raises(ConnectFailedError):
        client.call("a")


def test_who_does_not_take_a_connection_within_the_time_for_an_answer_is_not_asked_again() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as first:
        first.connect(full.getsockname())  # what comes behind it is left standing by the kernel
        client = RpcClient(f"http://127.0.0.1:{full.getsockname()[1]}", 0.2)

        with pytest.raises(TimedOutError):
            client.await_server(60)
