"""Recording and reading: what is found, one trace at a time, an end to each."""

import asyncio
import subprocess
import sys
from pathlib import Path

import memray
import msgspec
import pytest

from tests.outside import ROOT
from tests.rpc.loop import run
from txpool.observe import allocation_trace, capture
from txpool.observe.allocation_trace import MISSING, RUNNING, STOPPING, AllocationTracer, Trace
from txpool.observe.capture import Capture, read_capture

LARGE = 70_000
LONG_S = 60.0

# A trace in a process that may have no memory which is both written and executed, as under the systemd unit.
CONFINED = """
import asyncio, ctypes, mmap, sys
from txpool.observe.allocation_trace import AllocationTracer
ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)  # PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)
except OSError:
    print(asyncio.run(AllocationTracer(sys.argv[1]).trace(0.01, 65536)))
else:
    print("not confined")
"""


def large_one() -> bytearray:
    return bytearray(LARGE)


def recording(folder: Path, times: int) -> str:
    path = str(folder / "recording")
    with memray.Tracker(path):
        for _ in range(times):
            large_one()
            bytearray(LARGE // 2)
    return path


# --- reading


def test_allocations_of_one_stack_are_counted_together_and_small_ones_left_out(tmp_path: Path) -> None:
    found = read_capture(recording(tmp_path, 3), LARGE)

    (group,) = found.groups
    (stack,) = group.stacks
    assert (group.entry, group.count, group.omitted) == ("other", 3, 0)
    assert (stack.count, stack.bytes, stack.how) == (3, group.bytes, "malloc")
    assert stack.bytes >= 3 * LARGE
    assert [function for function, _, _ in stack.frames[-2:]] == ["recording", "large_one"]
    assert stack.frames[-1][1] == "tests/observe/test_allocation_trace.py"
    assert found.records >= 12  # frees and small ones too


def test_of_many_stacks_the_largest_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "STACKS_MAX", 1)

    (group,) = read_capture(recording(tmp_path, 2), LARGE // 2).groups

    assert (group.count, group.omitted) == (4, 1)
    assert [stack.frames[-1][0] for stack in group.stacks] == ["large_one"]


def test_what_is_no_recording_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"something else")

    with pytest.raises(OSError, match="does not look like"):
        read_capture(str(tmp_path / "other"), LARGE)


# --- tracing the running process


def test_a_trace_finds_what_is_allocated_meanwhile_and_leaves_nothing_behind(tmp_path: Path) -> None:
    async def story() -> Trace | str:
        tracing = asyncio.ensure_future(AllocationTracer(str(tmp_path / "new")).trace(0.5, LARGE))
        while not tracing.done():
            large_one()
            await asyncio.sleep(0)
        return await tracing

    traced = run(story())

    assert isinstance(traced, Trace)
    assert (traced.min_bytes, traced.ended) == (LARGE, "time")
    (group,) = msgspec.json.decode(traced.found, type=Capture).groups
    assert {stack.frames[-1][0] for stack in group.stacks} == {"large_one"}
    assert list((tmp_path / "new").iterdir()) == []


def test_a_full_recording_ends_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocation_trace, "FILE_BYTES_MAX", 1)

    traced = run(AllocationTracer(str(tmp_path)).trace(LONG_S, LARGE))

    assert isinstance(traced, Trace)
    assert traced.ended == "full"
    assert traced.seconds < LONG_S


def test_one_trace_runs_at_a_time_and_ends_when_the_daemon_stops(tmp_path: Path) -> None:
    async def story() -> list[Trace | str]:
        tracer = AllocationTracer(str(tmp_path))
        first = asyncio.ensure_future(tracer.trace(LONG_S, LARGE))
        await asyncio.sleep(0)  # the other one begins
        second = await tracer.trace(1.0, LARGE)
        tracer.stop()
        return [await first, second, await tracer.trace(1.0, LARGE)]

    assert run(story()) == [STOPPING, RUNNING, STOPPING]


def test_after_a_trace_there_may_be_another(tmp_path: Path) -> None:
    async def story() -> list[Trace | str]:
        tracer = AllocationTracer(str(tmp_path))
        return [await tracer.trace(0.01, LARGE) for _ in range(2)]

    assert all(isinstance(each, Trace) for each in run(story()))


def test_without_memray_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "memray", None)

    assert run(AllocationTracer(str(tmp_path)).trace(1.0, LARGE)) == MISSING


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    why = run(AllocationTracer(str(tmp_path / "file")).trace(1.0, LARGE))

    assert str(why).startswith("the trace broke: ")


def test_a_trace_needs_no_memory_that_is_written_and_executed(tmp_path: Path) -> None:
    confined = [sys.executable, "-c", CONFINED, str(tmp_path)]

    told = subprocess.run(confined, capture_output=True, text=True, cwd=ROOT, check=True).stdout

    if told == "not confined\n":
        pytest.skip("this kernel cannot refuse such memory: Linux 6.3 can")
    assert told.startswith("Trace(")
