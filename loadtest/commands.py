"""`txpool load`: prepare, import, run, report, compare. Data on standard output, progress on standard error.

Exit codes: 0 ok, 1 a threshold does not hold (or `compare --gate` fails), 2 usage, 3 cannot connect, 6 the generator
was the bottleneck, so that the figures say nothing of the server.
"""

import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

if TYPE_CHECKING:
    from loadtest.conduct import Bed
    from loadtest.result import Result
    from loadtest.scenario import Scenario
    from loadtest.session import Progress

FAILED: Final = 1
USAGE: Final = 2
CANNOT_CONNECT: Final = 3
GENERATOR_BOUND: Final = 6

QUIET_SECONDS: Final = 10  # between lines of progress where nobody watches

_scenario = click.argument("scenario", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_overrides = click.option(
    "--set", "pairs", metavar="KEY=VALUE", multiple=True, help="A value of the scenario, as load.batch=100."
)


class CannotConnect(click.ClickException):
    """There is no node to load."""

    exit_code = CANNOT_CONNECT


@click.group()
def load() -> None:
    """Measure a node under load.

    Any node with JSON-RPC will do. A scenario says what is sent and how; configs/load has some.
    """


@load.command("prepare")
@_scenario
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the corpus.")
@_overrides
def prepare_command(scenario: Path, out: Path, pairs: tuple[str, ...]) -> None:
    """Sign the transactions of a scenario ahead.

    Writes them, a manifest, and a genesis file that funds their senders: start the node that is to be measured with it.
    """
    _prepare(_read(scenario, pairs), out)


@load.command("import")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the corpus.")
@click.option("--chain-id", type=click.IntRange(min=1), help="That of most of the transactions, if not given.")
def import_command(file: TextIO, out: Path, chain_id: int | None) -> None:
    """Make a corpus of transactions that were recorded elsewhere.

    FILE (`-` is standard input) has signed transactions in hexadecimal, one a line, or is JSON as another node answers
    `txpool_content` or `eth_getBlockByNumber` with whole transactions. A genesis file funds their senders.
    """
    from loadtest.corpus import keep
    from loadtest.recorded import RecordedError, read_recorded

    try:
        recorded = read_recorded(file.read(), chain_id)
    except (RecordedError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file.name}: {error}") from None
    manifest = keep(recorded, out, file.name)
    click.echo(
        f"{out}: {manifest.transactions} transactions of {manifest.senders} senders, chain {recorded.chain_id}",
        err=True,
    )
    for why, count in recorded.left_out.items():
        click.echo(f"left out: {count} ({why})", err=True)


@load.command("run")
@_scenario
@click.option("--rpc", help="Node to load: http://HOST:PORT, ws://HOST:PORT, or the path of a Unix socket.")
@click.option("--start", is_flag=True, help="Start our daemon for it, with the scenario's settings.")
@click.option("--corpus", type=click.Path(file_okay=False, path_type=Path), help="Folder of `prepare`.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the run; a new one if not given."
)
@click.option("--label", help="What is measured, for `compare`; the node's version if not given.")
@click.option("--control", help="HTTP URL for calls beside the load; --rpc if that is no WebSocket.")
@click.option("--metrics", help="URL of the node's metrics page.")
@click.option("--pid", type=int, help="The node's process, for CPU and memory.")
@click.option("--dry-run", is_flag=True, help="Print what would be done.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@_overrides
def run_command(
    scenario: Path,
    pairs: tuple[str, ...],
    *,
    start: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - each of its own type
) -> None:
    """Run a scenario against a node.

    The node's chain has to be that of the corpus (its genesis.json), and fresh: `--start` sees to both.
    """
    from loadtest.conduct import carry_out, default_folder, started
    from loadtest.describe import describe

    planned = _read(scenario, pairs)
    if dry_run:
        from loadtest.describe import describe_plan

        click.echo(describe_plan(planned))
        return
    if start == bool(options["rpc"]):
        raise click.UsageError("say which node: --rpc URL, or --start for our own daemon")
    corpus: Path = options["corpus"] or Path("data/load/corpus") / planned.name
    _prepare(planned, corpus)
    folder: Path = options["out"] or default_folder(planned, Path("data/load/runs"))
    with _errors(), started(planned, corpus) if start else nullcontext(_bed(options)) as bed:
        found = carry_out(planned, corpus, bed, folder, label=options["label"], on_progress=_live_line())
    _end_live_line()
    click.echo(_as_json(found) if as_json else describe(found))
    click.echo(f"{folder / 'report.html'}", err=True)
    sys.exit(_exit_code(found))


@load.command("report")
@click.argument("runs", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
def report_command(runs: tuple[Path, ...]) -> None:
    """Write report.html into the folders of runs."""
    from loadtest.report import write_report
    from loadtest.run_folder import REPORT, RunFolderError, read_run, runs_in

    for folder in runs:
        if not runs_in(folder):
            raise click.UsageError(f"{folder}: holds no run")
    for run in (run for folder in runs for run in runs_in(folder)):
        try:
            write_report(read_run(run), run / REPORT)
        except RunFolderError as error:
            raise click.UsageError(str(error)) from None
        click.echo(run / REPORT)


@load.command("compare")
@click.argument("runs", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@click.option("--gate", type=float, metavar="PERCENT", help="Exit with 1 where B is worse by more, and not by chance.")
def compare_command(runs: tuple[Path, ...], *, as_json: bool, gate: float | None) -> None:
    """Compare two groups of runs, A with B.

    Two folders are the two groups, each a run or a folder of runs. More are grouped by label, the first one's is A.
    """
    from loadtest.compare import compare, describe_comparison, grouped, worse
    from loadtest.run_folder import RunFolderError

    try:
        comparison = compare(*grouped(runs))
    except (RunFolderError, ValueError) as error:
        raise click.UsageError(str(error)) from None
    click.echo(_as_json(comparison) if as_json else describe_comparison(comparison))
    if gate is not None and (found := worse(comparison, gate / 100)):
        click.echo(f"worse: {', '.join(found)}", err=True)
        sys.exit(FAILED)


def _read(path: Path, pairs: tuple[str, ...]) -> "Scenario":
    from loadtest.scenario import ScenarioError, override, read_scenario

    try:
        return read_scenario(path, dict(map(override, pairs)))
    except ScenarioError as error:
        raise click.UsageError(str(error)) from None


def _prepare(scenario: "Scenario", folder: Path) -> None:
    """Make the corpus, with a bar where somebody watches."""
    from loadtest.conduct import prepared

    total = scenario.transactions
    started = time.monotonic()
    hidden = not sys.stderr.isatty()
    with _errors(), click.progressbar(length=total, label="signing", file=sys.stderr, hidden=hidden) as bar:
        manifest = prepared(scenario, folder, lambda done: bar.update(done - bar.pos))
    kinds = ", ".join(f"{count} {name}" for name, count in manifest.kinds.items())
    took = time.monotonic() - started
    click.echo(
        f"{folder}: {manifest.transactions} transactions of {manifest.senders} senders ({kinds}), {took:.1f} s",
        err=True,
    )


def _bed(options: dict[str, Any]) -> "Bed":
    from loadtest.conduct import Bed
    from loadtest.target import parse_target
    from loadtest.watch import Observed

    try:
        target = parse_target(options["rpc"])
        control = parse_target(options["control"]) if options["control"] else target
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    seen = None if control.transport == "websocket" else control
    return Bed(target, Observed(control=seen, pid=options["pid"], metrics_url=options["metrics"]))


class _errors:  # noqa: N801 - reads as the statement that it is
    """Turns what a run may meet into exit codes."""

    def __enter__(self) -> None:
        """Nothing to do yet."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: object) -> None:
        from loadtest.node import NodeError
        from loadtest.scenario import ScenarioError
        from loadtest.session import NoConnectionError

        if isinstance(error, ScenarioError):
            raise click.UsageError(str(error)) from None
        if isinstance(error, NoConnectionError | NodeError):
            raise CannotConnect(f"cannot connect: {error}") from None


def _exit_code(found: "Result") -> int:
    from loadtest.result import Verdict

    return {Verdict.PASSED: 0, Verdict.FAILED: FAILED, Verdict.GENERATOR_BOUND: GENERATOR_BOUND}[found.verdict]


def _live_line() -> "Callable[[Progress], None]":
    """Show progress: a line that moves where somebody watches, else one now and then."""
    watched, last = sys.stderr.isatty(), {"at": 0.0, "answered": 0, "shown": 0.0}

    def show(progress: "Progress") -> None:
        rate = (progress.answered - last["answered"]) / max(progress.at - last["at"], 1e-3)
        last["at"], last["answered"] = progress.at, progress.answered
        if not watched and progress.at - last["shown"] < QUIET_SECONDS:
            return
        last["shown"] = progress.at
        line = (
            f"{progress.at:6.0f} s  sent {progress.sent}  under way {progress.under_way}  waiting {progress.waiting}"
            f"  {rate:.0f}/s  p99 {progress.p99_ms:.1f} ms  refused or failed {progress.answered - progress.accepted}"
        )
        click.echo(f"\r\x1b[K{line}" if watched else line, err=True, nl=not watched)

    return show


def _end_live_line() -> None:
    if sys.stderr.isatty():
        click.echo("", err=True)


def _as_json(value: object) -> str:
    import msgspec

    return msgspec.json.encode(value).decode()
