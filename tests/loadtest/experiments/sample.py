"""Results made up for tests: two arms of one experiment, three runs each."""

from loadtest.experiments.definition import Effort, Experiment, Variant
from loadtest.experiments.lab import results
from loadtest.experiments.results import Results, RunFigures

HEADLINE = Experiment(
    name="headline",
    about="Both stores under the same load.",
    seconds=60.0,
    repeats=3,
    scenario={"load": {"stages": [{"seconds": 1, "rate": 1000}]}},
    variants=(Variant(stores=("heap", "mmap")),),
    figures=("pause_p99_ms", "pause_longest_ms", "heap_peak_bytes"),
    curves=("heap_bytes",),
)
PAUSES = {"heap": (40.0, 42.0, 44.0), "mmap": (1.2, 1.3, 1.25)}


def made_up() -> Results:
    """What they come to. The heap's peak is not reported for `mmap`."""
    runs = [
        RunFigures(
            "headline",
            arm,
            repeat,
            60.0,
            {
                "pause_p99_ms": pause / 10,
                "pause_longest_ms": pause,
                **({"heap_peak_bytes": 1e9} if arm == "heap" else {}),
            },
            {"heap_bytes": [(0.0, 1e6), (60.0, 2e6 * pause)]},
            ["the run was doubtful"] if arm == "heap" else [],
        )
        for arm, pauses in PAUSES.items()
        for repeat, pause in enumerate(pauses)
    ]
    environment = {"cores": 2, "python": "3.11.7", "commit": "abc", "argv": ["somewhere"], "load_average": [0.5, 1.0]}
    return results([HEADLINE], Effort(), runs, environment, {"rate": 1000.0, "quick": False}, 1)
