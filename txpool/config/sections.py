"""The settings by section, with their types, bounds and defaults.

Names and defaults are geth's where geth has the setting, in snake case. A setting stands here from the day something
obeys it.
"""

from typing import Annotated, Final, Literal, Self

import msgspec

from txpool.core.settings import PoolSettings

Count = Annotated[int, msgspec.Meta(ge=1)]
Bytes = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]

NotNegative = Annotated[int, msgspec.Meta(ge=0)]

PORT_MAX: Final = 65_535
SLAB_BYTES: Final = 2 << 20


class Address:
    """Where to listen, written `HOST:PORT`; port 0 takes a free one, `off` listens nowhere.

    A `spare` one nobody has asked for: where it is taken, the daemon does without.
    """

    __slots__ = ("host", "port", "spare")

    def __init__(self, host: str, port: int, *, spare: bool = False) -> None:
        self.host = host
        self.port = port
        self.spare = spare

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read `127.0.0.1:8545`, `[::1]:8545`, `localhost:0` or `off`.

        Raises:
            ValueError: it is none of these.
        """
        if text == "off":
            return cls("", 0)
        host, colon, port = str(text).rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not (isinstance(text, str) and colon and host and port.isascii() and port.isdigit()) or int(port) > PORT_MAX:
            raise ValueError("Expected `HOST:PORT` (as in 127.0.0.1:8545) or `off`")
        return cls(host, int(port))

    @property
    def off(self) -> bool:
        """Whether nothing shall listen."""
        return not self.host

    def __str__(self) -> str:
        if self.off:
            return "off"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and (self.host, self.port) == (other.host, other.port)

    def __hash__(self) -> int:
        return hash((self.host, self.port))


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the configuration file."""


class RpcSettings(Section, frozen=True):
    """What JSON-RPC lets in, whatever carries it.

    `compat = "geth"` answers six refusals with the hash, as geth does while it tracks local transactions.
    """

    tx_fee_cap_ether: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    allow_unprotected: bool = False
    compat: Literal["none", "geth"] = "none"
    batch_items_max: Count = 1000
    batch_response_bytes_max: Bytes = 25_000_000
    body_bytes_max: Bytes = 5 * 1024 * 1024
    sync_default_seconds: Seconds = 20.0
    sync_max_seconds: Seconds = 60.0
    sync_waiting_max: Count = 16_384
    filters_max: Count = 4096
    filter_idle_seconds: Seconds = 300.0


class SubscriptionsSettings(Section, frozen=True):
    """What is kept for readers of subscriptions and filters that lag; all of them share it.

    So many messages of each kind, and so many bytes of those that are more than a hash. A subscription that falls
    further behind costs its reader the connection, a filter is not found any more.
    """

    messages_max: Count = 65_536
    bytes_max: Bytes = 64 * 1024 * 1024


class HttpSettings(Section, frozen=True):
    """The HTTP listener of JSON-RPC, and what one peer may take of it.

    `vhosts` and `cors_domain` are host names and origins that browsers may use; `*` is any. `drain_seconds` is how long
    a stop waits for the answers that are owed.
    """

    listen: Address = Address("127.0.0.1", 8545)
    vhosts: tuple[str, ...] = ("localhost",)
    cors_domain: tuple[str, ...] = ()
    connections_max: Count = 4096
    requests_max: Count = 128
    head_seconds: Seconds = 10.0
    body_seconds: Seconds = 30.0
    idle_seconds: Seconds = 120.0
    write_seconds: Seconds = 30.0
    drain_seconds: Seconds = 30.0


