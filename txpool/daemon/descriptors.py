"""How many files the process may have open: each connection is one."""

import logging
import resource
from typing import Final

from txpool.config import Settings
from txpool.daemon.listeners import SCRAPE_LIMITS

LOG: Final = logging.getLogger(__name__)

OWN: Final = 64  # loop, slabs, log, sockets that listen, connections that are one too many and only told so


def raise_limit() -> int:
    """Have as many as the system allows the process at all; how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:
        LOG.warning("the limit on open files stays at %d: %s", soft, error)
        return soft
    return hard


def warn_if_few(settings: Settings, allowed: int) -> None:
    """Say so where the listeners may take more connections than the process can have files open."""
    bounds = _connections(settings)
    needed = sum(bounds.values()) + OWN + SCRAPE_LIMITS.connections_max
    if bounds and allowed != resource.RLIM_INFINITY and needed > allowed:
        each = " and ".join(f"{key} = {count}" for key, count in bounds.items())
        LOG.warning(
            "only %d files may be open, and %s may take %d with the daemon's own: "
            "raise the limit (LimitNOFILE, ulimit -n) or lower these",
            allowed,
            each,
            needed,
        )


def _connections(settings: Settings) -> dict[str, int]:
    """The most connections of each listener that is on, by their settings."""
    listeners = {
        "http.connections_max": (settings.http.connections_max, settings.http.listen.off),
        "ws.connections_max": (settings.ws.connections_max, settings.ws.listen.off),
        "ipc.connections_max": (settings.ipc.connections_max, settings.ipc.path == "off"),
    }
    return {key: count for key, (count, is_off) in listeners.items() if not is_off}
