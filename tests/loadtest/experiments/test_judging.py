"""What measurements say of a claim."""

from collections.abc import Mapping, Sequence

import pytest

from bench import batch_sizes, get_put, page_spikes, returning
from bench.batch_sizes import BATCHES
from bench.store_growth import VARIANTS
from loadtest.experiments.claims import CLAIMS
from loadtest.experiments.definition import Effort, read_experiments
from loadtest.experiments.judge import Amount, Claim, Effect, Judgement, Values, Verdict, judge


def measured(arms: Mapping[str, Sequence[float]]) -> Values:
    def look(_experiment: str, arm: str, _figure: str, *, long: bool = False) -> Sequence[float]:
        return () if long else arms.get(arm, ())

    return look


def less_than_a_third(elsewhere: str = "") -> Claim:
    reading = Effect("headline", "pause_longest_ms", "heap", "mmap", 0.33)
    return Claim("pause", "It falls to a third.", "to 33 %", (reading,), elsewhere=elsewhere)


def judged(arms: Mapping[str, Sequence[float]], claim: Claim | None = None) -> Judgement:
    return judge(claim or less_than_a_third(), measured(arms))


def test_an_effect_whose_whole_interval_is_as_large_as_claimed_confirms() -> None:
    found = judged({"heap": [40, 42, 44, 41, 43], "mmap": [1.2, 1.3, 1.4, 1.3, 1.3]})

    assert (found.verdict, found.tentative) == (Verdict.CONFIRMED, False)
    assert found.findings[0].measured == pytest.approx(1.3 / 42)
    assert (found.findings[0].before, found.findings[0].after) == (42, 1.3)


def test_an_effect_smaller_than_claimed_refutes_and_says_that_the_direction_holds() -> None:
    found = judged({"heap": [40, 41, 42, 43, 44], "mmap": [20, 21, 22, 21, 20]})

    assert found.verdict is Verdict.REFUTED
    assert "The direction holds, the size does not." in found.why


def test_no_effect_and_the_opposite_one_refute_and_say_so() -> None:
    none = judged({"heap": [40, 41, 42, 43, 44], "mmap": [39, 41, 43, 44, 40]})
    opposite = judged({"heap": [40, 41, 42, 43, 44], "mmap": [80, 81, 82, 83, 84]})

    assert (none.verdict, opposite.verdict) == (Verdict.REFUTED, Verdict.REFUTED)
    assert "no effect" in none.why
    assert "opposite" in opposite.why


def test_an_interval_across_what_is_claimed_is_inconclusive() -> None:
    found = judged({"heap": [40, 41, 42, 43, 44], "mmap": [5, 30, 12, 16, 14]})

    assert found.verdict is Verdict.INCONCLUSIVE


def test_a_long_run_is_judged_by_itself() -> None:
    claim = Claim("pause", "It falls.", "", (Effect("headline", "pause_longest_ms", "heap", "mmap", 0.33, long=True),))

    assert judged({"heap": [42], "mmap": [1.3]}, claim).verdict is Verdict.NOT_MEASURED


def test_what_nobody_reports_is_not_measured() -> None:
    found = judged({"heap": [40, 41, 42]})

    assert found.verdict is Verdict.NOT_MEASURED
    assert found.why == "Not reported for mmap."


def test_a_fall_from_nothing_says_nothing() -> None:
    for before in ([0, 0, 0], [-2, -1, 1]):
        found = judged({"heap": before, "mmap": [1, 2, 3]})

        assert found.verdict is Verdict.INCONCLUSIVE
        assert "nothing to compare with" in found.why


def test_with_few_runs_a_verdict_is_tentative() -> None:
    assert judged({"heap": [42] * 4, "mmap": [1.3] * 5}).tentative
    assert not judged({"heap": [42] * 5, "mmap": [1.3] * 5}).tentative


def test_a_claim_from_elsewhere_is_not_transferable_and_what_was_measured_stands_beside() -> None:
    found = judged({"heap": [40, 42, 44], "mmap": [1, 1, 1]}, less_than_a_third(elsewhere="No production here."))

    assert found.verdict is Verdict.NOT_TRANSFERABLE
    assert found.why.startswith("No production here.")
    assert found.findings[0].verdict is Verdict.CONFIRMED


def test_an_increase_is_judged_the_other_way_round() -> None:
    claim = Claim("more", "Three times as many.", "x 3", (Effect("e", "tps", "heap", "mmap", 3.0),))

    assert judged({"heap": [10, 10, 10], "mmap": [35, 36, 37]}, claim).verdict is Verdict.CONFIRMED
    assert judged({"heap": [10, 10, 10], "mmap": [15, 16, 17]}, claim).verdict is Verdict.REFUTED


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([100, 110, 120], Verdict.CONFIRMED),
        ([10, 11, 12], Verdict.REFUTED),
        ([300, 310, 320], Verdict.REFUTED),
        ([30, 100, 220], Verdict.INCONCLUSIVE),
        ([], Verdict.NOT_MEASURED),
    ],
)
def test_a_value_is_confirmed_where_its_whole_interval_is_as_claimed(values: list[float], verdict: Verdict) -> None:
    claim = Claim("spikes", "50 to 200 us.", "50 to 200 us", (Amount("e", "us", "mmap", 50, 200),))

    assert judged({"mmap": values}, claim).verdict is verdict


def test_every_claim_is_read_from_an_experiment_that_there_is() -> None:
    experiments = read_experiments()
    readings = [reading for claim in CLAIMS for reading in claim.readings]

    assert {reading.experiment for reading in readings} <= experiments.keys()
    for reading in readings:
        experiment = experiments[reading.experiment]
        arms = {arm.name for arm in Effort().arms_of(experiment)}
        named = {reading.before, reading.after} if isinstance(reading, Effect) else {reading.arm}
        assert named <= arms or (experiment.bench and not experiment.bench.store_option), reading
        assert not experiment.figures or reading.figure in experiment.figures, reading


def test_arms_that_claims_read_from_a_benchmark_are_those_that_it_tells() -> None:
    sizes = {f"{pages}, {way}, {batch}" for pages in batch_sizes.KINDS for way in batch_sizes.WAYS for batch in BATCHES}
    told = {
        "million": set(VARIANTS),
        "page_spikes": set(page_spikes.WAYS),
        "returning": set(returning.CASES),
        "get_put": {name for name, _ in get_put.pieces(1)},
        "batch_sizes": sizes,
    }

    for reading in (reading for claim in CLAIMS for reading in claim.readings):
        named = {reading.before, reading.after} if isinstance(reading, Effect) else {reading.arm}
        assert named <= told.get(reading.experiment, named), reading