class WsSettings(Section, frozen=True):
    """The WebSocket listener of JSON-RPC, and what one peer may take of it.

    `origins` are those of pages in a browser that may connect, as geth reads them; `*` is any. A quiet peer is asked
    for a sign of life every `ping_seconds` and has `pong_seconds` for it.
    """

    listen: Address = Address("127.0.0.1", 8546, spare=True)
    origins: tuple[str, ...] = ()
    message_bytes_max: Bytes = 32 * 1024 * 1024
    connections_max: Count = 4096
    requests_max: Count = 128
    subscriptions_max: Count = 1024
    handshake_seconds: Seconds = 10.0
    ping_seconds: Seconds = 30.0
    pong_seconds: Seconds = 30.0
    write_seconds: Seconds = 30.0


class IpcSettings(Section, frozen=True):
    """The Unix socket of JSON-RPC, which only the owner of the process may open, and what one peer may take of it.

    Without a `path` it is `txpool.ipc` in the folder for data; `off` is nowhere.
    """

    path: str | None = None
    message_bytes_max: Bytes = 32 * 1024 * 1024
    connections_max: Count = 4096
    requests_max: Count = 128
    subscriptions_max: Count = 1024
    write_seconds: Seconds = 30.0


class IngestSettings(Section, frozen=True):
    """From bytes to verdicts: how much is judged in one go, how much may wait, and what decodes and recovers senders.

    `inline_max` counts senders that are recovered one by one; where the kernel takes several at a time, four times as
    many are. `kernel` is `auto`, the native one where it is built, or `python`, its twin.
    """

    batch_max: Count = 64
    inline_max: NotNegative = 32
    threads: NotNegative = 2
    queue_max: Count = 16_384
    queue_bytes_max: Bytes = 128 * 1024 * 1024
    kernel: Literal["auto", "python"] = "auto"


class MetricsSettings(Section, frozen=True):
    """The Prometheus page, path `/metrics`."""

    listen: Address = Address("127.0.0.1", 6060, spare=True)


class DevSettings(Section, frozen=True):
    """The embedded dev chain.

    `period` is seconds between blocks; 0 mines on demand only, `auto` as soon as something is pending. `tip_min` is the
    least tip that a block takes, in wei (geth's `miner.gasprice`). So many blocks with so many transactions are kept; a
    reorg reaches `state_blocks` deep. `private` keeps its methods (`dev_mine`, `dev_reorg`, `dev_check`) to the Unix
    socket.
    """

    enabled: bool = False
    private: bool = False
    period: Literal["auto"] | Annotated[float, msgspec.Meta(ge=0)] = "auto"
    genesis: str | None = None
    initial_blocks: NotNegative = 0
    tip_min: NotNegative = 1
    history_blocks: Count = 10_000
    history_transactions: Count = 500_000
    state_blocks: Count = 128


class StoreSettings(Section, frozen=True):
    """Where transactions lie, and the most they may take.

    Outside the heap (`mmap`); in buffers that are used again (`cache`); as plain objects (`heap`); as objects that the
    collector does not look at (`untracked`). `cache_generation`: which collections age the cache, from this one up.
    """

    kind: Literal["mmap", "cache", "heap", "untracked"] = "mmap"
    limit_bytes: Annotated[int, msgspec.Meta(ge=SLAB_BYTES)] = 4 * 1024**3
    cache_generation: Annotated[int, msgspec.Meta(ge=0, le=2)] = 2


class SlabSettings(Section, frozen=True):
    """The memory of the mmap store: the best kind of pages to ask for; where there are none, the next one serves.

    `numa` is the memory node that it should come from; `auto` is that of the processor which the pool starts on, where
    there is more than one. `scavenge_seconds` lie between two rounds that return free pages to the system; 0: none do.
    """

    pages: Literal["hugetlb", "transparent", "normal"] = "hugetlb"
    numa: Literal["auto", "off"] | NotNegative = "auto"
    scavenge_seconds: Annotated[float, msgspec.Meta(ge=0)] = 1.0


class GcSettings(Section, frozen=True):
    """The cyclic garbage collector of the interpreter.

    `thresholds` are those of its three generations, without them the interpreter's own. `freeze` collects once when all
    is built and lets it look at none of that again.
    """

    enabled: bool = True
    thresholds: tuple[NotNegative, NotNegative, NotNegative] | None = None
    freeze: bool = True


