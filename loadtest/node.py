"""Nodes that the harness starts itself: our daemon, geth, anvil; each on a fresh chain, with a pool that has room.

What a fair comparison needs of geth: no consensus client, no peers, no blocks, and the pool's limits raised to those of
the others. A node that is not synced takes transactions over RPC all the same, and they stay pending.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from loadtest.rpc import RpcFailedError, call
from loadtest.target import Target, Transport, parse_target
from loadtest.watch import Observed

READY_SECONDS: Final = 30
STOP_SECONDS: Final = 30


class NodeError(Exception):
    """A node did not start, or cannot do what is asked of it."""


class Node(msgspec.Struct, frozen=True):
    """A running node: its process, and where it listens."""

    name: str
    pid: int
    targets: Mapping[Transport, Target]
    metrics_url: str | None = None

    @property
    def control(self) -> Target:
        """Where calls beside the load go."""
        return self.targets["http"]

    @property
    def observed(self) -> Observed:
        """Where it can be seen."""
        return Observed(control=self.control, pid=self.pid, metrics_url=self.metrics_url)


def room(slots: int) -> dict[str, int]:
    """Limits of our pool under which so many transactions of few senders are all kept."""
    return {
        "pool.global_slots": slots,
        "pool.account_slots": slots,
        "pool.global_queue": slots,
        "pool.account_queue": slots,
    }


@contextmanager
def our_daemon(
    genesis: Path, folder: Path, settings: Mapping[str, object], options: Sequence[str] = ()
) -> Iterator[Node]:
    """Start our daemon, its chain at rest, on free ports."""
    command = [sys.executable, "-m", "cli", "run", "--dev", "--dev-period", "0", "--genesis", str(genesis)]
    command += ["--http", "127.0.0.1:0", "--ws", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--log", "json"]
    command += ["--data", str(folder), "--ipc", str(folder / "txpool.ipc"), *options]
    command += [word for name, value in settings.items() for word in ("--set", f"{name}={_toml(value)}")]
    with (folder / "txpool.log").open("w") as log, _process(command, log, subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise NodeError(f"the daemon did not start:\n{_end_of(folder / 'txpool.log')}")
        ready: dict[str, Any] = json.loads(line)
        targets: dict[Transport, Target] = {
            "http": parse_target(f"http://{ready['http']}"),
            "websocket": parse_target(f"ws://{ready['ws']}"),
            "unix": parse_target(ready["ipc"]),
        }
        yield Node("txpool", process.pid, targets, f"http://{ready['metrics']}/metrics")


@contextmanager
def geth(binary: Path, genesis: Path, folder: Path, slots: int) -> Iterator[Node]:
    """Start geth on a chain of its own, nothing but its pool at work."""
    data = folder / "geth"
    with (folder / "geth.log").open("w") as log:
        _ran([binary, "init", "--datadir", data, genesis], log)
        http, ws = _free_ports(2)
        command = [str(binary), "--datadir", str(data), "--networkid", "1337", "--nodiscover", "--maxpeers", "0"]
        command += ["--port", "0", "--nat", "none", "--authrpc.port", "0", "--verbosity", "2", "--txpool.nolocals"]
        command += ["--http", "--http.port", str(http), "--http.api", "eth,net,web3,txpool"]
        command += ["--ws", "--ws.port", str(ws), "--ws.api", "eth,net,web3,txpool"]
        for limit in ("globalslots", "accountslots", "globalqueue", "accountqueue"):
            command += [f"--txpool.{limit}", str(slots)]
        with _process(command, log) as process:
            targets: dict[Transport, Target] = {
                "http": parse_target(f"http://127.0.0.1:{http}"),
                "websocket": parse_target(f"ws://127.0.0.1:{ws}"),
                "unix": parse_target(str((data / "geth.ipc").absolute())),
            }
            _await_answer(targets["http"], process, folder / "geth.log")
            yield Node("geth", process.pid, targets)


@contextmanager
def anvil(binary: Path, genesis: Path, folder: Path) -> Iterator[Node]:
    """Start anvil, its mining off."""
    (port,) = _free_ports(1)
    command = [str(binary), "--no-mining", "--init", str(genesis), "--silent", "--accounts", "1"]
    command += ["--port", str(port), "--ipc", str(folder / "anvil.ipc")]
    with (folder / "anvil.log").open("w") as log, _process(command, log) as process:
        targets: dict[Transport, Target] = {
            "http": parse_target(f"http://127.0.0.1:{port}"),
            "websocket": parse_target(f"ws://127.0.0.1:{port}"),
            "unix": parse_target(str((folder / "anvil.ipc").absolute())),
        }
        _await_answer(targets["http"], process, folder / "anvil.log")
        yield Node("anvil", process.pid, targets)


def version_of(binary: Path) -> str:
    """What a program says of its version, in one line."""
    word = "version" if "geth" in binary.name else "--version"
    told = subprocess.run([binary, word], capture_output=True, text=True, check=False)  # noqa: S603 - the caller's choice
    rows = [row.strip() for row in told.stdout.splitlines() if row.strip()]
    wanted = [row for row in rows if row.startswith(("Version", "Git Commit:", "Go Version"))]
    return ", ".join(wanted) if wanted else (rows or ["?"])[0]


def find_binary(text: str) -> Path:
    """A program by path or name.

    Raises:
        NodeError: there is none.
    """
    found = shutil.which(text)
    if found is None:
        raise NodeError(f"{text}: no such program")
    return Path(found).absolute()


def _environment() -> dict[str, str]:
    """A daemon of our own runs from the tree or the packages that this harness runs from."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("TXPOOL_")}
    return {**own, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@contextmanager
def _process(command: Sequence[str], log: IO[str], output: int | None = None) -> Iterator["subprocess.Popen[str]"]:
    """Run a command, and end it at the end: in order if it obeys."""
    process = subprocess.Popen(  # noqa: S603 - commands built here
        command, stdout=log if output is None else output, stderr=log, text=True, env=_environment()
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _ran(command: Sequence[object], log: IO[str]) -> None:
    ended = subprocess.run([str(word) for word in command], stdout=log, stderr=log, check=False)  # noqa: S603 - built here
    if ended.returncode:
        raise NodeError(f"{' '.join(map(str, command))} ended with {ended.returncode}:\n{_end_of(Path(log.name))}")


def _await_answer(target: Target, process: "subprocess.Popen[str]", log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(RpcFailedError):
            call(target, "eth_chainId", timeout_s=2)
            return
        time.sleep(0.05)
    raise NodeError(f"no answer from {target.address}:\n{_end_of(log)}")


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-10:])


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
