"""What holds for every test: the Hypothesis profiles, the tests that only root can run, the interpreter's limits.

Outside tools and recorded data: `tests/outside.py`.
"""

import os
import signal
import sys
from typing import Final

import pytest
from hypothesis import settings

from tests.outside import IN_CI

settings.register_profile("quick", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True, print_blob=True)
settings.register_profile("long", max_examples=5_000, deadline=None, print_blob=True)
settings.load_profile("ci" if IN_CI else "quick")

RECURSION_LIMIT: Final = sys.getrecursionlimit()

# A shell has what it runs in the background ignore interrupts, and all that tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    # py_ecc, which web3 imports, raises it a hundredfold: a deeply nested body would then overflow the C stack.
    sys.setrecursionlimit(RECURSION_LIMIT)
    if item.get_closest_marker("needs_root") and os.geteuid() != 0:
        pytest.skip("needs root")
