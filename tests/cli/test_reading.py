"""status, content, inspect: what is in the pool."""

import json
import time
from contextlib import closing
from pathlib import Path

from tests.cli.conftest import Shell
from tests.running import Daemon, running
from txpool.chain.genesis import dev_genesis
from txpool.client.input_lines import pieces
from txpool.client.jsonrpc import RpcClient
from txpool.client.submission import submit
from txpool.core.signature import address_of, sign
from txpool.core.unsigned import Unsigned

FRIEND = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
SENDER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"  # dev account 0


def test_an_empty_pool_is_shown_as_such_with_what_to_do_next(holding: Daemon, shell: Shell) -> None:
    shown = shell("status", rpc=holding.url)

    assert shown.returncode == 0
    assert shown.stdout.startswith("pending   0\nqueued    0\nhead      0  0x")
    assert "base fee  1 gwei\nchain     1337\n" in shown.stdout
    assert "The pool is empty: `txpool send" in shown.stderr
    assert shell("content", rpc=holding.url).stdout == "The pool is empty.\n"
    assert shell("inspect", rpc=holding.url).stdout == "The pool is empty.\n"


def test_the_unix_socket_answers_as_http_does(holding: Daemon, shell: Shell) -> None:
    shell("send", "--dev-account", "0", "--to", FRIEND, "--value", "1ether", rpc=holding.ipc)

    assert shell("content", rpc=holding.ipc).stdout == shell("content", rpc=holding.url).stdout
    assert shell("status", rpc="/nowhere/txpool.ipc").returncode == 3


def test_status_as_json_is_one_object_of_numbers(holding: Daemon, shell: Shell) -> None:
    shell("send", "--dev-account", "0", "--to", FRIEND, "--value", "1ether", rpc=holding.url)

    shown = shell("status", "--json", rpc=holding.url)

    status = json.loads(shown.stdout)
    assert shown.stderr == ""
    assert (status["pending"], status["queued"], status["head_number"]) == (1, 0, 0)
    assert (status["chain_id"], status["base_fee"]) == (1337, 10**9)
    assert status["version"] == holding.call("web3_clientVersion")


def test_content_is_a_table_with_checksummed_addresses(holding: Daemon, shell: Shell) -> None:
    shell("send", "--dev-account", "0", "--to", FRIEND.lower(), "--value", "1ether", rpc=holding.url)

    shown = shell("content", rpc=holding.url)

    head, row = shown.stdout.splitlines()
    assert head.split() == ["subpool", "sender", "nonce", "to", "value", "gas", "fee", "cap", "tip", "cap", "hash"]
    assert row.split()[:6] == ["pending", SENDER, "0", FRIEND, "1", "ether"]
    assert row.index(SENDER) == head.index("sender")


def test_content_of_a_sender_shows_only_what_it_has_sent(holding: Daemon, shell: Shell) -> None:
    for account in ("0", "1"):
        shell("send", "--dev-account", account, "--to", FRIEND, rpc=holding.url)

    shown = shell("content", "--sender", SENDER.lower(), rpc=holding.url)

    assert len(shown.stdout.splitlines()) == 2
    assert SENDER in shown.stdout


def test_json_of_content_and_inspect_is_what_the_server_says(holding: Daemon, shell: Shell) -> None:
    shell("send", "--dev-account", "0", "--to", FRIEND, rpc=holding.url)

    assert json.loads(shell("content", "--json", rpc=holding.url).stdout) == holding.call("txpool_content")
    assert json.loads(shell("inspect", "--json", rpc=holding.url).stdout) == holding.call("txpool_inspect")


def test_inspect_says_what_a_queued_transaction_waits_for(holding: Daemon, shell: Shell) -> None:
    shell("send", "--dev-account", "0", "--to", FRIEND, "--nonce", "3", rpc=holding.url)

    shown = shell("inspect", rpc=holding.url)

    assert f"queued   {SENDER}      3  {FRIEND}: 0 wei + 21000 gas" in shown.stdout
    assert (
        f"{SENDER}: nonce gap: next nonce is 0, the first queued one has 3; it waits until 0 to 2 arrive"
        in shown.stderr
    )


def queued_of_many(daemon: Daemon, keys: list[bytes]) -> None:
    """Hand in a transaction of each that has to wait for the one before it."""
    waiting = Unsigned(type=2, chain_id=1337, nonce=1, tip_cap=10**9, fee_cap=10**10, gas=21_000, to=bytes(20), value=0)
    lines = [(number, "0x" + sign(waiting, key).hex()) for number, key in enumerate(keys)]
    with closing(RpcClient(daemon.url)) as client:
        assert all(outcome.error is None for batch in submit(client, pieces(lines), 30) for outcome in batch)


def test_inspect_tells_of_more_queued_senders_than_a_server_takes_calls_in_a_batch(
    shell: Shell, tmp_path: Path
) -> None:
    keys = [number.to_bytes(32) for number in range(1, 1002)]
    genesis = dev_genesis(int(time.time()))
    genesis["alloc"] = {"0x" + address_of(key).hex(): {"balance": hex(10**18)} for key in keys}
    file = tmp_path / "genesis.json"
    file.write_text(json.dumps(genesis))

    with running("--dev", "--dev-period", "0", "--genesis", str(file)) as daemon:
        queued_of_many(daemon, keys)
        shown = shell("inspect", rpc=daemon.url)

    assert (shown.returncode, len(shown.stdout.splitlines())) == (0, 1002)
    assert (
        shown.stderr.count("nonce gap: next nonce is 0, the first queued one has 1; it waits until 0 arrives") == 1001
    )


def test_a_mistyped_address_is_a_usage_error_that_says_so(holding: Daemon, shell: Shell) -> None:
    wrong_case = SENDER.replace("F", "f", 1)

    shown = shell("content", "--sender", wrong_case, rpc=holding.url)

    assert shown.returncode == 2
    assert "wrong checksum" in shown.stderr


def test_without_a_server_the_exit_code_is_3_and_the_way_out_is_named(shell: Shell) -> None:
    for name in ("status", "content", "inspect"):
        shown = shell(name, "--rpc", "http://127.0.0.1:1")

        assert (shown.returncode, shown.stdout) == (3, "")
        assert "cannot connect to http://127.0.0.1:1" in shown.stderr
        assert "`txpool run --dev` starts one" in shown.stderr


def test_something_else_than_a_json_rpc_server_is_told_from_one(holding: Daemon, shell: Shell) -> None:
    shown = shell("status", "--rpc", f"http://{holding.metrics_address}/")

    assert shown.returncode == 3
    assert "does not speak JSON-RPC: HTTP 404" in shown.stderr


def test_what_is_no_url_is_a_usage_error(shell: Shell) -> None:
    shown = shell("status", "--rpc", "127.0.0.1:8545")

    assert shown.returncode == 2
    assert "is no http or https URL, as in http://127.0.0.1:8545" in shown.stderr
