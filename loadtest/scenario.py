"""What a load test is: one TOML file, typed, in which an unknown key is an error.

The tables: `[corpus]` what is sent, `[load]` how, `[head]` which blocks come meanwhile, `[stress]` what else presses on
the machine, `[server]` the settings under which our own daemon is started for it, `[thresholds]` what makes a run fail.
"""

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Whole = Annotated[int, msgspec.Meta(ge=0)]

SPARE: Final = 6.0  # standard deviations of a Poisson count that a corpus holds beyond its mean


class ScenarioError(Exception):
    """The scenario makes no sense; the message says where."""


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file."""


class Types(Part, frozen=True):
    """Weights of the transaction types. Blob transactions come from senders of their own, as pools demand."""

    legacy: NotNegative = 20
    access_list: NotNegative = 8
    dynamic_fee: NotNegative = 70
    blob: NotNegative = 0
    set_code: NotNegative = 2

    def weights(self) -> list[float]:
        """By type, 0 to 4."""
        return [self.legacy, self.access_list, self.dynamic_fee, self.blob, self.set_code]


class Calldata(Part, frozen=True):
    """A share of the transactions, and between how many bytes of calldata they have."""

    weight: Positive
    bytes_min: Whole = 0
    bytes_max: Annotated[int, msgspec.Meta(ge=0, le=120_000)] = 0


class Fees(Part, frozen=True):
    """Tips are log-normal around a median; fee caps cover a base fee that walks, so many times over."""

    tip_gwei: Positive = 1.5
    tip_sigma: NotNegative = 0.5
    base_gwei: Positive = 1.0
    base_walk: Annotated[float, msgspec.Meta(ge=0, le=0.125)] = 0.0
    headroom: Positive = 2.0


class Nonces(Part, frozen=True):
    """How far from nonce order the stream is: within which window it is shuffled, what is skipped, what comes twice."""

    shuffle_window: Whole = 0
    gap_share: Share = 0.0
    duplicate_share: Share = 0.0


class Replacements(Part, frozen=True):
    """Shares of the stream that compete for a nonce: bumped enough, not enough, or a transfer to oneself."""

    share: Share = 0.0
    underpriced_share: Share = 0.0
    cancel_share: Share = 0.0
    bump_percent: Count = 10


class Invalid(Part, frozen=True):
    """Shares of the stream that no pool takes."""

    signature_share: Share = 0.0
    chain_share: Share = 0.0
    gas_share: Share = 0.0
    overdraft_share: Share = 0.0


class Recipe(Part, frozen=True):
    """A corpus. The same recipe gives the same bytes, on any machine."""

    seed: int = 1
    transactions: Whole = 0  # 0: as many as the load needs
    senders: Count = 2000
    order: Literal["rounds", "random"] = "rounds"
    zipf: NotNegative = 0.0
    chain_id: Count = 1337
    types: Types = Types()
    calldata: tuple[Calldata, ...] = (Calldata(50), Calldata(40, 68, 68), Calldata(10, 68, 500))
    fees: Fees = Fees()
    nonces: Nonces = Nonces()
    replacements: Replacements = Replacements()
    invalid: Invalid = Invalid()


class Stage(Part, frozen=True):
    """A time at one rate, in transactions a second, or from one rate to another."""

    seconds: Positive
    rate: NotNegative = 0.0
    rate_end: NotNegative | None = None

    @property
    def last_rate(self) -> float:
        """The rate at its end."""
        return self.rate if self.rate_end is None else self.rate_end

    @property
    def transactions(self) -> float:
        """How many it sends in the mean."""
        return (self.rate + self.last_rate) / 2 * self.seconds


class Load(Part, frozen=True):
    """How the corpus is sent.

    In the open loop a request leaves at its planned moment, whatever the server does; its latency counts from there.
    In the closed loop each connection sends its next when the last is answered, to the end of the corpus (or of the
    stages): that measures throughput, and hides stalls.
    """

    loop: Literal["open", "closed"] = "open"
    transport: Literal["http", "websocket", "unix"] = "http"
    connections: Count = 64
    batch: Count = 1
    arrivals: Literal["poisson", "constant"] = "poisson"
    processes: Count = 1
    warmup_seconds: NotNegative = 0.0
    cooldown_seconds: NotNegative = 0.0
    drain_seconds: Positive = 10.0
    think_ms: NotNegative = 0.0
    lag_ms_max: Positive = 5.0
    late_ms: Positive = 50.0
    stages: tuple[Stage, ...] = ()

    @property
    def seconds(self) -> float | None:
        """How long it lasts; None: to the end of the corpus."""
        return sum(stage.seconds for stage in self.stages) or None


class Head(Part, frozen=True):
    """Blocks and reorgs made meanwhile, on a chain that can be told to make them."""

    block_seconds: NotNegative = 0.0
    reorg_every: Whole = 0
    reorg_depth: Count = 1
    mine_method: str = "dev_mine"
    reorg_method: str = "dev_reorg"


class Stress(Part, frozen=True):
    """What presses on the machine beside the load: processes that compute, and one that writes over so much memory.

    They are niced by `nice`, so that at 19 they take what nobody else wants.
    """

    cpu_burners: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    memory_bytes: Whole = 0
    nice: Annotated[int, msgspec.Meta(ge=0, le=19)] = 0


class Server(Part, frozen=True):
    """How our own daemon is set when the harness starts it: `section.key` to value, as after `--set`."""

    set: Mapping[str, str | int | float | bool] = {}
    store: str | None = None


class Thresholds(Part, frozen=True):
    """What must hold in the steady part of a run; its exit code is 1 where one does not."""

    accepted_share_min: Share | None = None
    tps_min: NotNegative | None = None
    p50_ms_max: NotNegative | None = None
    p99_ms_max: NotNegative | None = None
    p999_ms_max: NotNegative | None = None
    late_max: Whole | None = None
    errors_max: Whole | None = 0
    gc_pause_ms_max: NotNegative | None = None
    unexpected_share_max: Share | None = None


class Scenario(Part, frozen=True):
    """The whole file."""

    name: str
    about: str = ""
    corpus: Recipe = Recipe()
    load: Load = Load()
    head: Head = Head()
    stress: Stress = Stress()
    server: Server = Server()
    thresholds: Thresholds = Thresholds()

    @property
    def transactions(self) -> int:
        """How many the corpus holds."""
        if self.corpus.transactions:
            return self.corpus.transactions
        mean = sum(stage.transactions for stage in self.load.stages)
        return math.ceil(mean + SPARE * math.sqrt(mean * self.load.batch)) + self.load.batch * self.load.processes


def read_scenario(path: Path, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """Read a scenario; `overrides` are values by dotted key that stand above the file.

    Raises:
        ScenarioError: the file cannot be read, is no TOML, or says what cannot be.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: is no TOML: {error}") from None
    for key, value in (overrides or {}).items():
        _put(document, key, value)
    try:
        return scenario_of(document)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{path}: {error}") from None


