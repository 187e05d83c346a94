"""Talking to the service manager: sd_notify(3), in plain Python.

One datagram a message, to the socket that `NOTIFY_SOCKET` names. Started by hand the variable is absent and every
message goes nowhere, so the daemon need not ask how it was started. Nothing here raises when the manager does not
listen: a pool does not stop for that.

Source: the manual page sd_notify(3), part "Notes": the protocol is stable and may be reimplemented.
"""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

_MICROSECONDS: Final = 1_000_000


class Notifier:
    """The way to the service manager, if there is one.

    Args:
        environment: where `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` are looked up.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) if self._address else None
        if self._socket:
            self._socket.setblocking(False)  # noqa: FBT003 (the socket's own signature)
        self.watchdog_seconds = _watchdog_seconds(environment)

    def ready(self, status: str) -> None:
        """Starting, or reloading, is done."""
        self._send("READY=1", f"STATUS={status}")

    def stopping(self, status: str) -> None:
        """The stop has begun."""
        self._send("STOPPING=1", f"STATUS={status}")

    def status(self, status: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={status}")

    def alive(self) -> None:
        """Feed the watchdog. To be called every half `watchdog_seconds`, only while all is well."""
        self._send("WATCHDOG=1")

    def unhealthy(self, status: str) -> None:
        """Ask to be killed and restarted at once, as if the watchdog had run out."""
        self._send("WATCHDOG=trigger", f"STATUS={status}")

    def need_more_time(self, seconds: float) -> None:
        """Starting or stopping goes on: do not lose patience for that long from now."""
        self._send(f"EXTEND_TIMEOUT_USEC={round(seconds * _MICROSECONDS)}")

    def close(self) -> None:
        """Close the socket; later messages go nowhere."""
        if self._socket:
            self._socket.close()
            self._socket = None

    def _send(self, *fields: str) -> None:
        if self._socket:
            message = "\n".join(field.replace("\n", " ") for field in fields)
            with suppress(OSError):
                self._socket.sendto(message.encode(), self._address)


def _address(name: str) -> str:
    """Turn systemd's spelling into the kernel's: `@` begins a name in the abstract namespace."""
    return "\0" + name[1:] if name.startswith("@") else name


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """How often the manager wants to hear `alive`, at the latest. None: no watchdog, or one for another process."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    interval = environment.get("WATCHDOG_USEC")
    return int(interval) / _MICROSECONDS if interval else None
