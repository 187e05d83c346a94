"""explain, check, remove, events: what became of a transaction, and what would become of one."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.cli.conftest import Shell, command
from tests.cli.test_submitting import transfer
from tests.outside import ROOT
from tests.running import Daemon, running
from txpool.client.events import describe_event
from txpool.commands.lifecycle import KINDS
from txpool.commands.remote import DEFAULT_SOCKET
from txpool.core.lifecycle import Kind

FRIEND = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
SENDER = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"  # dev account 0
UNKNOWN = "0x" + "77" * 32


def sent(daemon: Daemon, *nonces: int) -> list[str]:
    return [daemon.call("eth_sendRawTransaction", transfer(nonce)) for nonce in nonces]


@pytest.fixture(scope="module")
def storied() -> Iterator[Daemon]:
    """A daemon with something pending and something queued; nobody changes that."""
    with running("--dev", "--dev-period", "0") as daemon:
        sent(daemon, 0, 4)
        yield daemon


# --- explain


def test_explain_tells_the_steps_and_what_a_queued_one_waits_for(holding: Daemon, shell: Shell) -> None:
    (this,) = sent(holding, 2)

    shown = shell("explain", this, rpc=holding.url)

    lines = shown.stdout.splitlines()
    assert (shown.returncode, shown.stderr) == (0, "")
    assert lines[:4] == [
        f"{this}  queued",
        f"sender  {SENDER}",
        "nonce   2",
        "now     account next nonce is 0, this has 2; 0, 1 missing",
    ]
    assert lines[5].split() == ["time", "head", "step", "why", "other"]
    assert [line.split()[3:5] for line in lines[6:]] == [["received", "it"], ["queued", "it"]]


def test_explain_names_the_block_of_one_that_is_included(holding: Daemon, shell: Shell) -> None:
    (this,) = sent(holding, 0)
    holding.call("dev_mine")

    shown = shell("explain", this, rpc=holding.url)

    block = holding.call("eth_getBlockByNumber", "latest", False)
    assert f"{this}  included\n" in shown.stdout
    assert f"block   1  {block['hash']}\n" in shown.stdout
    assert "a block holds it" in shown.stdout


def test_explain_as_json_is_what_the_server_says(holding: Daemon, shell: Shell) -> None:
    (this,) = sent(holding, 0)

    assert json.loads(shell("explain", "--json", this, rpc=holding.url).stdout) == holding.call("pool_explain", this)


def test_explain_of_the_unknown_fails_and_says_why_that_may_be(storied: Daemon, shell: Shell) -> None:
    shown = shell("explain", UNKNOWN, rpc=storied.url)
    as_json = shell("explain", "--json", UNKNOWN, rpc=storied.url)

    assert (shown.returncode, shown.stdout) == (1, "")
    assert f"nothing is known of {UNKNOWN}\nIt never came here" in shown.stderr
    assert (as_json.returncode, as_json.stdout) == (1, "null\n")


@pytest.mark.parametrize("text", ["0x12", "0x" + 64 * "g", UNKNOWN + "00"])
def test_explain_of_what_is_no_hash_is_a_usage_error(shell: Shell, text: str) -> None:
    shown = shell("explain", text, rpc="http://127.0.0.1:1")

    assert (shown.returncode, shown.stdout) == (2, "")
    assert f"'{text}' is no hash of a transaction: 0x and 64 hexadecimal digits are one" in shown.stderr


def test_explain_takes_a_hash_without_0x_and_in_capitals(storied: Daemon, shell: Shell) -> None:
    (event, *_) = storied.call("pool_events")["events"]

    assert event["hash"] in shell("explain", event["hash"][2:].upper(), rpc=storied.url).stdout


# --- check


def test_check_shows_place_and_consequences_and_hands_nothing_in(holding: Daemon, shell: Shell) -> None:
    (held,) = sent(holding, 0)

    shown = shell("check", transfer(0, tip=2 * 10**9), transfer(5), rpc=holding.url)

    head, first, second = shown.stdout.splitlines()
    assert shown.returncode == 0
    assert head.split() == ["line", "outcome", "hash", "and", "then"]
    assert first.split()[:2] == ["1", "pending"]
    assert first.endswith(f"replaces {held}")
    assert second.split()[:2] == ["2", "queued"]
    assert holding.call("txpool_status") == {"pending": "0x1", "queued": "0x0"}


def test_check_of_some_that_would_be_refused_has_an_exit_code_of_its_own(holding: Daemon, shell: Shell) -> None:
    sent(holding, 0)
    holding.call("dev_mine")

    some = shell("check", rpc=holding.url, text=f"{transfer(0)}\n# and one that is good\n{transfer(1)}\n")
    none = shell("check", transfer(0), rpc=holding.url)

    assert (some.returncode, none.returncode) == (5, 1)
    assert "refused" in some.stdout
    assert "nonce too low: next nonce 1, tx nonce 0" in some.stdout
    assert "sign again with the next nonce" in some.stderr
    assert some.stdout.splitlines()[2].split()[:2] == ["3", "pending"]


def test_check_as_json_is_a_line_for_each(holding: Daemon, shell: Shell) -> None:
    shown = shell("check", "--json", transfer(0), transfer(1), rpc=holding.url)

    told = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [(each["line"], each["result"], each["place"]) for each in told] == [
        (1, "accepted", "pending"),
        (2, "accepted", "pending"),
    ]


def test_check_tells_of_what_is_no_hexadecimal_and_checks_the_others(storied: Daemon, shell: Shell) -> None:
    shown = shell("check", "--json", transfer(1), "0x02zz", "abc", "0x00", transfer(2), rpc=storied.url)

    told = [json.loads(line) for line in shown.stdout.splitlines()]
    assert shown.returncode == 5
    assert [each["place"] for each in told] == ["pending", None, None, None, "pending"]
    assert [each["error"]["message"] for each in told[1:4]] == [
        "no hexadecimal: 'z' at digit 3 of '0x02zz'",
        "no bytes: 3 hexadecimal digits, and each byte has two",
        "typed transaction too short",
    ]


def test_check_of_nothing_but_what_is_no_hexadecimal_asks_nobody(shell: Shell) -> None:
    shown = shell("check", "xyz", rpc="http://127.0.0.1:1")

    assert shown.returncode == 1
    assert "no hexadecimal: 'x' at digit 1 of '0xxyz'" in shown.stdout


def test_check_without_a_transaction_is_a_usage_error(storied: Daemon, shell: Shell) -> None:
    shown = shell("check", rpc=storied.url)

    assert shown.returncode == 2
    assert "no transaction in the input" in shown.stderr


# --- remove


def test_remove_lets_go_over_the_socket_and_names_what_left(holding: Daemon, shell: Shell) -> None:
    first, second = sent(holding, 0, 1)

    shown = shell("remove", first, "--rpc", holding.ipc)

    assert (shown.returncode, shown.stdout) == (0, f"{first}\n")
    assert "1 removed; `txpool explain HASH`" in shown.stderr
    explained = shell("explain", first, rpc=holding.ipc).stdout
    assert f"{first}  evicted\n" in explained
    assert "an operator removed it" in explained
    assert "account next nonce is 0, this has 1; 0 missing" in shell("explain", second, rpc=holding.url).stdout


def test_remove_takes_a_sender_and_speaks_json(holding: Daemon, shell: Shell) -> None:
    hashes = sent(holding, 0, 1, 7)

    shown = shell("remove", "--json", SENDER, rpc=holding.ipc)

    assert json.loads(shown.stdout) == {"removed": hashes[::-1]}
    assert holding.call("txpool_status") == {"pending": "0x0", "queued": "0x0"}


def test_remove_of_what_is_not_there_is_refused(storied: Daemon, shell: Shell) -> None:
    shown = shell("remove", UNKNOWN, rpc=storied.ipc)

    assert shown.returncode == 1
    assert "nothing to remove" in shown.stderr


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("xyz", "'xyz' is neither a hash, 0x and 64 hexadecimal digits, nor an address, 0x and 40"),
        ("0x" + "g" * 64, "is no hash of a transaction"),
        ("0x" + "g" * 40, "is no address"),
        (FRIEND.replace("d", "D", 1), "has a wrong checksum"),
    ],
)
def test_remove_of_what_names_nothing_is_a_usage_error(storied: Daemon, shell: Shell, named: str, words: str) -> None:
    shown = shell("remove", named, rpc=storied.ipc)

    assert (shown.returncode, shown.stdout) == (2, "")
    assert words in shown.stderr


def test_remove_takes_a_hash_without_0x(holding: Daemon, shell: Shell) -> None:
    (this,) = sent(holding, 0)

    assert shell("remove", this[2:].upper(), rpc=holding.ipc).stdout == f"{this}\n"


def test_remove_over_http_is_a_usage_error_that_names_the_socket(storied: Daemon, shell: Shell) -> None:
    shown = shell("remove", UNKNOWN, "--rpc", storied.url)

    assert shown.returncode == 2
    assert "remove needs the Unix socket of the daemon" in shown.stderr


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:1"])
def test_remove_goes_to_the_usual_socket_whatever_url_the_environment_names(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with running("--dev", "--dev-period", "0", "--ipc", DEFAULT_SOCKET) as daemon:
        (this,) = sent(daemon, 0)
        shown = shell("remove", this, rpc=url)

    assert (shown.returncode, shown.stdout) == (0, f"{this}\n")


@pytest.mark.parametrize("command", ["remove", "trace-alloc"])
def test_private_commands_name_the_socket_as_their_default(shell: Shell, command: str) -> None:
    shown = shell(command, "--help").stdout

    assert "--rpc PATH" in shown
    assert DEFAULT_SOCKET in shown
    assert "http:" not in shown


def test_a_socket_that_nobody_serves_is_told(shell: Shell) -> None:
    shown = shell("remove", UNKNOWN, rpc="/nowhere/txpool.ipc")

    assert shown.returncode == 3
    assert "cannot connect to /nowhere/txpool.ipc" in shown.stderr


# --- events


def test_events_lists_what_happened_a_line_each(storied: Daemon, shell: Shell) -> None:
    first, second = (
        storied.call("txpool_contentFrom", SENDER)[part][nonce]["hash"]
        for part, nonce in (("pending", "0"), ("queued", "4"))
    )

    shown = shell("events", rpc=storied.url)

    rows = [line.split() for line in shown.stdout.splitlines()]
    assert [(row[0], row[3], row[4]) for row in rows] == [
        ("0", "received", first),
        ("1", "promoted", first),
        ("2", "received", second),
        ("3", "queued", second),
    ]


@pytest.mark.parametrize(
    ("options", "seqs"),
    [
        (["--kind", "queued", "--kind", "promoted"], [1, 3]),
        (["--from", "2"], [2, 3]),
        (["--limit", "1"], [0]),
        (["--from", "latest"], []),
        (["--sender", SENDER], [0, 1, 2, 3]),
        (["--sender", FRIEND], []),
        (["--reason", "replaced"], []),
    ],
)
def test_events_can_be_picked(storied: Daemon, shell: Shell, options: list[str], seqs: list[int]) -> None:
    shown = shell("events", "--json", *options, rpc=storied.url)

    assert [int(json.loads(line)["seq"], 16) for line in shown.stdout.splitlines()] == seqs


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--from", "soon"], 2, "'soon' is no number, nor earliest or latest"),
        (["--kind", "vanished"], 2, "'vanished' is not one of"),
        (["--reason", "whim"], 2, "there is no reason 'whim'"),
        (["--reason", "replace"], 2, "there is no reason 'replace'; there is replaced"),
        (["--from", "18446744073709551616"], 2, "more than there can be events"),
        (["--sender", "0x12"], 2, "'0x12' is no address: 0x and 40 hexadecimal digits are one"),
        (["--sender", FRIEND.replace("d", "D", 1)], 2, "has a wrong checksum"),
        (["--hash", SENDER], 2, f"'{SENDER}' is no hash of a transaction"),
    ],
)
def test_events_that_cannot_be_picked_are_told(
    storied: Daemon, shell: Shell, options: list[str], code: int, words: str
) -> None:
    shown = shell("events", *options, rpc=storied.url)

    assert shown.returncode == code
    assert words in shown.stderr


@pytest.mark.parametrize("carrier", ["url", "ipc"])
def test_events_follows_until_it_is_interrupted(holding: Daemon, carrier: str) -> None:
    sent(holding, 0)
    arguments = command("events", "--follow", "--json", "--from", "earliest", "--rpc", getattr(holding, carrier))
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        first = [json.loads(line)["kind"] for line in islice(process.stdout, 2)]
        (this,) = sent(holding, 1)
        second = [json.loads(line) for line in islice(process.stdout, 2)]
        process.send_signal(signal.SIGINT)
        process.wait(timeout=10)

    assert first == ["received", "promoted"]
    assert [(each["kind"], each["hash"]) for each in second] == [("received", this), ("promoted", this)]
    assert process.returncode == 0


def test_following_ends_after_as_many_as_are_asked_for(storied: Daemon, shell: Shell) -> None:
    shown = shell("events", "--follow", "--from", "earliest", "--limit", "2", rpc=storied.url)

    assert (shown.returncode, len(shown.stdout.splitlines())) == (0, 2)


def test_a_gap_is_told_in_words() -> None:
    assert (
        describe_event({"gap": {"fromSeq": "0x5", "toSeq": "0x9"}})
        == "-- 4 events are gone: the server keeps the newest only"
    )


def test_the_kinds_to_choose_from_are_those_that_there_are() -> None:
    assert sorted(KINDS) == sorted(kind.name.lower() for kind in Kind if kind is not Kind.VALIDATED)


def test_the_shell_completes_reasons() -> None:
    environment = {
        **os.environ,
        "_TXPOOL_COMPLETE": "bash_complete",
        "COMP_WORDS": "txpool events --reason rep",
        "COMP_CWORD": "3",
    }

    ran = subprocess.run(command(), env=environment, cwd=ROOT, capture_output=True, text=True, check=False)

    assert "plain,replaced\n" in ran.stdout
