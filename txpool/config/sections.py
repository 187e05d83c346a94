"""The settings by section, with their types, bounds and defaults.

Names and defaults are geth's where geth has the setting, in snake case. A setting stands here from the day something
obeys it.
"""

from typing import Annotated, Literal, Self

import msgspec

from txpool.core.settings import PoolSettings

Count = Annotated[int, msgspec.Meta(ge=1)]
Bytes = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]

PORT_MAX = 65_535


class Address:
    """Where to listen, written `HOST:PORT`; port 0 takes a free one, `off` listens nowhere."""

    __slots__ = ("host", "port")

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port

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
    """What JSON-RPC lets in, whatever carries it."""

    tx_fee_cap_ether: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    allow_unprotected: bool = False
    batch_items_max: Count = 1000
    batch_response_bytes_max: Bytes = 25_000_000
    body_bytes_max: Bytes = 5 * 1024 * 1024


class HttpSettings(Section, frozen=True):
    """The HTTP listener of JSON-RPC."""

    listen: Address = Address("127.0.0.1", 8545)


class MetricsSettings(Section, frozen=True):
    """The Prometheus page, path `/metrics`."""

    listen: Address = Address("127.0.0.1", 6060)


class DevSettings(Section, frozen=True):
    """The embedded dev chain.

    `period` is seconds between blocks; 0 mines on demand only, `auto` as soon as something is pending.
    """

    enabled: bool = False
    period: Literal["auto"] | Annotated[float, msgspec.Meta(ge=0)] = "auto"
    genesis: str | None = None
    initial_blocks: Annotated[int, msgspec.Meta(ge=0)] = 0


class StoreSettings(Section, frozen=True):
    """Where transactions lie: outside the heap (`mmap`) or as plain objects (`heap`)."""

    kind: Literal["mmap", "heap"] = "mmap"


class EventsSettings(Section, frozen=True):
    """The ring that holds the latest events of the pool."""

    capacity: Count = 1 << 16


class LogSettings(Section, frozen=True):
    """The log on standard error."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Section, frozen=True):
    """All there is to set."""

    pool: PoolSettings = PoolSettings()
    rpc: RpcSettings = RpcSettings()
    http: HttpSettings = HttpSettings()
    metrics: MetricsSettings = MetricsSettings()
    dev: DevSettings = DevSettings()
    store: StoreSettings = StoreSettings()
    events: EventsSettings = EventsSettings()
    log: LogSettings = LogSettings()