def scenario_of(document: Mapping[str, Any]) -> Scenario:
    """Take the tables of a scenario.

    Raises:
        msgspec.ValidationError: they say what cannot be.
    """
    scenario = msgspec.convert(document, Scenario)
    if fault := _fault(scenario):
        raise msgspec.ValidationError(fault)
    return scenario


def override(text: str) -> tuple[str, object]:
    """Read `section.key=value`, the value as TOML or as plain text.

    Raises:
        ScenarioError: there is no `=` in it.
    """
    key, equals, value = text.partition("=")
    if not equals:
        raise ScenarioError(f"{text!r} is not KEY=VALUE")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def _put(document: dict[str, Any], key: str, value: object) -> None:
    *tables, name = key.split(".")
    for table in tables:
        document = document.setdefault(table, {})
        if not isinstance(document, dict):
            raise ScenarioError(f"{key}: {table} is no table")
    document[name] = value


def _fault(scenario: Scenario) -> str | None:
    load, corpus = scenario.load, scenario.corpus
    if load.loop == "open" and not any(stage.transactions for stage in load.stages):
        return "load.stages: an open loop needs a stage with a rate"
    if not scenario.transactions or (load.loop == "closed" and not corpus.transactions):
        return "corpus.transactions: a closed loop needs to know how many"
    if load.seconds is not None and load.warmup_seconds + load.cooldown_seconds >= load.seconds:
        return "load: warm-up and cool-down leave no time to measure"
    if not any(corpus.types.weights()):
        return "corpus.types: one weight at least has to be above 0"
    if any(size.bytes_min > size.bytes_max for size in corpus.calldata):
        return "corpus.calldata: bytes_min is above bytes_max"
    if load.connections < load.processes:
        return "load: fewer connections than processes"
    return None
