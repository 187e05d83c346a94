"""Stressors are at work while a block lasts, and gone after it, however it ends."""

import os
import select
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

from loadtest.scenario import ScenarioError, Stress
from loadtest.stress import stressed
from tests.outside import ROOT

PATIENCE_S = 30

# Starts a burner, names it, and is ended without a chance to clean up.
CUT_OFF = """
import os
from loadtest.scenario import Stress
from loadtest.stress import stressed
with stressed(Stress(cpu_burners=1)) as pids:
    print(pids[0], flush=True)
    os._exit(1)
"""


def test_they_compute_and_hold_memory_while_the_block_lasts() -> None:
    with stressed(Stress(cpu_burners=1, memory_bytes=1 << 25, nice=19)) as pids:
        burner, writer = map(psutil.Process, pids)
        used = sum(burner.cpu_times()[:2])
        while sum(burner.cpu_times()[:2]) <= used:  # it goes on
            os.sched_yield()
        assert writer.memory_info().rss > 1 << 25
        assert (burner.nice(), writer.nice()) == (19, 19)

    assert not any(map(psutil.pid_exists, pids))


def test_they_end_when_the_block_breaks() -> None:
    pids: list[int] = []

    def break_off() -> None:
        with stressed(Stress(cpu_burners=2, nice=19)) as started:
            pids.extend(started)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()

    assert len(pids) == 2
    assert not any(map(psutil.pid_exists, pids))


def test_they_end_when_who_started_them_is_gone() -> None:
    told = subprocess.run([sys.executable, "-c", CUT_OFF], stdout=subprocess.PIPE, cwd=ROOT, check=False).stdout

    with suppress(ProcessLookupError):  # gone already
        end = os.pidfd_open(int(told))
        assert select.select([end], [], [], PATIENCE_S)[0], "it still burns"
        os.close(end)


def test_nothing_is_started_where_nothing_is_asked_for() -> None:
    with stressed(Stress()) as pids:
        assert pids == []


def test_more_memory_than_is_free_is_refused() -> None:
    with pytest.raises(ScenarioError, match="half of what is free"), stressed(Stress(memory_bytes=1 << 60)):
        raise AssertionError("not reached")
