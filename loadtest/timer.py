"""A timer for event loops, precise to microseconds. libuv rounds to milliseconds: too coarse for latencies under one.

The kernel's timerfd, watched like a socket. Python has it from 3.13 on; before that libc is asked.
"""

import asyncio
import ctypes
import os
import time
from collections.abc import Callable
from typing import Final

SECOND: Final = 1_000_000_000
_ABSOLUTE: Final = 1  # TFD_TIMER_ABSTIME
_libc: Final = ctypes.CDLL(None, use_errno=True)


class _Setting(ctypes.Structure):
    """`struct itimerspec`: period and first expiry, each as seconds and nanoseconds."""

    _fields_ = (
        ("period_s", ctypes.c_long),
        ("period_ns", ctypes.c_long),
        ("first_s", ctypes.c_long),
        ("first_ns", ctypes.c_long),
    )


class Timer:
    """Calls back once, at a moment of the monotonic clock; setting it anew forgets the last."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop = loop
        self._callback = callback
        self._setting = _Setting()
        self._fd: int = _libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        loop.add_reader(self._fd, self._expired)

    def set(self, at: int) -> None:
        """Expire at `at`, in nanoseconds of `time.monotonic_ns`; at once where that has passed."""
        self._setting.first_s, self._setting.first_ns = divmod(max(at, 1), SECOND)
        if _libc.timerfd_settime(self._fd, _ABSOLUTE, ctypes.byref(self._setting), None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def close(self) -> None:
        """Give it back."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _expired(self) -> None:
        os.read(self._fd, 8)
        self._callback()
