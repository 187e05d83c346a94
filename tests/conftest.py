"""What holds for every test: the Hypothesis profiles, and the tests that only root can run.

Outside tools and recorded data: `tests/outside.py`.
"""

import os

import pytest
from hypothesis import settings

from tests.outside import IN_CI

settings.register_profile("quick", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True, print_blob=True)
settings.register_profile("long", max_examples=5_000, deadline=None, print_blob=True)
settings.load_profile("ci" if IN_CI else "quick")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("needs_root") and os.geteuid() != 0:
        pytest.skip("needs root")
