"""One run: start the generators, tell them when to begin, watch, gather what they recorded."""

import time
from collections.abc import Callable, Collection, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

import msgspec

from loadtest.generator import Task, Tick, generate
from loadtest.head_driver import HeadDriver
from loadtest.recorder import Recording
from loadtest.scenario import Load
from loadtest.target import Target
from loadtest.watch import Watch

START_SECONDS: Final = 60
HEAD_START_NS: Final = 100_000_000  # from the word to begin to the first moment
SILENCE_SECONDS: Final = 60


class NoConnectionError(Exception):
    """A generator could not connect to the server."""


class Progress(msgspec.Struct, frozen=True):
    """All generators together, once a second."""

    at: float
    sent: int
    answered: int
    accepted: int
    waiting: int
    under_way: int
    p99_ms: float  # of the second before, the worst of the processes


class Crew:
    """The generator processes of a run."""

    def __init__(self, load: Load, corpus: Path, target: Target, seed: int) -> None:
        context = get_context("spawn")
        self.pipes: list[Pipe] = []
        self._processes: list[BaseProcess] = []
        for number in range(load.processes):
            ours, theirs = context.Pipe()
            task = Task(load=load, corpus=corpus.absolute(), target=target, seed=seed, process=number)
            packed = msgspec.msgpack.encode(task, enc_hook=str)
            process = context.Process(target=generate, args=(packed, theirs), daemon=True)
            process.start()
            theirs.close()
            self.pipes.append(ours)
            self._processes.append(process)

    def await_ready(self) -> None:
        """Wait until every connection of every process stands.

        Raises:
            NoConnectionError: one does not.
        """
        for pipe in self.pipes:
            try:
                fault = msgspec.msgpack.decode(pipe.recv_bytes()) if pipe.poll(START_SECONDS) else "no answer"
            except EOFError:
                fault = "a generator ended at its start"
            if fault is not None:
                raise NoConnectionError(fault)

    def begin(self, moment: int) -> None:
        """Tell all when the run begins, in nanoseconds of the monotonic clock."""
        for pipe in self.pipes:
            pipe.send_bytes(msgspec.msgpack.encode(moment))

    def end(self) -> None:
        """See that none is left."""
        for process in self._processes:
            process.join(timeout=5)
            if process.is_alive():
                process.kill()
                process.join()


def run(
    load: Load,
    corpus: Path,
    target: Target,
    *,
    seed: int,
    watch: Watch | None = None,
    head: HeadDriver | None = None,
    on_progress: Callable[[Progress], None] = lambda _progress: None,
) -> Recording:
    """Send a corpus as a load says.

    Raises:
        NoConnectionError: the server cannot be reached.
    """
    crew = Crew(load, corpus, target, seed)
    watchers = [each for each in (watch, head) if each is not None]
    try:
        crew.await_ready()
        moment = time.monotonic_ns() + HEAD_START_NS
        crew.begin(moment)
        for each in watchers:
            each.begin(moment / 1e9)
        return _gather(crew.pipes, moment, on_progress)
    finally:
        for each in watchers:
            each.stop()
        crew.end()


def _gather(pipes: Sequence[Pipe], moment: int, on_progress: Callable[[Progress], None]) -> Recording:
    """Hear every process out."""
    ticks: dict[Pipe, Tick] = {}
    over: set[Pipe] = set()
    recordings: list[Recording] = []
    while len(recordings) < len(pipes):
        heard = wait([pipe for pipe in pipes if pipe not in over], timeout=SILENCE_SECONDS)
        if not heard:
            raise RuntimeError(f"a generator has been silent for {SILENCE_SECONDS} s")
        for pipe in heard:
            assert isinstance(pipe, type(pipes[0]))
            told = msgspec.msgpack.decode(pipe.recv_bytes(), type=Tick | Recording)
            if isinstance(told, Tick):
                ticks[pipe] = told
            else:
                recordings.append(told)
                over.add(pipe)
        if len(ticks) == len(pipes):
            on_progress(_together(ticks.values(), (time.monotonic_ns() - moment) / 1e9))
    whole = recordings[0]
    for recording in recordings[1:]:
        whole.merge(recording)
    return whole


def _together(ticks: Collection[Tick], at: float) -> Progress:
    return Progress(
        at=at,
        sent=sum(tick.sent for tick in ticks),
        answered=sum(tick.answered for tick in ticks),
        accepted=sum(tick.accepted for tick in ticks),
        waiting=sum(tick.waiting for tick in ticks),
        under_way=sum(tick.under_way for tick in ticks),
        p99_ms=max(tick.p99_ms for tick in ticks),
    )
