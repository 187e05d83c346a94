"""Any bytes get a verdict, and the same one on every way; long runs: `make fuzz-decoder`."""

import os
from collections import Counter
from itertools import islice

import pytest

from tests.fuzz.decoder_run import LONG_RUN, fuzz, judge_portion
from tests.fuzz.decoders import DECODERS, fault
from tests.fuzz.mutator import Mutator
from tests.fuzz.seeds import corpus
from txpool.core.rejection import Rejected
from txpool.core.tx import Tx, decode

QUICK_RUN = 20_000


def test_every_seed_gets_one_verdict() -> None:
    assert [(raw.hex(), found) for raw in corpus() if (found := fault(raw))] == []


def test_broken_transactions_get_one_verdict() -> None:
    assert judge_portion(seed=1, count=QUICK_RUN) == []


@pytest.mark.long
def test_ten_million_broken_transactions_get_one_verdict() -> None:
    assert fuzz(LONG_RUN, seed=1_000_000, jobs=os.cpu_count() or 1, progress=True) == []


def test_the_same_seed_breaks_the_same_way() -> None:
    seeds = corpus()
    one, other = ([Mutator(seeds, 7).next() for _ in range(500)] for _ in range(2))

    assert one == other


def test_the_mutator_reaches_all_types_and_many_faults() -> None:
    mutator = Mutator(corpus(), 3)
    verdicts = [decode(mutator.next()) for _ in range(10_000)]

    valid = Counter(tx.type for tx in verdicts if isinstance(tx, Tx))
    assert set(valid) == {0, 1, 2, 3, 4}
    assert len({str(verdict) for verdict in verdicts if isinstance(verdict, Rejected)}) > 150


def test_a_decoder_that_errs_is_found() -> None:
    def lenient(raw: bytes) -> Tx | Rejected:
        """Takes whatever follows a transaction for a part of it."""
        return decode(raw[:-1]) if raw.endswith(b"\0") else decode(raw)

    mutator = Mutator(corpus(), 5)
    inputs = [mutator.next() for _ in range(5_000)]

    found = (raw for raw in inputs if fault(raw, {**DECODERS, "lenient": lenient}))

    assert len(list(islice(found, 3))) == 3


def test_a_decoder_that_breaks_is_found() -> None:
    def brittle(raw: bytes) -> Tx | Rejected:
        raise IndexError(len(raw))

    assert fault(b"\xc0", {**DECODERS, "brittle": brittle}) is not None
    assert fault(b"\xc0", {"brittle": brittle}) == "brittle breaks: IndexError(1)"
