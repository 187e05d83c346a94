"""`txpool experiment NAME|all`: what a collector costs, measured on the daemon, claim by claim.

Exit codes: 0 everything ran, 1 some runs failed (their experiments say which), 2 usage.
"""

import shutil
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from loadtest.experiments.definition import Experiment
    from loadtest.experiments.results import Results
    from loadtest.session import Progress

FAILED: Final = 1
ALL: Final = "all"
CORPORA: Final = Path("data/experiments/corpora")
QUIET_SECONDS: Final = 10
BAR: Final = 24


class Experiments(click.Group):
    """A command for each file of configs/experiments, and one for all of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name them, with `list` and `document`."""
        return [*super().list_commands(ctx), ALL, *_experiments()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Make the command of an experiment."""
        if found := super().get_command(ctx, cmd_name):
            return found
        known = _experiments()
        if cmd_name == ALL:
            return _command(ALL, "Every experiment, one after another.", list(known.values()))
        return _command(cmd_name, known[cmd_name].about, [known[cmd_name]]) if cmd_name in known else None


@click.group(cls=Experiments)
def experiment() -> None:
    """Measure what memory costs the pool: stores, collector, pages.

    Leaves results.json and a page with plots and a verdict on every claim.
    """


@experiment.command("list")
@click.option("--quick", is_flag=True, help="How long the short runs take.")
def list_command(*, quick: bool) -> None:
    """Show the experiments, and how long each takes."""
    from loadtest.experiments.definition import Effort, in_words

    effort, whole = Effort(quick=quick), 0.0
    for one in _experiments().values():
        seconds = effort.planned_seconds(one)
        whole += seconds
        click.echo(f"{one.name:12} {in_words(seconds):>8}  {one.about}")
    click.echo(f"{ALL:12} {in_words(whole):>8}  and the signing of what is sent: a minute for a million transactions")


@experiment.command("document")
@click.argument("results", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def document_command(results: tuple[Path, ...]) -> None:
    """Write docs/memory.md and its plots from results.

    Of several, each adds its experiments; where two have the same, the later counts.
    """
    from loadtest.experiments.document import DocumentError, write_document
    from loadtest.experiments.lab import together
    from loadtest.experiments.results import ResultsError, read_results

    try:
        click.echo(write_document(together([read_results(path) for path in results])))
    except (ResultsError, DocumentError) as error:
        raise click.UsageError(str(error)) from None


def _command(name: str, about: str, chosen: "list[Experiment]") -> click.Command:
    options: list[click.Parameter] = [
        click.Option(["--out"], type=click.Path(file_okay=False, path_type=Path), help="Folder for the results."),
        click.Option(["--quick"], is_flag=True, help="Short runs: a first look."),
        click.Option(["--repeats"], type=click.IntRange(min=1), help="Runs of each arm."),
        click.Option(["--seconds"], type=click.FloatRange(min=0, min_open=True), help="How long a run lasts."),
        click.Option(
            ["--long"], type=click.FloatRange(min=0), help="How long the one long run of an arm lasts; 0: none."
        ),
        click.Option(["--stores"], metavar="A,B", help="Only these stores."),
        click.Option(["--rate"], type=click.FloatRange(min=1), help="Transactions a second, at most; not calibrated."),
        click.Option(["--seed"], type=int, default=1, show_default=True, help="Of the order of the runs."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print the results as JSON."),
    ]
    return click.Command(name, params=options, callback=partial(_run, name, chosen), help=about)


def _run(  # noqa: PLR0913 - one argument an option
    name: str,
    chosen: "list[Experiment]",
    *,
    out: Path | None,
    quick: bool,
    repeats: int | None,
    seconds: float | None,
    long: float | None,
    stores: str | None,
    rate: float | None,
    seed: int,
    as_json: bool,
) -> None:
    from loadtest.experiments.definition import Effort, in_words
    from loadtest.experiments.lab import Lab

    effort = Effort(quick, repeats, seconds, long, _stores(stores), rate)
    if not any(effort.arms_of(one) for one in chosen):
        raise click.UsageError(f"{name}: nothing of it is for {stores or 'a short run'}")
    folder = out or Path("data/experiments") / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
    planned = in_words(sum(effort.planned_seconds(one) for one in chosen))
    click.echo(f"{name}: about {planned}, into {folder}", err=True)
    live = LiveLine()
    settings = {"quick": quick, "repeats": repeats, "seconds": seconds, "long": long, "stores": stores or "all"}
    found = Lab(folder, CORPORA, effort, seed, live).carry_out(chosen, settings)
    live.end()
    _leave(found, folder)
    click.echo(_as_json(found) if as_json else _in_words(found))
    click.echo(folder / "index.html", err=True)
    sys.exit(_exit_code(found))


def _leave(found: "Results", folder: Path) -> None:
    from loadtest.experiments.page import PAGE, write_page
    from loadtest.experiments.results import RESULTS, write_results

    write_results(found, folder / RESULTS)
    write_page(found, folder / PAGE)


def _stores(text: str | None) -> tuple[str, ...]:
    from loadtest.experiments.definition import STORES

    named = tuple(part.strip() for part in text.split(",")) if text else ()
    if unknown := set(named) - set(STORES):
        raise click.UsageError(f"--stores: {', '.join(sorted(unknown))}: no such store; there are {', '.join(STORES)}")
    return named


def _experiments() -> "dict[str, Experiment]":
    from loadtest.experiments.definition import DefinitionError, read_experiments

    try:
        return read_experiments()
    except DefinitionError as error:
        raise click.UsageError(str(error)) from None


class LiveLine:
    """Shows how far it is: a line that moves where somebody watches, else one a run and one now and then."""

    def __init__(self) -> None:
        self._watched = sys.stderr.isatty()
        self._bar = ""
        self._shown = 0.0

    def begins(self, text: str, done: int, total: int) -> None:
        """Show a bar of the runs done, and what begins."""
        self._shown = 0.0
        share = done / total if total else 0.0
        full = round(share * BAR)
        self._bar = f"[{'#' * full}{' ' * (BAR - full)}] {done}/{total}  {text}" if total else text
        self._show(self._bar)

    def progress(self, progress: "Progress") -> None:
        """Show how a run goes."""
        if self._watched or progress.at - self._shown >= QUIET_SECONDS:
            self._shown = progress.at
            self._show(f"{self._bar}  {progress.at:.0f} s, {progress.accepted} taken, p99 {progress.p99_ms:.1f} ms")

    def signs(self, done: int, total: int) -> None:
        """Show how far the signing is, where somebody watches."""
        if self._watched:
            self._show(f"{self._bar}  signing, {done} of {total}")

    def end(self) -> None:
        """Leave the line."""
        if self._watched:
            click.echo("", err=True)

    def _show(self, line: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        click.echo(f"\r\x1b[K{line[:width]}" if self._watched else line, err=True, nl=not self._watched)


def _in_words(found: "Results") -> str:
    from loadtest.experiments.tables import in_short, interval, measured, verdict

    lines = [in_short(found)]
    for one in found.judgements:
        first = one.findings[0]
        lines.append(f"{verdict(one):18} {one.sentence}")
        lines.append(f"{'':18} measured {measured(first)}{f', {between}' if (between := interval(first)) else ''}")
    return "\n".join(lines)


def _exit_code(found: "Results") -> int:
    from loadtest.experiments.lab import FAILED as PREFIX

    return FAILED if any(text.startswith(PREFIX) for run in found.runs for text in run.remarks) else 0


def _as_json(value: object) -> str:
    import msgspec

    return msgspec.json.encode(value).decode()
