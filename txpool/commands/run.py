"""Start the daemon, or look at what it would be started with."""

import os
import sys
from typing import TYPE_CHECKING, Final

import click

from txpool.commands.failures import USAGE, Misconfigured
from txpool.commands.output import print_json, say
from txpool.commands.remote import Command

if TYPE_CHECKING:
    from txpool.config import Configuration


def settings(command: Command) -> Command:
    """Options that set something, beside `--set`."""
    options = (
        click.option(
            "--config", "file", type=click.Path(), envvar="TXPOOL_CONFIG", show_envvar=True, help="TOML file."
        ),
        click.option("--dev", is_flag=True, help="Run on the embedded dev chain."),
        click.option("--dev-period", metavar="SECONDS", help="Between blocks; 0: on demand only, auto: when pending."),
        click.option("--genesis", metavar="FILE", help="Genesis of the dev chain, in geth's format."),
        click.option("--http", metavar="HOST:PORT", help="JSON-RPC over HTTP; 127.0.0.1:8545 if not set, or off."),
        click.option("--ws", metavar="HOST:PORT", help="JSON-RPC over WebSocket; 127.0.0.1:8546 if not set, or off."),
        click.option("--ipc", metavar="PATH", help="JSON-RPC at a Unix socket; DATA/txpool.ipc if not set, or off."),
        click.option("--data", metavar="DIR", help="Folder for files; ~/.txpool if not set."),
        click.option("--metrics", metavar="HOST:PORT", help="Metrics page; 127.0.0.1:6060 if not set, or off."),
        click.option("--store", metavar="mmap|cache|heap|untracked", help="Where transactions lie."),
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


@click.command()
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
    if configuration.settings.deaf:
        raise Misconfigured("nothing would listen: http.listen, ws.listen and ipc.path are off")
    from txpool.daemon import run as run_daemon

    sys.exit(run_daemon(configuration.settings, configuration.corrections()))


@click.command("check-config")
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
            print_json({"valid": False, "problems": error.problems})
            sys.exit(USAGE)
        raise Misconfigured(str(error)) from None
    if as_json:
        print_json(configuration_json(configuration))
    else:
        say(describe_configuration(configuration))
