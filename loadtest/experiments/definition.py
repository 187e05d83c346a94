"""What an experiment is: one TOML file, typed. It varies the store, the settings or the load, and holds the rest fixed.

An experiment runs our daemon under a load (`[scenario]`, as in configs/load), or a benchmark in a process of its own
(`[bench]`). Each variant on each of its stores is an *arm*; the runs of all arms alternate.
"""

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

import msgspec

from loadtest.scenario import Count, NotNegative, Part, Positive, Scenario, scenario_of

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "configs/experiments"
# The interpreter as it comes: that the daemon freezes itself is a rival's trick here, and set where it is meant.
PLAIN: Final = MappingProxyType({"gc.freeze": False})
# Every store that the daemon has, the control first: what others are compared with.
STORES: Final = ("heap", "cache", "untracked", "mmap")

Table = Mapping[str, Any]


class DefinitionError(Exception):
    """The experiment makes no sense; the message says where."""


class Variant(Part, frozen=True):
    """One way to run it.

    `set` are settings of the daemon; `scenario` and `arguments` come on top of the experiment's. `pages` is the kind
    that its slabs lie on: root has the system grant them for the length of a run, for the whole of `store.limit_bytes`.
    """

    name: str = ""
    stores: tuple[str, ...] = ()
    set: Mapping[str, str | int | float | bool] = {}
    pages: Literal["", "normal", "transparent", "hugetlb"] = ""
    scenario: Table = msgspec.field(default_factory=dict)
    arguments: tuple[str, ...] = ()


class Bench(Part, frozen=True):
    """A benchmark that tells its figures as JSON: `python -m bench NAME ARGUMENTS --json`, mostly into a file."""

    name: str
    prints: bool = False  # its JSON, instead of writing it into a file
    arguments: tuple[str, ...] = ()
    seed_option: str = ""  # what hands it the number of the repeat, where it draws by chance
    store_option: str = ""  # empty: one run tells of all arms, each under its name
    arms: str = ""  # under which key of the JSON they are; empty: at its top
    arm_keys: tuple[str, ...] = ()  # where they are rows of a list: what names each
    quick: tuple[str, ...] = ()  # arguments on top for a short run


class Quick(Part, frozen=True):
    """What is less in a short run."""

    seconds: Positive = 4.0
    repeats: Count = 1
    stores: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()


class Experiment(Part, frozen=True):
    """The whole file."""

    name: str
    about: str
    seed: int = 1
    seconds: Positive = 60.0  # a run of the daemon; of a benchmark, about how long it takes
    repeats: Count = 5
    long_seconds: NotNegative = 0.0  # one run more for each arm, this long
    scenario: Table | None = None
    bench: Bench | None = None
    variants: Annotated[tuple[Variant, ...], msgspec.Meta(min_length=1)] = (Variant(),)
    figures: tuple[str, ...] = ()
    curves: tuple[str, ...] = ()
    quick: Quick = Quick()


class Arm(msgspec.Struct, frozen=True):
    """A variant on a store; no store where a run tells of all."""

    store: str
    variant: Variant

    @property
    def name(self) -> str:
        """As tables and claims call it."""
        return ", ".join(part for part in (self.store, self.variant.name) if part)


class Effort(msgspec.Struct, frozen=True):
    """How much of an experiment is done; None leaves it to its file."""

    quick: bool = False
    repeats: int | None = None
    seconds: float | None = None
    long_seconds: float | None = None
    stores: tuple[str, ...] = ()
    rate: float | None = None  # transactions a second, at most; None: as many as the machine holds

    def repeats_of(self, experiment: Experiment) -> int:
        """Runs of each arm."""
        return self.repeats or (experiment.quick.repeats if self.quick else experiment.repeats)

    def seconds_of(self, experiment: Experiment) -> float:
        """How long each lasts; a benchmark as long as it takes."""
        asked = None if experiment.bench else self.seconds
        return asked or (experiment.quick.seconds if self.quick else experiment.seconds)

    def long_seconds_of(self, experiment: Experiment) -> float:
        """How long the one long run of each arm lasts, where an experiment has such; 0 for none."""
        if self.long_seconds is None:
            return 0.0 if self.quick else experiment.long_seconds
        return self.long_seconds if experiment.long_seconds else 0.0

    def arms_of(self, experiment: Experiment) -> list[Arm]:
        """Every variant on every store that it is for and that was asked for."""
        wanted = self.stores or (experiment.quick.stores if self.quick else ()) or STORES
        chosen = experiment.quick.variants if self.quick else ()
        variants = [one for one in experiment.variants if not chosen or one.name in chosen]
        if experiment.bench and not experiment.bench.store_option:
            return [Arm("", one) for one in variants]
        return [Arm(store, one) for one in variants for store in one.stores or STORES if store in wanted]

    def planned_seconds(self, experiment: Experiment) -> float:
        """About how long it takes, what comes before and after each run included."""
        arms, long = len(self.arms_of(experiment)), self.long_seconds_of(experiment)
        around = AROUND_SECONDS if experiment.scenario else 0.0
        each = self.seconds_of(experiment) + around
        return arms * (self.repeats_of(experiment) * each + (long + around if long else 0.0))


