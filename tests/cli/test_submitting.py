"""submit and send: what goes into the pool."""

import json
import os
import pty
import select
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from tests.cli.conftest import Shell, command
from tests.outside import ROOT
from tests.running import Daemon, running
from txpool.chain.dev_accounts import dev_accounts
from txpool.core.signature import sign
from txpool.core.unsigned import Unsigned

FRIEND = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def transfer(nonce: int, account: int = 0, tip: int = 10**9) -> str:
    """A signed transfer from a dev account, in hex."""
    unsigned = Unsigned(
        type=2,
        chain_id=1337,
        nonce=nonce,
        tip_cap=tip,
        fee_cap=10 * tip,
        gas=21_000,
        to=bytes.fromhex(FRIEND[2:]),
        value=1,
    )
    return "0x" + sign(unsigned, dev_accounts(account + 1)[account].private_key).hex()


def test_one_transaction_prints_its_hash_alone(holding: Daemon, shell: Shell) -> None:
    shown = shell("submit", transfer(0), rpc=holding.url)

    assert (shown.returncode, shown.stderr) == (0, "")
    assert holding.call("eth_getTransactionByHash", shown.stdout.strip())["nonce"] == "0x0"


def test_a_refused_one_says_why_and_what_to_do(holding: Daemon, shell: Shell) -> None:
    shell("submit", transfer(0), rpc=holding.url)

    shown = shell("submit", transfer(0, tip=10**9 + 1), rpc=holding.url)

    assert (shown.returncode, shown.stdout) == (1, "")
    assert "refused  replacement transaction underpriced" in shown.stderr
    assert "Raise fee cap and tip both" in shown.stderr


@pytest.mark.parametrize("command", ["submit", "check"])
def test_a_file_that_is_no_text_is_a_mistake(holding: Daemon, shell: Shell, tmp_path: Path, command: str) -> None:
    file = tmp_path / "transactions"
    file.write_bytes(bytes.fromhex("02f86d82053980ff"))

    shown = shell(command, "--file", str(file), rpc=holding.url)

    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr.endswith("is no text: one transaction a line is wanted, in hexadecimal\n")


