"""Results as rows of text, for the page and the document alike: claims, figures, on what it was measured. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from loadtest.experiments.definition import in_words
from loadtest.experiments.figures import unit_of
from loadtest.experiments.judge import Finding, Judgement, Verdict
from loadtest.experiments.results import Results, Summary, Told

Row = Sequence[str]

CLAIM_HEAD: Final = ("claim", "claimed", "measured", "95 % interval", "verdict", "why")
FEW: Final = (
    " Where there was one run of an arm, nothing is told from chance; where it lasted seconds, figures of a whole"
    " process are mostly those of the interpreter."
)
COLUMNS_MAX: Final = 6  # of arms
REMARK_P99: Final = (
    "Percentiles of pauses stand per generation and over all collections. Full collections (generation 2) are rare, so"
    " a P99 over all of them falls among the young ones (of fewer than a hundred it is the longest, whatever that is);"
    " what a full one takes is in the longest pause and in the P99"
    " of generation 2 (0 where there was none). The P99s are read from a histogram whose bounds double: they are no"
    " better than that."
)


def claim_rows(results: Results) -> Iterator[Row]:
    """A row for each claim, by the reading that decides."""
    for judgement in results.judgements:
        first = judgement.findings[0]
        yield (
            judgement.sentence,
            judgement.told,
            f"{first.about}, {unit_of(first.figure).about}: {measured(first)}",
            interval(first),
            verdict(judgement),
            judgement.why,
        )


def reading_rows(judgement: Judgement) -> Iterator[Row]:
    """A row for each reading of a claim."""
    for finding in judgement.findings:
        yield (
            f"{finding.about}, {unit_of(finding.figure).about}",
            finding.expected,
            measured(finding),
            interval(finding),
            finding.verdict,
        )


def measured(finding: Finding) -> str:
    """Both sides and their ratio, or the value."""
    unit = unit_of(finding.figure)
    if finding.verdict is Verdict.NOT_MEASURED:
        return "not reported"
    if finding.before is None:
        return unit.written(finding.after)
    both = f"{unit.written(finding.before)} -> {unit.written(finding.after)}"
    return both if finding.measured is None else f"{both} (ratio {finding.measured:.3g})"


def interval(finding: Finding) -> str:
    """Between what the ratio or the value lies."""
    if finding.low is None or finding.high is None:
        return ""
    if finding.runs == 1:
        return "one run"
    if finding.before is not None:
        return f"{finding.low:.3g} to {finding.high:.3g}"
    unit = unit_of(finding.figure)
    return f"{unit.written(finding.low)} to {unit.written(finding.high)}"


def verdict(judgement: Judgement) -> str:
    """The word, and whether it rests on few runs."""
    return f"{judgement.verdict} (few runs)" if judgement.tentative else str(judgement.verdict)


def figure_rows(results: Results, told: Told, *, long: bool = False) -> Iterator[Row]:
    """A row for each figure, a column for each arm, or the other way round where arms are many; a head before."""
    known = results.figures_of(told.name, long=long)
    shown = [name for name in told.figures if long is False or name in known] or known
    if not known:
        return
    rows = [("", *told.arms)]
    for figure in shown:
        found = [results.summary(told.name, arm, figure, long=long) for arm in told.arms]
        if any(found):
            rows.append((unit_of(figure).about, *map(_cell, found)))
    yield from zip(*rows, strict=True) if len(told.arms) > COLUMNS_MAX else rows


def _cell(found: Summary | None) -> str:
    if found is None:
        return "not reported"
    unit = unit_of(found.figure)
    if found.runs == 1 or found.low == found.high:
        return unit.written(found.median)
    return f"{unit.written(found.median)} ({unit.written(found.low)} to {unit.written(found.high)})"


def environment_rows(environment: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[Row]:
    """On what, and how."""
    for name, value in {**environment, **settings}.items():
        yield (name.replace("_", " "), str(value))


def in_short(results: Results) -> str:
    """On what it was measured, in one sentence."""
    told = results.environment
    efforts = ", ".join(_effort(results, one) for one in results.experiments)
    rate = max((one.rate for one in results.experiments), default=0.0)
    return (
        f"Measured on {told.get('cores')} cores of {told.get('processor') or 'an unknown processor'}, Python"
        f" {told.get('python')}, Linux {told.get('kernel')}; load average before the first run {_load(results)},"
        f" at most {rate:,.0f} transactions a second, seed {results.seed}. Runs of each arm: {efforts}."
        f" {_commits(results)}"
        f"{FEW if any(one.repeats == 1 for one in results.experiments) else ''}"
    )


def _effort(results: Results, told: Told) -> str:
    long = max((run.seconds for run in results.runs if run.experiment == told.name and run.long), default=0.0)
    return f"{told.name} {told.repeats} x {in_words(told.seconds)}" + (f" and one of {in_words(long)}" if long else "")


def _load(results: Results) -> str:
    known = [one.load for one in results.experiments if one.load is not None]
    return f"at most {max(known):.1f}" if known else "unknown"


def _commits(results: Results) -> str:
    """Which state of the program each experiment ran."""
    by_commit: dict[str, list[str]] = {}
    for one in results.experiments:
        by_commit.setdefault(one.commit or "unknown", []).append(one.name)
    if len(by_commit) == 1:
        return f"At commit {next(iter(by_commit))}."
    each = (f"{commit}: {', '.join(names)}" for commit, names in by_commit.items())
    return f"At commits {'; '.join(each)}."


def remarks(results: Results, name: str) -> Iterator[str]:
    """What makes figures of an experiment doubtful, and in how many runs."""
    texts = [text for run in results.runs if run.experiment == name for text in run.remarks]
    for text in dict.fromkeys(texts):
        count = texts.count(text)
        yield f"{text} (in {count} runs)" if count > 1 else text
