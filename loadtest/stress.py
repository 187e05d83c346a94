"""What presses on the machine beside a load: processes that compute without a pause, one that writes over much memory.

    python -m loadtest.stress cpu | memory BYTES

Each ends when its standard input does, so none outlives the run, however that ends.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import Final, NoReturn

import psutil

from loadtest.scenario import ScenarioError, Stress

READY: Final = b"ready\n"
END_SECONDS: Final = 5.0


@contextmanager
def stressed(stress: Stress) -> Iterator[Sequence[int]]:
    """Press for the length of a `with` block; the processes' ids. All are at work when it begins.

    Raises:
        ScenarioError: the machine has not so much memory free.
    """
    free = psutil.virtual_memory().available
    if stress.memory_bytes > free // 2:
        raise ScenarioError(f"stress.memory_bytes: {stress.memory_bytes}, and half of what is free is {free // 2}")
    jobs = [["cpu"]] * stress.cpu_burners
    if stress.memory_bytes:
        jobs.append(["memory", str(stress.memory_bytes)])
    with ExitStack() as stack:
        processes = [stack.enter_context(_at_work(job, stress.nice)) for job in jobs]
        for process in processes:
            _await_ready(process)
        yield [process.pid for process in processes]


@contextmanager
def _at_work(job: Sequence[str], nice: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Start one, and end it at the end."""
    command = [sys.executable, "-m", "loadtest.stress", *job]
    process = subprocess.Popen(  # noqa: S603 - built here
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    try:
        psutil.Process(process.pid).nice(nice)
        yield process
    finally:
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()
        try:
            process.wait(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_ready(process: "subprocess.Popen[bytes]") -> None:
    assert process.stdout is not None
    if process.stdout.readline() != READY:
        raise ScenarioError(f"stress: a process ended with {process.wait()}; is there memory enough?")


# --- in a process of its own


def burn() -> NoReturn:
    """Compute without a pause."""
    number = 1
    while True:
        number = number * 6364136223846793005 % 2**64


def write_over(size: int) -> NoReturn:
    """Copy one half of so many bytes over the other and back, without a pause: bandwidth and caches are shared."""
    block = bytearray(os.urandom(1 << 16)) * (size // (1 << 16) + 1)
    view, half = memoryview(block), len(block) // 2
    _tell_ready()
    while True:
        view[:half] = view[half : 2 * half]
        view[half : 2 * half] = view[:half]


def _tell_ready() -> None:
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()


def _end_with_input() -> NoReturn:
    while sys.stdin.buffer.read(1):
        pass
    os._exit(0)


def main() -> None:
    """Do what the command line names until the input ends."""
    Thread(target=_end_with_input, daemon=True).start()
    match sys.argv[1:]:
        case ["memory", size]:
            write_over(int(size))
        case _:
            _tell_ready()
            burn()


if __name__ == "__main__":
    main()
