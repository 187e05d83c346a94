"""From the ready line to the last answer."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection
from itertools import cycle
from pathlib import Path
from threading import Event, Thread
from typing import Final

import pytest

from tests.outside import ROOT
from tests.rpc.plain_ws import PlainWebSocket
from tests.running import COMMAND, FREE_PORT, running
from txpool.chain.dev_accounts import dev_accounts
from txpool.client.jsonrpc import RpcClient
from txpool.core.signature import sign
from txpool.core.unsigned import Unsigned

PATIENCE_S: Final = 30
RESERVED: Final = 3  # an opcode that RFC 6455 keeps for later
BARE: Final = [sys.executable, "-m", "cli", "run"]
METHOD_NOT_FOUND: Final = -32601
PROTOCOL_ERROR: Final = 1002  # the close code for whoever uses it

CALL: Final = {"jsonrpc": "2.0", "id": 1}
BLOCK: Final = {**CALL, "method": "eth_getBlockByNumber", "params": ["0x0", True]}


@contextmanager
def start(*options: str, log: Path, command: Sequence[str] = COMMAND) -> Iterator["subprocess.Popen[str]"]:
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            [*command, "--dev", "--data", log.parent, *options],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=ROOT,
        ) as process,
    ):
        try:
            yield process
            process.wait(PATIENCE_S)
        finally:
            process.kill()


def ready_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_the_ready_line_names_every_listener_and_is_all_there_is_on_standard_output(tmp_path: Path) -> None:
    with start("--log", "json", log=tmp_path / "log") as process:
        ready = json.loads(ready_line(process))
        process.terminate()
        rest, _ = process.communicate(timeout=PATIENCE_S)

    assert list(ready) == ["event", "pid", "http", "ws", "ipc", "grpc", "metrics"]
    assert (ready["event"], ready["pid"]) == ("ready", process.pid)
    assert re.fullmatch(r"127\.0\.0\.1:[1-9]\d+", ready["http"])
    assert re.fullmatch(r"127\.0\.0\.1:[1-9]\d+", ready["metrics"])
    assert ready["ipc"] == str(tmp_path / "txpool.ipc")
    assert ready["grpc"] is None
    assert (rest, process.returncode) == ("", 0)


def test_a_listener_that_is_off_is_null_in_the_ready_line(tmp_path: Path) -> None:
    off = ("--metrics", "off", "--ws", "off", "--ipc", "off")
    with start("--log", "json", *off, log=tmp_path / "log") as process:
        ready = json.loads(ready_line(process))
        process.terminate()

    assert (ready["metrics"], ready["ws"], ready["ipc"]) == (None, None, None)


def test_a_unix_socket_alone_is_enough() -> None:
    with running("--dev", "--http", "off", "--ws", "off") as daemon:
        assert daemon.ready["http"] is daemon.ready["ws"] is None
        with closing(RpcClient(daemon.ipc)) as client:
            assert str(client.call("web3_clientVersion")).startswith("txpool/")


def test_a_limit_that_makes_no_sense_is_named_in_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with start("--set", "pool.global_queue=0", log=log) as process:
        ready_line(process)
        process.terminate()

    assert "pool.global_queue is 1024 (default, for 0 of --set pool.global_queue)" in log.read_text()


def test_people_are_shown_accounts_keys_and_a_line_to_try(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with start(log=log) as process:
        line = ready_line(process)
        process.terminate()

    told = log.read_text()
    url = line.split()[3].rstrip(",")
    assert line.startswith("ready: JSON-RPC at http://127.0.0.1:")
    assert told.count("0x" + dev_accounts(1)[0].private_key.hex()) == 2
    assert f"cast send --rpc-url {url} --private-key" in told
    assert "no EVM" in told


def test_with_a_json_log_every_line_on_standard_error_is_an_object(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with start("--log", "json", "--dev-period", "0", log=log) as process:
        address = json.loads(ready_line(process))["http"]
        client = HTTPConnection(address, timeout=PATIENCE_S)
        body = '{"jsonrpc":"2.0","id":1,"method":"dev_mine","params":[2]}'
        client.request("POST", "/", body, {"Content-Type": "application/json"})
        client.getresponse().read()
        client.close()
        process.terminate()

    entries = [json.loads(line) for line in log.read_text().splitlines()]
    heads = [entry for entry in entries if entry["message"] == "new head"]
    assert [(entry["number"], entry["level"]) for entry in heads] == [(1, "info"), (2, "info")]
    assert entries[-1]["message"] == "stopped"


def test_the_log_has_nothing_of_peers_that_come_go_and_break_the_protocol(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with start("--log", "json", log=log) as process:
        address = json.loads(ready_line(process))["ws"]
        with PlainWebSocket(address) as peer:
            peer.send_frame(b"", opcode=RESERVED)
            assert peer.ended() == PROTOCOL_ERROR
        process.terminate()

    loggers = {json.loads(line)["logger"].partition(".")[0] for line in log.read_text().splitlines()}
    assert loggers == {"txpool"}


@pytest.mark.parametrize("section", ["http", "metrics"])
def test_where_a_port_is_taken_the_log_says_which_flag_names_another(tmp_path: Path, section: str) -> None:
    log = tmp_path / "log"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start(f"--{section}", f"127.0.0.1:{port}", log=log) as process:
            assert ready_line(process) == ""

    assert process.returncode == 1
    last = log.read_text().splitlines()[-1]
    assert f"cannot start: {section}.listen: " in last
    assert f"--{section} HOST:PORT listens elsewhere" in last


def test_a_port_that_nobody_has_named_is_done_without_where_it_is_taken(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with ExitStack() as stack:
        for port in (8546, 6060):
            with suppress(OSError):  # somebody else has taken it
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
        with start("--http", FREE_PORT, "--log", "json", log=log, command=BARE) as process:
            ready = json.loads(ready_line(process))
            process.terminate()

    assert process.returncode == 0
    assert (ready["ws"], ready["metrics"]) == (None, None)
    told = [json.loads(line)["message"] for line in log.read_text().splitlines()]
    assert sum(text.startswith(("does without ws.listen", "does without metrics.listen")) for text in told) == 2


def test_what_moves_the_dev_chain_can_be_kept_to_the_unix_socket() -> None:
    with running("--dev", "--dev-period", "0", "--set", "dev.private=true") as daemon:
        assert daemon.ask("dev_mine")["error"]["code"] == METHOD_NOT_FOUND
        with closing(RpcClient(daemon.ipc)) as operator:
            assert operator.call("dev_mine") == "0x1"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_either_signal_ends_an_idle_daemon_with_exit_code_0(tmp_path: Path, number: signal.Signals) -> None:
    with start("--log", "json", log=tmp_path / "log") as process:
        ready_line(process)
        process.send_signal(number)
        assert process.wait(PATIENCE_S) == 0


def test_a_second_signal_ends_it_at_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with start("--log", "json", log=log) as process:
        host, port = json.loads(ready_line(process))["http"].split(":")
        with socket.create_connection((host, int(port))) as deaf:
            # Megabytes of answers that the peer does not take: a stop in order waits for it.
            deaf.sendall(_post(json.dumps([BLOCK] * 1000).encode()) * 16)
            assert deaf.recv(4) == b"HTTP"
            process.send_signal(signal.SIGTERM)
            wait_for(log, "stopping: SIGTERM")
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 128 + signal.SIGTERM


def wait_for(log: Path, message: str) -> None:
    """Until the log has this message."""
    give_up = time.monotonic() + PATIENCE_S
    while message not in log.read_text():
        assert time.monotonic() < give_up, f"no {message!r} in {log.read_text()!r}"


class Flood:
    """Sends requests down one connection without waiting or end, and counts the answers that come back whole."""

    def __init__(self, address: tuple[str, int], requests: list[bytes]) -> None:
        self.socket = socket.create_connection(address)
        self.requests = requests
        self.answered = 0
        self.broken = b""
        self.under_way = Event()
        self.threads = [Thread(target=self._send), Thread(target=self._receive)]
        for thread in self.threads:
            thread.start()

    def _send(self) -> None:
        try:
            for request in cycle(self.requests):
                self.socket.sendall(request)
        except OSError:
            return  # the daemon takes nothing more

    def _receive(self) -> None:
        with self.socket.makefile("rb") as stream, suppress(ConnectionResetError):
            while status := stream.readline():
                length = 0
                while (line := stream.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                if len(stream.read(length)) == length and status[9:12] in (b"200", b"503"):
                    self.answered += 1
                    if self.answered == 100:
                        self.under_way.set()
                else:
                    self.broken = status

    def finish(self) -> None:
        for thread in self.threads:
            thread.join(PATIENCE_S)
        self.socket.close()


def floods(count: int, each: int) -> list[list[bytes]]:
    """HTTP requests that send transfers, one list for each of some dev accounts."""
    return [[_request(account.private_key, nonce) for nonce in range(each)] for account in dev_accounts(count)]


def _request(key: bytes, nonce: int) -> bytes:
    unsigned = Unsigned(
        type=2, chain_id=1337, nonce=nonce, tip_cap=10**9, fee_cap=10**10, gas=21_000, to=bytes(20), value=1
    )
    raw = "0x" + sign(unsigned, key).hex()
    return _post(json.dumps({**CALL, "method": "eth_sendRawTransaction", "params": [raw]}).encode())


def _post(body: bytes) -> bytes:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(body) + body


def test_stopped_under_load_it_answers_every_request_that_it_has_read(tmp_path: Path) -> None:
    requests = floods(count=4, each=100)
    log = tmp_path / "log"
    with start("--log", "json", "--dev-period", "0", "--set", "pool.account_slots=1000", log=log) as process:
        host, port = json.loads(ready_line(process))["http"].split(":")
        senders = [Flood((host, int(port)), each) for each in requests]
        assert all(sender.under_way.wait(PATIENCE_S) for sender in senders)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
        for sender in senders:
            sender.finish()

    last = json.loads(log.read_text().splitlines()[-1])
    assert [sender.broken for sender in senders] == [b""] * 4
    assert last["message"] == "stopped"
    # Beyond what it has read whole, a connection may be told of the one request that was cut in the middle.
    assert 0 <= sum(sender.answered for sender in senders) - last["requests"] <= len(senders)


def test_new_connections_are_refused_once_it_stops() -> None:
    with running("--dev") as daemon:
        os.kill(daemon.process.pid, signal.SIGTERM)
        daemon.process.wait(PATIENCE_S)
        with pytest.raises(ConnectionRefusedError):
            daemon.post(b"{}")
