"""The command `txpool`: the daemon, and one-shot commands that talk to it.

Data goes to standard output, diagnostics and progress to standard error. Exit codes: 0 ok, 1 refused by the pool,
2 usage, 3 cannot connect, 4 timed out, 5 some of a batch refused. Each command imports what it needs when it runs, so
that every other one starts at once.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

import click

from txpool.client.errors import ConnectFailedError, TimedOutError

if TYPE_CHECKING:
    from txpool.client.jsonrpc import RpcClient
    from txpool.client.submission import Inclusion, Outcome
    from txpool.client.transfer import Order
    from txpool.config import Configuration

OK: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
CANNOT_CONNECT: Final = 3
TIMED_OUT: Final = 4
PARTLY_REFUSED: Final = 5

DEFAULT_RPC: Final = "http://127.0.0.1:8545"
DEFAULT_SOCKET: Final = "~/.txpool/txpool.ipc"
# The steps of a transaction's life, as `txpool.core.lifecycle` has them.
KINDS: Final = (
    "received",
    "queued",
    "promoted",
    "demoted",
    "replaced",
    "evicted",
    "included",
    "rejected",
    "reinjected",
)
SHELLS: Final = ("bash", "zsh", "fish")

Command = TypeVar("Command", bound=Callable[..., Any])


class Failure(click.ClickException):
    """Ends a command with a message on standard error; how it failed is the exit code."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Print what went wrong."""
        _tell(click.style("txpool: ", fg="red") + self.message)


class Refused(Failure):
    """The server said no."""

    exit_code = REFUSED


class Misconfigured(Failure):
    """The settings make no sense."""

    exit_code = USAGE


class CannotConnect(Failure):
    """There is no server."""

    exit_code = CANNOT_CONNECT


class TimedOut(Failure):
    """Patience ended first."""

    exit_code = TIMED_OUT


