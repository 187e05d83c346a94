"""`trace-alloc` on a daemon that works meanwhile."""

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Shell, command
from tests.outside import ROOT
from tests.running import Daemon, running
from txpool.chain.dev_accounts import dev_accounts
from txpool.core.signature import sign
from txpool.core.unsigned import Unsigned

LARGE = 65_536
ROOMY = ("--set", "pool.global_slots=1000000", "--set", "pool.account_slots=1000000")


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon that keeps an input log: adding a transaction then packs it as one piece of bytes."""
    log = f"data.input_log={tmp_path / 'input.log'}"
    with running("--dev", "--dev-period", "0", "--store", "heap", "--set", log, *ROOMY) as daemon:
        yield daemon


def large_transaction(nonce: int) -> str:
    unsigned = Unsigned(
        type=2,
        chain_id=1337,
        nonce=nonce,
        tip_cap=10**9,
        fee_cap=10**10,
        gas=10**6,
        to=b"\x11" * 20,
        value=0,
        data=bytes(LARGE),
    )
    return "0x" + sign(unsigned, next(iter(dev_accounts())).private_key).hex()


def sent_during(process: "subprocess.Popen[str]", daemon: Daemon) -> int:
    """Send, one after another, until a process ends; how many. Each must be answered, and taken."""
    nonce = 0
    while process.poll() is None:
        daemon.call("eth_sendRawTransaction", large_transaction(nonce))
        nonce += 1
    return nonce


def below_pool_add(told: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """The stacks of that group which the pool's `submit` is on."""
    (group,) = [group for group in told["found"]["groups"] if group["entry"] == "pool add"]
    return [
        stack
        for stack in group["stacks"]
        if any(function == "submit" and file.startswith("txpool/") for function, file, _ in stack["frames"])
    ]


def test_a_large_allocation_below_pool_add_is_found_there_and_no_request_is_lost(
    recording: Daemon, tmp_path: Path
) -> None:
    page = tmp_path / "flames.html"
    options = ("--seconds", "2", "--min-bytes", str(LARGE), "--json", "--html", str(page))

    with subprocess.Popen(
        command("trace-alloc", *options, "--rpc", recording.ipc), stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as tracing:
        sent = sent_during(tracing, recording)
        assert tracing.stdout is not None
        told = json.loads(tracing.stdout.read())

    assert (told["minBytes"], told["ended"]) == (LARGE, "time")
    planted = below_pool_add(told)
    assert planted
    assert all(stack["bytes"] >= LARGE * stack["count"] for stack in planted)
    assert ">pool add<" in page.read_text()
    assert int(recording.call("txpool_status")["pending"], 16) == sent


def test_the_table_names_entry_points_and_the_daemon_stays_as_it_was(holding: Daemon, shell: Shell) -> None:
    shown = shell("trace-alloc", "--seconds", "0.2", "--rpc", holding.ipc)

    assert (shown.returncode, shown.stdout.splitlines()[0]) == (0, "allocations of 32768 bytes and more in 0.2 s")
    assert holding.call("txpool_status") == {"pending": "0x0", "queued": "0x0"}


def test_a_flame_graph_that_could_not_be_written_is_told_before(holding: Daemon, shell: Shell) -> None:
    shown = shell("trace-alloc", "--html", "/nowhere/flames.html", "--rpc", holding.ipc)

    assert shown.returncode == 2
    assert "no folder /nowhere" in shown.stderr


def test_it_goes_over_the_socket_alone(mining: Daemon, shell: Shell) -> None:
    shown = shell("trace-alloc", "--rpc", mining.url)

    assert shown.returncode == 2
    assert "trace-alloc needs the Unix socket of the daemon" in shown.stderr
    assert mining.ask("pool_traceAlloc", 1, LARGE)["error"]["code"] == -32601


def test_a_daemon_that_is_told_to_stop_ends_the_trace() -> None:
    calls = [
        {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        for number, (method, params) in enumerate([("pool_traceAlloc", [60]), ("txpool_status", [])])
    ]
    with running("--dev") as daemon, socket.socket(socket.AF_UNIX) as peer:
        peer.connect(daemon.ipc)
        peer.sendall(b"".join(json.dumps(call).encode() for call in calls))
        answers = peer.makefile()
        assert json.loads(answers.readline())["id"] == 1  # so the trace has begun

        daemon.process.terminate()

        assert json.loads(answers.readline())["error"]["message"] == "the daemon is stopping"
        assert daemon.process.wait(timeout=30) == 0