class MemorySettings(Section, frozen=True):
    """Limits on what the process holds of memory, heap and slabs, in resident bytes; 0 is none.

    Above the soft one it grows no further, above the hard one nothing new is taken until it is below the soft one.
    """

    soft_bytes: NotNegative = 0
    hard_bytes: NotNegative = 0
    sample_seconds: Seconds = 1.0
    relief_seconds: Seconds = 10.0


class GovernorSettings(Section, frozen=True):
    """What is done when submissions take too long.

    Above `latency_seconds` (end to end, the 99th percentile over `window_seconds`, of `answers_min` at least) for
    `hold_seconds` it steps down, up to `calm_seconds` for `recover_seconds` up again; a step up that does not last
    doubles that, to `recover_seconds_max`. A step down takes `batch_max` transactions in a turn, asks for
    `tip_factor` times the least tip and `tip_min` wei at least.
    """

    enabled: bool = False
    latency_seconds: Seconds = 0.05
    calm_seconds: Seconds = 0.02
    hold_seconds: Seconds = 5.0
    recover_seconds: Seconds = 30.0
    recover_seconds_max: Seconds = 600.0
    sample_seconds: Seconds = 1.0
    window_seconds: Seconds = 5.0
    answers_min: Count = 20
    batch_max: Count = 16
    tip_factor: Count = 10
    tip_min: NotNegative = 1_000_000_000


class WatchSettings(Section, frozen=True):
    """The watch over collector, memory and loop: how often it looks, what it reports.

    A report is made when one collection takes `pause_seconds`, the loop is late by `lag_seconds`, private memory grows
    by `heap_bytes_per_second`, or one source other than submissions is called `calls_per_second` over five seconds. So
    many of them are kept.
    """

    sample_seconds: Annotated[float, msgspec.Meta(ge=0.01, le=1.0)] = 0.25
    pause_seconds: Seconds = 0.1
    lag_seconds: Seconds = 0.2
    heap_bytes_per_second: Bytes = 50_000_000
    calls_per_second: Annotated[float, msgspec.Meta(gt=0)] = 1000.0
    reports_max: Count = 64


class EventsSettings(Section, frozen=True):
    """The ring that holds the latest events of the pool, 128 bytes each."""

    capacity: Count = 1 << 16


class DataSettings(Section, frozen=True):
    """Files. `dir` is the folder for them; a `~` in either is the user's home.

    `input_log` takes everything that the pool is given, for a replay; a relative path is one in `dir`. A start that
    finds the file there is refused, so each needs another name. On a full disk the recording ends, and nothing else.
    """

    dir: str = "~/.txpool"
    input_log: str | None = None


class LogSettings(Section, frozen=True):
    """The log on standard error."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Section, frozen=True):
    """All there is to set."""

    pool: PoolSettings = PoolSettings()
    rpc: RpcSettings = RpcSettings()
    http: HttpSettings = HttpSettings()
    ws: WsSettings = WsSettings()
    ipc: IpcSettings = IpcSettings()
    subscriptions: SubscriptionsSettings = SubscriptionsSettings()
    metrics: MetricsSettings = MetricsSettings()
    dev: DevSettings = DevSettings()
    ingest: IngestSettings = IngestSettings()
    store: StoreSettings = StoreSettings()
    slab: SlabSettings = SlabSettings()
    gc: GcSettings = GcSettings()
    memory: MemorySettings = MemorySettings()
    governor: GovernorSettings = GovernorSettings()
    events: EventsSettings = EventsSettings()
    watch: WatchSettings = WatchSettings()
    data: DataSettings = DataSettings()
    log: LogSettings = LogSettings()

    @property
    def deaf(self) -> bool:
        """Whether nobody could reach the daemon."""
        return self.http.listen.off and self.ws.listen.off and self.ipc.path == "off"