def test_a_file_gets_a_result_for_each_line_in_its_order(holding: Daemon, shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "transactions"
    file.write_text(f"{transfer(0)}\n\n# a comment\n0x00\n{transfer(1)[2:]}\n")

    shown = shell("submit", "--file", str(file), rpc=holding.url)

    assert shown.returncode == 5
    first, second, third = shown.stdout.splitlines()
    assert first.startswith("1  accepted  0x")
    assert second == "4  refused  typed transaction too short"
    assert third.startswith("5  accepted  0x")
    assert holding.call("txpool_status") == {"pending": "0x2", "queued": "0x0"}


def test_standard_input_is_read_in_batches_and_json_is_a_line_each(holding: Daemon, shell: Shell) -> None:
    lines = [transfer(nonce, account) for account in range(5) for nonce in range(50)]

    shown = shell("submit", "--json", rpc=holding.url, text="\n".join([*lines, lines[0]]))

    results = [json.loads(line) for line in shown.stdout.splitlines()]
    assert shown.returncode == 5
    assert [result["line"] for result in results] == list(range(1, 252))
    assert {result["result"] for result in results[:-1]} == {"accepted"}
    assert results[-1]["error"] == {"code": -32000, "message": "already known"}
    assert holding.call("txpool_status")["pending"] == hex(250)


def said(process: "subprocess.Popen[str]") -> str:
    """The next line that a command prints, which it must do though its input has not ended."""
    assert process.stdout is not None
    readable, *_ = select.select([process.stdout], [], [], 30)
    assert readable, "nothing was printed"
    return process.stdout.readline()


def test_a_slow_pipe_has_its_lines_handed_in_as_they_come_however_long_it_is_silent() -> None:
    with (
        running("--dev", "--dev-period", "0", "--set", "http.idle_seconds=0.1") as daemon,
        subprocess.Popen(
            command("submit", "--rpc", daemon.url),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=ROOT,
        ) as process,
    ):
        assert process.stdin is not None
        process.stdin.write(transfer(0) + "\n")
        first = said(process)
        while "txpool_http_connections 0" not in daemon.scrape():
            pass
        process.stdin.write(transfer(1) + "\n")
        second = said(process)
        process.stdin.close()
        process.wait(timeout=30)

    assert [line.split()[:2] for line in (first, second)] == [["1", "accepted"], ["2", "accepted"]]
    assert process.returncode == 0


def test_if_all_of_a_batch_is_refused_the_exit_code_is_1(holding: Daemon, shell: Shell) -> None:
    shown = shell("submit", "0x00", "zz", rpc=holding.url)

    assert shown.returncode == 1
    assert (
        shown.stdout
        == "1  refused  typed transaction too short\n2  refused  no hexadecimal: 'z' at digit 1 of '0xzz'\n"
    )


@pytest.mark.parametrize("arguments", [[], ["--file", os.devnull], ["0x00", "--file", os.devnull]])
def test_nothing_to_submit_or_two_sources_is_a_usage_error(holding: Daemon, shell: Shell, arguments: list[str]) -> None:
    assert shell("submit", *arguments, rpc=holding.url).returncode == 2


def test_waiting_ends_when_a_block_holds_it(mining: Daemon, shell: Shell) -> None:
    shown = shell("send", "--dev-account", "0", "--to", FRIEND, "--value", "1ether", "--wait", rpc=mining.url)

    receipt = mining.call("eth_getTransactionReceipt", shown.stdout.strip())
    assert shown.returncode == 0
    assert f"{shown.stdout.strip()}  block {int(receipt['blockNumber'], 16)}" in shown.stderr


def test_waiting_as_json_tells_the_block_in_a_line_of_its_own(mining: Daemon, shell: Shell) -> None:
    shown = shell("send", "--dev-account", "1", "--to", FRIEND, "--wait", "--json", rpc=mining.url)

    accepted, included = map(json.loads, shown.stdout.splitlines())
    assert accepted == {"line": 1, "result": "accepted", "hash": included["hash"]}
    assert included["succeeded"] is True
    assert included["block"] >= 1


def test_waiting_in_vain_ends_with_exit_code_4_and_says_why(holding: Daemon, shell: Shell) -> None:
    shown = shell("send", "--dev-account", "0", "--to", FRIEND, "--wait", "--timeout", "0.3", rpc=holding.url)

    assert shown.returncode == 4
    assert shown.stdout.startswith("0x")
    assert "no block held 1 of 1 within 0.3 s" in shown.stderr


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_server_that_does_not_answer_ends_with_exit_code_4(shell: Shell, silent: str) -> None:
    shown = shell("submit", "0x00", "--timeout", "0.2", rpc=silent)

    assert shown.returncode == 4
    assert f"no answer from {silent} within 0.2 s" in shown.stderr


def test_send_takes_a_key_file_and_warns_if_others_may_read_it(holding: Daemon, shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(dev_accounts(3)[2].private_key.hex() + "\n")
    file.chmod(0o644)

    shown = shell("send", "--key-file", str(file), "--to", FRIEND, "--value", "0.5gwei", rpc=holding.url)

    sent = holding.call("eth_getTransactionByHash", shown.stdout.strip())
    assert shown.stderr == f"Others may read {file}: chmod 600 keeps the key yours.\n"
    assert (sent["from"], sent["value"]) == ("0x" + dev_accounts(3)[2].address.hex(), hex(5 * 10**8))


def test_send_uses_what_it_is_given_instead_of_asking(holding: Daemon, shell: Shell) -> None:
    options = ["--nonce", "5", "--gas", "50000", "--fee-cap", "30gwei", "--tip-cap", "3gwei", "--data", "0x1234"]

    shown = shell("send", "--dev-account", "0", "--to", FRIEND, *options, rpc=holding.url)

    sent = holding.call("eth_getTransactionByHash", shown.stdout.strip())
    assert [sent[name] for name in ("nonce", "gas", "maxFeePerGas", "maxPriorityFeePerGas", "input")] == [
        "0x5",
        hex(50_000),
        hex(30 * 10**9),
        hex(3 * 10**9),
        "0x1234",
    ]


def test_send_beyond_ones_means_is_refused(holding: Daemon, shell: Shell) -> None:
    shown = shell("send", "--dev-account", "0", "--to", FRIEND, "--value", "10001ether", rpc=holding.url)

    assert (shown.returncode, shown.stdout) == (1, "")
    assert "insufficient funds" in shown.stderr
    assert "Send ether to the sender" in shown.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--to", FRIEND],
        ["--to", FRIEND, "--dev-account", "0", "--key-file", "key"],
        ["--to", FRIEND, "--dev-account", "10"],
        ["--to", FRIEND, "--key-file", os.devnull],
        ["--to", FRIEND, "--key-file", "/absent"],
        ["--to", "0x1234", "--dev-account", "0"],
        ["--to", FRIEND, "--dev-account", "0", "--value", "1 pound"],
        ["--to", FRIEND, "--dev-account", "0", "--data", "0x1"],
    ],
)
def test_send_without_sense_is_a_usage_error(shell: Shell, arguments: list[str]) -> None:
    assert shell("send", *arguments, "--rpc", "http://127.0.0.1:1").returncode == 2


def test_send_waits_for_a_daemon_that_was_started_just_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = str(tmp_path / "txpool.ipc")
    with ExitStack() as stack:

        def start(_: float) -> None:
            monkeypatch.undo()
            stack.enter_context(running("--dev", "--dev-period", "0", "--ipc", path))

        monkeypatch.setattr("txpool.client.jsonrpc.time.sleep", start)
        ended = CliRunner().invoke(cli.commands, ["send", "--dev-account", "0", "--to", FRIEND, "--rpc", path])

    assert ended.exit_code == 0, ended.output


def on_a_terminal(arguments: list[str], environment: dict[str, str]) -> str:
    """What a command writes to standard error when that is a terminal and standard output is not."""
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            command(*arguments),
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            cwd=ROOT,
            env={**os.environ, **environment},
            check=False,
        )
        return os.read(ours, 65_536).decode()
    finally:
        os.close(theirs)
        os.close(ours)


def test_a_terminal_sees_progress_when_results_go_elsewhere(holding: Daemon, tmp_path: Path) -> None:
    file = tmp_path / "transactions"
    file.write_text("".join(transfer(nonce) + "\n" for nonce in range(150)))

    seen = on_a_terminal(["submit", "--file", str(file), "--rpc", holding.url], {})

    assert seen.split("\r")[1:3] == ["100 handed in, 0 refused", "150 handed in, 0 refused"]


def test_a_terminal_sees_colour_unless_no_color_is_set() -> None:
    arguments = ["status", "--rpc", "http://127.0.0.1:1"]

    assert "\x1b[31m" in on_a_terminal(arguments, {"NO_COLOR": ""})
    assert "\x1b" not in on_a_terminal(arguments, {"NO_COLOR": "1"})
