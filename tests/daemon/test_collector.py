"""The interpreter's collector is as the settings say, and afterwards as it was."""

import gc
from collections.abc import Iterator

import pytest

from tests.daemon.test_governing import options
from tests.daemon.test_metrics import samples, value
from tests.running import running
from txpool.config.sections import GcSettings
from txpool.daemon.collector import Collector


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Whatever happens, the tests that follow find the collector as these found it."""
    before = gc.get_threshold()
    yield
    assert (gc.get_threshold(), gc.isenabled(), gc.get_freeze_count()) == (before, True, 0)


def test_thresholds_freeze_and_off_hold_until_they_are_restored() -> None:
    collector = Collector(GcSettings(enabled=False, thresholds=(5000, 20, 30), freeze=True))

    collector.apply()
    try:
        assert (gc.get_threshold(), gc.isenabled()) == ((5000, 20, 30), False)
        assert gc.get_freeze_count() > 1000
    finally:
        collector.restore()


def test_by_default_only_what_is_built_is_left_out() -> None:
    before = gc.get_threshold()
    collector = Collector(GcSettings())

    collector.apply()
    try:
        assert (gc.get_threshold(), gc.isenabled()) == (before, True)
        assert gc.get_freeze_count() > 1000
    finally:
        collector.restore()


def test_what_was_never_applied_is_not_restored() -> None:
    Collector(GcSettings(freeze=True, thresholds=(1, 1, 1))).restore()


def test_the_metrics_say_how_the_collector_is_set() -> None:
    given = {"gc.thresholds": "[9000, 11, 12]", "gc.freeze": "true", "gc.enabled": "false"}
    with running("--dev", *options(given)) as daemon:
        found = samples(daemon)

    assert [value(found, "txpool_gc_threshold", generation=str(number)) for number in range(3)] == [9000, 11, 12]
    assert value(found, "txpool_gc_enabled") == 0
    assert value(found, "txpool_gc_frozen_objects") > 1000