class Commands(click.Group):
    """Turns what a command may meet into exit codes; the load harness is read when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all commands."""
        return sorted([*super().list_commands(ctx), "load"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command by its name."""
        if cmd_name != "load":
            return super().get_command(ctx, cmd_name)
        from loadtest.commands import load

        return load

    def invoke(self, ctx: click.Context) -> object:
        """Run the command named on the command line."""
        try:
            return super().invoke(ctx)
        except ConnectFailedError as error:
            hint = "Is the daemon running there? `txpool run --dev` starts one; --rpc URL or TXPOOL_RPC name another."
            raise CannotConnect(f"{error}\n{hint}") from error
        except TimedOutError as error:
            raise TimedOut(str(error)) from error


def _say(text: str) -> None:
    """Print to standard output."""
    click.echo(text, color=_colour())


def _tell(text: str, *, end: str = "\n") -> None:
    """Print to standard error."""
    click.echo(text + end, err=True, nl=False, color=_colour())


def _colour() -> bool | None:
    """No colour where nobody wants it; else click looks whether it writes to a terminal."""
    return False if os.environ.get("NO_COLOR") else None


def _print_json(value: object) -> None:
    _say(json.dumps(value))


def main() -> None:
    """Run the command line."""
    commands(prog_name="txpool")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="txpool", message="%(prog)s %(version)s")
def commands() -> None:
    """A standalone Ethereum transaction pool."""


def remote(command: Command) -> Command:
    """Options of every command that asks a server."""
    options = (
        click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text."),
        click.option(
            "--rpc",
            default=DEFAULT_RPC,
            envvar="TXPOOL_RPC",
            show_envvar=True,
            show_default=True,
            help="The server's URL, or the path of its Unix socket.",
        ),
        click.option(
            "--timeout",
            type=click.FloatRange(min=0, min_open=True),
            default=60,
            show_default=True,
            help="Seconds to wait.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _connect(rpc: str, timeout: float) -> "RpcClient":
    from txpool.client.jsonrpc import RpcClient

    try:
        client = RpcClient(rpc, timeout)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--rpc") from None
    click.get_current_context().call_on_close(client.close)
    return client


def _complete_reason(_context: click.Context, _option: click.Parameter, begun: str) -> list[str]:
    from txpool.core.rejection import Reason

    return [reason for reason in Reason if reason.startswith(begun)]


def _refusal(message: str) -> Refused:
    from txpool.client.advice import advice

    return Refused("\n".join(filter(None, (f"refused: {message}", advice(message)))))


# --- what is in the pool ---------------------------------------------------------------------------------------------


@commands.command()
@remote
def status(*, as_json: bool, rpc: str, timeout: float) -> None:
    """Show the pool's sizes and the chain's head."""
    from txpool.client.jsonrpc import RpcError
    from txpool.client.status import describe_status, fetch_status, next_step

    try:
        found = fetch_status(_connect(rpc, timeout))
    except RpcError as error:
        raise _refusal(error.message) from None
    if as_json:
        _print_json(found)
        return
    _say(describe_status(found, rpc))
    if hint := next_step(found):
        _tell(hint)


@commands.command()
@click.option("--sender", help="Only what this address has sent.")
@remote
def content(*, sender: str | None, as_json: bool, rpc: str, timeout: float) -> None:
    """List the transactions in the pool."""
    from txpool.client.content import checksummed, describe_content, fetch_content
    from txpool.client.jsonrpc import RpcError

    sender = sender and _parsed(checksummed, sender, "--sender")
    try:
        found = fetch_content(_connect(rpc, timeout), sender)
    except RpcError as error:
        raise _refusal(error.message) from None
    if as_json:
        _print_json(found)
    else:
        _say(describe_content(found, sender))


@commands.command()
@remote
def inspect(*, as_json: bool, rpc: str, timeout: float) -> None:
    """List it in short, and what queued ones wait for."""
    from txpool.client.content import describe_inspection, explain_queued
    from txpool.client.jsonrpc import RpcError

    client = _connect(rpc, timeout)
    try:
        found = client.call("txpool_inspect")
        if as_json:
            _print_json(found)
            return
        _say(describe_inspection(found))
        for line in explain_queued(client, found):
            _tell(line)
    except RpcError as error:
        raise _refusal(error.message) from None


# --- what became of one, and what happens ----------------------------------------------------------------------------


@commands.command()
@click.argument("tx_hash", metavar="HASH")
@remote
def explain(*, tx_hash: str, as_json: bool, rpc: str, timeout: float) -> None:
    """Tell what became of a transaction, and what it waits for."""
    from txpool.client.jsonrpc import RpcError
    from txpool.client.lifecycle import describe_explanation, parse_hash

    tx_hash = _parsed(parse_hash, tx_hash, "HASH")
    try:
        told = _connect(rpc, timeout).call("pool_explain", tx_hash)
    except RpcError as error:
        raise _refusal(error.message) from None
    if as_json:
        _print_json(told)
    elif isinstance(told, dict):
        _say(describe_explanation(told))
    if told is None:
        raise Refused(
            f"nothing is known of {tx_hash}\n"
            "It never came here, or its events are forgotten: the server keeps the newest ones (events.capacity)."
        )


@commands.command()
@click.option("--from", "start", metavar="SEQ", help="Number to begin at, earliest or latest.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many.")
@click.option("--sender", "senders", multiple=True, help="Only this address; may be repeated.")
@click.option("--hash", "hashes", multiple=True, help="Only this transaction, or what it replaced or evicted.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Only this step; may be repeated.")
@click.option(
    "--reason", "reasons", multiple=True, shell_complete=_complete_reason, help="Only this reason; may be repeated."
)
@click.option("--follow", is_flag=True, help="Go on with what happens, until interrupted.")
@remote
def events(
    *,
    start: str | None,
    limit: int | None,
    follow: bool,
    as_json: bool,
    rpc: str,
    timeout: float,
    **wanted: tuple[str, ...],
) -> None:
    """List what happened in the pool, or follow it.

    Without --from: everything that is remembered, or with --follow what happens from now on.
    """
    from itertools import islice

    from txpool.client.events import describe_event
    from txpool.client.events import events as read_events
    from txpool.client.jsonrpc import RpcError

    place = start or ("latest" if follow else "earliest")
    if place not in {"earliest", "latest"} and not (place.isascii() and place.isdigit()):
        raise click.BadParameter(f"{place!r} is no number, nor earliest or latest", param_hint="--from")
    told = read_events(_connect(rpc, timeout), place, _event_filter(**wanted), follow=follow)
    try:
        for event in islice(told, limit):
            if as_json:
                _print_json(event)
            else:
                _say(describe_event(event))
    except RpcError as error:
        raise _refusal(error.message) from None
    except KeyboardInterrupt:
        return


def _event_filter(
    senders: tuple[str, ...], hashes: tuple[str, ...], kinds: tuple[str, ...], reasons: tuple[str, ...]
) -> dict[str, Any]:
    given = {"sender": senders, "hash": hashes, "kinds": kinds, "reasons": reasons}
    return {name: list(values) for name, values in given.items() if values}


# --- putting something in --------------------------------------------------------------------------------------------


@commands.command()
@click.argument("raw", nargs=-1)
@click.option("--file", "file", type=click.File(), help="One transaction a line; - is standard input.")
@click.option("--wait", is_flag=True, help="Wait until blocks hold what the pool took.")
@remote
def submit(*, raw: tuple[str, ...], file: IO[str] | None, wait: bool, as_json: bool, rpc: str, timeout: float) -> None:
    """Hand in signed transactions.

    They come as hexadecimal RAW arguments, from a file, or from standard input, one a line.
    """
    from txpool.client.submission import submit as hand_in

    lines = _input_lines(raw, file)
    client = _connect(rpc, timeout)
    batches = _with_progress(hand_in(client, lines, timeout))
    accepted, refused = _report(batches, as_json=as_json, alone=len(raw) == 1)
    if not accepted and not refused:
        raise click.UsageError("no transaction in the input")
    if wait and accepted:
        _await(client, accepted, timeout, as_json=as_json)
    if refused:
        sys.exit(PARTLY_REFUSED if accepted else REFUSED)


@commands.command()
@click.argument("raw", nargs=-1)
@click.option("--file", "file", type=click.File(), help="One transaction a line; - is standard input.")
@remote
def check(*, raw: tuple[str, ...], file: IO[str] | None, as_json: bool, rpc: str, timeout: float) -> None:
    """Say what would become of signed transactions, without handing them in.

    They are tried as if submitted one after another, a hundred at a time.
    """
    from txpool.client.advice import advice
    from txpool.client.jsonrpc import RpcError
    from txpool.client.lifecycle import check as try_out
    from txpool.client.lifecycle import describe_check

    lines = _input_lines(raw, file)
    try:
        checked = [each for batch in try_out(_connect(rpc, timeout), lines) for each in batch]
    except RpcError as error:
        raise _refusal(error.message) from None
    if not checked:
        raise click.UsageError("no transaction in the input")
    if as_json:
        for each in checked:
            _print_json({"line": each.line, **each.told})
    else:
        _say(describe_check(checked))
        for hint in dict.fromkeys(advice(each.message) for each in checked if each.message):
            if hint:
                _tell(hint)
    refused = sum(not each.accepted for each in checked)
    if refused:
        sys.exit(PARTLY_REFUSED if refused < len(checked) else REFUSED)


def _input_lines(raw: tuple[str, ...], file: IO[str] | None) -> "Iterator[tuple[int, str]]":
    """The transactions of arguments, a file or standard input, numbered."""
    from txpool.client.submission import transactions

    if raw and file:
        raise click.UsageError("give transactions as arguments or as a file, not both")
    if not raw and file is None:
        if sys.stdin.isatty():
            raise click.UsageError("no transaction: give raw hex, or --file FILE, or pipe lines in")
        file = sys.stdin
    lines: Iterable[str] = raw if file is None else _text_lines(file)
    return transactions(lines)


def _text_lines(file: IO[str]) -> "Iterator[str]":
    try:
        yield from file
    except UnicodeDecodeError:
        raise click.UsageError(f"{file.name} is no text: one transaction a line is wanted, in hexadecimal") from None


@commands.command()
@click.argument("named", metavar="HASH|ADDRESS")
@remote
def remove(*, named: str, as_json: bool, rpc: str, timeout: float) -> None:
    """Have the pool let go of a transaction, or of all of a sender.

    The pool takes that over its Unix socket alone: --rpc PATH; the daemon's ready line names it.
    """
    from txpool.client.jsonrpc import RpcError
    from txpool.client.lifecycle import remove as let_go

    source = click.get_current_context().get_parameter_source("rpc")
    client = _connect(DEFAULT_SOCKET if source is click.core.ParameterSource.DEFAULT else rpc, timeout)
    if not client.is_private:
        raise click.UsageError(f"remove needs the Unix socket of the daemon, not {rpc}: --rpc {DEFAULT_SOCKET}, say")
    try:
        removed = let_go(client, named)
    except RpcError as error:
        raise _refusal(error.message) from None
    if as_json:
        _print_json({"removed": removed})
        return
    for tx_hash in removed:
        _say(tx_hash)
    _tell(f"{len(removed)} removed; `txpool explain HASH` tells of each, and of what waits behind it now.")


@commands.command()
@click.option("--key-file", type=click.Path(dir_okay=False), help="File with the sender's private key in hexadecimal.")
@click.option("--dev-account", type=click.IntRange(0, 9), help="Send from a funded account of the dev chain.")
@click.option("--to", required=True, help="Address of the recipient.")
@click.option("--value", default="0", show_default=True, help="Amount, as 1ether, 2.5gwei or 100wei.")
@click.option("--data", default="0x", help="Call data in hexadecimal.")
@click.option("--nonce", type=click.IntRange(0, 2**64 - 1), help="Instead of the sender's next.")
@click.option("--gas", type=click.IntRange(0, 2**64 - 1), help="Gas limit, instead of the server's estimate.")
@click.option("--fee-cap", help="Most to pay for a unit of gas, as 30gwei.")
@click.option("--tip-cap", help="Most of it for the block's builder, as 1gwei.")
@click.option("--wait", is_flag=True, help="Wait until a block holds it.")
@remote
def send(
    *,
    key_file: str | None,
    dev_account: int | None,
    wait: bool,
    as_json: bool,
    rpc: str,
    timeout: float,
    **fields: Any,  # noqa: ANN401 - what `_order` reads, each of its own type
) -> None:
    """Sign a transfer and hand it in."""
    from txpool.client.jsonrpc import RpcError
    from txpool.client.submission import submit as hand_in
    from txpool.client.transfer import signed

    order = _order(**fields)
    key = _key(key_file, dev_account)
    client = _connect(rpc, timeout)
    try:
        raw = signed(client, key, order)
    except RpcError as error:
        raise _refusal(error.message) from None
    accepted, refused = _report(hand_in(client, [(1, "0x" + raw.hex())], timeout), as_json=as_json, alone=True)
    if refused:
        sys.exit(REFUSED)
    if wait:
        _await(client, accepted, timeout, as_json=as_json)


def _order(
    *,
    to: str,
    value: str,
    data: str,
    nonce: int | None,
    gas: int | None,
    fee_cap: str | None,
    tip_cap: str | None,
) -> "Order":
    from txpool.client.content import checksummed
    from txpool.client.transfer import Order
    from txpool.client.units import parse_amount, parse_data

    return Order(
        to=bytes.fromhex(_parsed(checksummed, to, "--to")[2:]),
        value=_parsed(parse_amount, value, "--value"),
        data=_parsed(parse_data, data, "--data"),
        nonce=nonce,
        gas=gas,
        fee_cap=None if fee_cap is None else _parsed(parse_amount, fee_cap, "--fee-cap"),
        tip_cap=None if tip_cap is None else _parsed(parse_amount, tip_cap, "--tip-cap"),
    )


Parsed = TypeVar("Parsed")


def _parsed(parse: Callable[[str], Parsed], text: str, option: str) -> Parsed:
    try:
        return parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def _key(key_file: str | None, dev_account: int | None) -> bytes:
    from txpool.client.transfer import read_key, readable_by_others

    if (key_file is None) == (dev_account is None):
        raise click.UsageError("say who sends: --key-file FILE or --dev-account N")
    if dev_account is not None:
        from txpool.chain.dev_accounts import dev_accounts

        return dev_accounts(dev_account + 1)[dev_account].private_key
    assert key_file is not None
    key = _parsed(read_key, key_file, "--key-file")
    if readable_by_others(key_file):
        _tell(f"Others may read {key_file}: chmod 600 keeps the key yours.")
    return key


def _with_progress(batches: "Iterator[list[Outcome]]") -> "Iterator[list[Outcome]]":
    """Show how far it has got, if somebody watches and the results go elsewhere."""
    watched = sys.stderr.isatty() and not sys.stdout.isatty()
    done = refused = 0
    for batch in batches:
        done += len(batch)
        refused += sum(outcome.error is not None for outcome in batch)
        if watched:
            _tell(f"\r{done} handed in, {refused} refused", end="")
        yield batch
    if watched:
        _tell("")


def _report(batches: "Iterable[list[Outcome]]", *, as_json: bool, alone: bool) -> tuple[list[str], int]:
    """Print a line for each outcome. Returns the accepted hashes and how many were refused."""
    accepted: list[str] = []
    refused = 0
    for outcome in (outcome for batch in batches for outcome in batch):
        if outcome.error is None:
            assert outcome.hash is not None
            accepted.append(outcome.hash)
        else:
            refused += 1
        if as_json:
            _print_json(_outcome_json(outcome))
        else:
            _print_outcome(outcome, alone=alone)
    return accepted, refused


def _outcome_json(outcome: "Outcome") -> dict[str, object]:
    if outcome.error is None:
        return {"line": outcome.line, "result": "accepted", "hash": outcome.hash}
    return {"line": outcome.line, "result": "refused", "error": outcome.error.to_json()}


def _print_outcome(outcome: "Outcome", *, alone: bool) -> None:
    from txpool.client.advice import advice

    if outcome.error is None:
        _say(str(outcome.hash) if alone else f"{outcome.line}  accepted  {outcome.hash}")
        return
    words = click.style("refused", fg="red") + f"  {outcome.error.message}"
    if alone:
        _tell(words)
        if hint := advice(outcome.error.message):
            _tell(hint)
    else:
        _say(f"{outcome.line}  {words}")


def _await(client: "RpcClient", hashes: list[str], timeout: float, *, as_json: bool) -> None:
    from txpool.client.submission import inclusions

    late = 0
    for inclusion in inclusions(client, hashes, timeout):
        late += inclusion.block is None
        _print_inclusion(inclusion, as_json=as_json)
    if late:
        raise TimedOutError(
            f"no block held {late} of {len(hashes)} within {timeout:g} s\n"
            "`txpool inspect` says what they wait for; with `--dev-period 0` only `dev_mine` makes blocks."
        )


def _print_inclusion(inclusion: "Inclusion", *, as_json: bool) -> None:
    if as_json:
        _print_json(inclusion._asdict())
    elif inclusion.block is not None:
        _tell(f"{inclusion.hash}  block {inclusion.block}" + ("" if inclusion.succeeded else "  failed"))


# --- the daemon ------------------------------------------------------------------------------------------------------


def settings(command: Command) -> Command:
    """Options that set something, beside `--set`."""
    options = (
        click.option(
            "--config", "file", type=click.Path(), envvar="TXPOOL_CONFIG", show_envvar=True, help="TOML file."
        ),
        click.option("--dev", is_flag=True, help="Run on the embedded dev chain."),
        click.option("--dev-period", metavar="SECONDS", help="Between blocks; 0: on demand only, auto: when pending."),
        click.option("--genesis", metavar="FILE", help="Genesis of the dev chain, in geth's format."),
        click.option("--http", metavar="HOST:PORT", help="JSON-RPC over HTTP; 127.0.0.1:8545 if not set."),
        click.option("--ws", metavar="HOST:PORT", help="JSON-RPC over WebSocket; 127.0.0.1:8546 if not set, or off."),
        click.option("--ipc", metavar="PATH", help="JSON-RPC at a Unix socket; DATA/txpool.ipc if not set, or off."),
        click.option("--data", metavar="DIR", help="Folder for files; ~/.txpool if not set."),
        click.option("--metrics", metavar="HOST:PORT", help="Metrics page; 127.0.0.1:6060 if not set, or off."),
        click.option("--store", metavar="mmap|heap", help="Where transactions lie."),
        click.option("--compat", metavar="geth", help="Answer six refusals with the hash, as geth's local tracker."),
        click.option("--log", metavar="text|json", help="Format of the log and of the ready line."),
        click.option(
            "--set", "pairs", metavar="SECTION.KEY=VALUE", multiple=True, help="Any setting; may be repeated."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


# Setting by the flag that has a name of its own.
FLAG_SETTINGS: Final = {
    "dev_period": "dev.period",
    "genesis": "dev.genesis",
    "http": "http.listen",
    "ws": "ws.listen",
    "ipc": "ipc.path",
    "data": "data.dir",
    "metrics": "metrics.listen",
    "store": "store.kind",
    "compat": "rpc.compat",
    "log": "log.format",
}


def _configuration(file: str | None, pairs: tuple[str, ...], *, dev: bool, **named: str | None) -> "Configuration":
    """Put file, environment and flags on each other; raises ConfigurationError."""
    from txpool.config import load

    flags = []
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals:
            raise click.BadParameter(f"{pair!r} is not SECTION.KEY=VALUE", param_hint="--set")
        flags.append((key.strip(), text.strip(), f"--set {key.strip()}"))
    flags += [
        (FLAG_SETTINGS[name], text, "--" + name.replace("_", "-")) for name, text in named.items() if text is not None
    ]
    if dev:
        flags.append(("dev.enabled", "true", "--dev"))
    return load(file=file, environment=os.environ, flags=flags)


@commands.command()
@settings
def run(file: str | None, pairs: tuple[str, ...], *, dev: bool, **named: str | None) -> None:
    """Start the daemon."""
    from txpool.config import ConfigurationError

    try:
        configuration = _configuration(file, pairs, dev=dev, **named)
    except ConfigurationError as error:
        raise Misconfigured(str(error)) from None
    if not configuration.settings.dev.enabled:
        raise Misconfigured("no chain to follow: --dev runs the embedded dev chain, the only one there is so far")
    if configuration.settings.http.listen.off:
        raise Misconfigured("nothing would listen: http.listen is off, and there is no other listener so far")
    from txpool.daemon import run as run_daemon

    sys.exit(run_daemon(configuration.settings, configuration.corrections()))


@commands.command("check-config")
@settings
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def check_config(file: str | None, pairs: tuple[str, ...], *, dev: bool, as_json: bool, **named: str | None) -> None:
    """Check the settings, and show where each is from."""
    from txpool.config import ConfigurationError
    from txpool.config.report import configuration_json, describe_configuration

    try:
        configuration = _configuration(file, pairs, dev=dev, **named)
    except ConfigurationError as error:
        if as_json:
            _print_json({"valid": False, "problems": error.problems})
            sys.exit(USAGE)
        raise Misconfigured(str(error)) from None
    if as_json:
        _print_json(configuration_json(configuration))
    else:
        _say(describe_configuration(configuration))


@commands.command()
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    `eval "$(txpool completion bash)"` switches it on.
    """
    from click.shell_completion import get_completion_class

    script = get_completion_class(shell)
    assert script is not None
    _say(script(commands, {}, "txpool", "_TXPOOL_COMPLETE").source())


if __name__ == "__main__":
    main()