AROUND_SECONDS: Final = 5.0  # to start a daemon, to hear the last answers, to stop it


def read_experiments(folder: Path = FOLDER) -> dict[str, Experiment]:
    """Read all files of a folder; by name, in the order in which they are told.

    Raises:
        DefinitionError: there are none, or one of them makes no sense.
    """
    found = {one.name: one for one in map(read_experiment, sorted(folder.glob("*.toml")))}
    if not found:
        raise DefinitionError(f"{folder}: holds no experiments; they come with the source tree")
    return found


def read_experiment(path: Path) -> Experiment:
    """Read one file.

    Raises:
        DefinitionError: it is no TOML, or says what cannot be.
    """
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Experiment)
        for fault in _faults(found):
            raise DefinitionError(f"{path}: {fault}")
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise DefinitionError(f"{path}: {error}") from None
    return found


def _faults(experiment: Experiment) -> Iterator[str]:
    if (experiment.scenario is None) == (experiment.bench is None):
        yield "an experiment has either a scenario or a bench"
    names = [variant.name for variant in experiment.variants]
    if len(set(names)) < len(names):
        yield "variants: two of one name"
    if unknown := {store for variant in experiment.variants for store in variant.stores} - set(STORES):
        yield f"variants: no such store: {', '.join(sorted(unknown))}"
    if unknown := set(experiment.quick.variants) - set(names):
        yield f"quick.variants: no such variant: {', '.join(sorted(unknown))}"
    if any(variant.pages and "store.limit_bytes" not in variant.set for variant in experiment.variants):
        yield "variants: pages are granted for store.limit_bytes, so set it"
    for variant in experiment.variants if experiment.scenario else ():
        try:
            scenario_for(experiment, Arm(STORES[0], variant), experiment.seconds, share=1.0)
        except msgspec.ValidationError as error:
            yield f"variant {variant.name!r}: {error}"


def scenario_for(experiment: Experiment, arm: Arm, seconds: float, *, share: float) -> Scenario:
    """The load of an arm: so long, at this share of the rates that the file asks for.

    Raises:
        msgspec.ValidationError: it says what cannot be.
    """
    table = merged(experiment.scenario or {}, arm.variant.scenario)
    table = merged({"corpus": {"seed": experiment.seed}, "name": experiment.name, "about": experiment.about}, table)
    pages = {"slab.pages": arm.variant.pages} if arm.variant.pages else {}
    table = merged(table, {"server": {"store": arm.store, "set": {**PLAIN, **pages, **arm.variant.set}}})
    return _scaled(scenario_of(table), seconds, share)


def _scaled(scenario: Scenario, seconds: float, share: float) -> Scenario:
    load = scenario.load
    stretch = seconds / (load.seconds or seconds)
    stages = tuple(
        msgspec.structs.replace(
            stage,
            seconds=stage.seconds * stretch,
            rate=stage.rate * share,
            rate_end=None if stage.rate_end is None else stage.rate_end * share,
        )
        for stage in load.stages
    )
    around = {name: getattr(load, name) * stretch for name in ("warmup_seconds", "cooldown_seconds")}
    return msgspec.structs.replace(scenario, load=msgspec.structs.replace(load, stages=stages, **around))


def top_rate(experiment: Experiment) -> float:
    """The highest rate that any arm asks for, transactions a second; 0 for a benchmark."""
    if experiment.scenario is None:
        return 0.0
    scenarios = [
        scenario_for(experiment, Arm(STORES[0], variant), experiment.seconds, share=1.0)
        for variant in experiment.variants
    ]
    return max(max(stage.rate, stage.last_rate) for one in scenarios for stage in one.load.stages)


def merged(below: Table, above: Table) -> dict[str, Any]:
    """Two tables as one; what `above` says stands, table by table."""
    both = dict(below)
    for key, value in above.items():
        held = both.get(key)
        both[key] = merged(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return both


def in_words(seconds: float) -> str:
    """A duration for people."""
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    return f"{math.ceil(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def ordered(experiments: Mapping[str, Experiment], names: Sequence[str]) -> list[Experiment]:
    """Those that are named, or all."""
    return [experiments[name] for name in names] if names else list(experiments.values())
