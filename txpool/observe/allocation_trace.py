"""Records the allocations of the running process for a while, and tells of the large ones.

memray records: while it does, it sees every call and return of Python code in all threads and every allocation, and
each costs a little more. What it writes goes to a file without a name, so that nothing is left behind whatever happens.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Coroutine
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic
from types import ModuleType
from typing import IO, Any, Final

import msgspec

from txpool.observe import capture

LOG: Final = logging.getLogger(__name__)

FILE_BYTES_MAX: Final = 64 * 1024 * 1024  # some 16 million allocations and frees
LOOK_SECONDS: Final = 0.1  # between looks at the size of the file
READ_SECONDS_MAX: Final = 50.0
FOLDER_MODE: Final = 0o700
ROOT: Final = Path(__file__).parents[2]

MISSING: Final = (
    "memray is not installed where the daemon runs; pip install -r requirements/trace.txt there, or "
    "make install TRACE=1 (docs/tracing.md)"
)
RUNNING: Final = "a trace is running, and there is one at a time"
STOPPING: Final = "the daemon is stopping"


class Trace(msgspec.Struct, frozen=True, rename="camel"):
    """What a trace has found.

    Attributes:
        seconds: how long was recorded.
        held_up_seconds: for how long the loop stood still, at the beginning and at the end together.
        min_bytes: allocations below it are not told.
        ended: `time`, or `full`: the file had reached its limit.
        file_bytes: what was recorded.
        found: a `Capture`.
    """

    seconds: float
    held_up_seconds: float
    min_bytes: int
    ended: str
    file_bytes: int
    found: msgspec.Raw


class AllocationTracer:
    """Traces when it is asked to, one at a time.

    Args:
        folder: where the recording is written; made if need be.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._work: asyncio.Future[Trace | str] | None = None
        self._stopped = False

    async def trace(self, seconds: float, min_bytes: int) -> Trace | str:
        """Record for so long, then read; or, in words, why there is no trace."""
        if self._ends():
            return STOPPING
        if self._work is not None:
            return RUNNING
        self._work = asyncio.ensure_future(self._traced(seconds, min_bytes))
        try:
            return await self._work
        except asyncio.CancelledError:
            if self._ends():
                return STOPPING
            raise
        finally:
            self._work = None

    def stop(self) -> None:
        """End a trace that is under way, and begin no other."""
        self._stopped = True
        if self._work is not None:
            self._work.cancel()

    def _ends(self) -> bool:
        return self._stopped

    async def _traced(self, seconds: float, min_bytes: int) -> Trace | str:
        try:
            memray = await asyncio.to_thread(import_module, "memray")  # it takes a while
        except ImportError:
            return MISSING
        try:
            with _nameless_file(self._folder) as file:
                return await _trace_into(file, memray, seconds, min_bytes)
        except (OSError, RuntimeError) as error:  # no room, no right to write; another one's tracker
            LOG.warning("a trace of allocations broke: %s", error)
            return f"the trace broke: {error}"


async def _trace_into(file: IO[bytes], memray: ModuleType, seconds: float, min_bytes: int) -> Trace | str:
    LOG.info("tracing allocations of %d bytes and more for %g s", min_bytes, seconds)
    # Compressing would take the loop's time at the end.
    target = memray.FileDestination(_path_of(file), overwrite=True, compress_on_exit=False)
    tracker = await asyncio.to_thread(memray.Tracker, destination=target)
    begun = monotonic()
    with tracker:
        started = monotonic()
        ended = await _recorded(file, started + seconds)
        stopped = monotonic()
    done = monotonic()
    read = await _in_time(_read(file, min_bytes))
    if isinstance(read, str):
        return read
    size = os.fstat(file.fileno()).st_size
    LOG.info("traced for %.1f s, %d bytes, which took %.1f s to read", stopped - started, size, monotonic() - done)
    return Trace(
        seconds=round(stopped - started, 3),
        held_up_seconds=round(started - begun + done - stopped, 6),
        min_bytes=min_bytes,
        ended=ended,
        file_bytes=size,
        found=msgspec.Raw(read),
    )


def _nameless_file(folder: str) -> IO[bytes]:
    path = Path(folder).expanduser()
    path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    return TemporaryFile(dir=path)


def _path_of(file: IO[bytes]) -> str:
    return f"/proc/self/fd/{file.fileno()}"


async def _recorded(file: IO[bytes], until: float) -> str:
    """Wait until the time is over or the file is full; which it was."""
    while (left := until - monotonic()) > 0:
        if os.fstat(file.fileno()).st_size >= FILE_BYTES_MAX:
            return "full"
        await asyncio.sleep(min(left, LOOK_SECONDS))
    return "time"


async def _in_time(reading: Coroutine[Any, Any, bytes | str]) -> bytes | str:
    try:
        async with asyncio.timeout(READ_SECONDS_MAX):
            return await reading
    except TimeoutError:
        return f"reading the recording took longer than {READ_SECONDS_MAX:g} s; trace for fewer seconds"


async def _read(file: IO[bytes], min_bytes: int) -> bytes | str:
    """Have another process read it; a `Capture` as JSON."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-m", capture.__name__, _path_of(file), str(min_bytes)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        pass_fds=(file.fileno(),),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        told, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 0:
        return told
    LOG.error("reading a trace broke: %s", complaint.decode("utf-8", "replace")[-4096:])
    return "reading the recording broke; the log says why"
