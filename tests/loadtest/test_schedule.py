"""Planned moments: how many, when, and the same each time."""

from itertools import islice, pairwise

from hypothesis import given
from hypothesis import strategies as st

from loadtest.scenario import Load, Stage
from loadtest.schedule import SECOND, moments, planned_moments


def load(*stages: Stage, arrivals: str = "constant", processes: int = 1, batch: int = 1) -> Load:
    assert arrivals in ("constant", "poisson")
    return Load(
        stages=stages,
        arrivals="constant" if arrivals == "constant" else "poisson",
        processes=processes,
        batch=batch,
    )


def test_constant_arrivals_are_equally_far_apart() -> None:
    found = list(planned_moments(load(Stage(2, 100)), seed=1))

    assert found == [number * SECOND // 100 for number in range(200)]


def test_a_batch_of_100_leaves_a_hundredth_as_often() -> None:
    assert len(list(planned_moments(load(Stage(2, 1000), batch=100), seed=1))) == 20


def test_poisson_arrivals_keep_the_rate_in_the_mean_and_vary_as_they_should() -> None:
    found = list(planned_moments(load(Stage(100, 1000), arrivals="poisson"), seed=1))
    by_second = [sum(second * SECOND <= moment < (second + 1) * SECOND for moment in found) for second in range(10)]

    assert abs(len(found) - 100_000) < 5 * 100_000**0.5
    assert max(by_second) != min(by_second)
    gaps = [(b - a) / SECOND for a, b in pairwise(found)]
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    assert abs(variance / mean**2 - 1) < 0.05  # exponential: the deviation is the mean


def test_the_same_seed_plans_the_same_moments_and_another_one_others() -> None:
    stages = load(Stage(5, 100), arrivals="poisson")

    assert list(planned_moments(stages, 1)) == list(planned_moments(stages, 1))
    assert list(planned_moments(stages, 1)) != list(planned_moments(stages, 2))


def test_processes_share_the_rate_and_do_not_leave_together() -> None:
    whole = list(planned_moments(load(Stage(2, 100)), 1))
    parts = [list(planned_moments(load(Stage(2, 100), processes=4), 1, process)) for process in range(4)]

    assert sorted(moment for part in parts for moment in part) == whole


def test_a_ramp_sends_ever_faster() -> None:
    found = list(planned_moments(load(Stage(10, 0, 100)), 1))
    by_second = [sum(second * SECOND <= moment < (second + 1) * SECOND for moment in found) for second in range(10)]

    assert len(found) == 500
    assert by_second == [5 + 10 * second for second in range(10)]


def test_a_spike_stands_where_its_stage_does() -> None:
    found = list(planned_moments(load(Stage(1, 10), Stage(1, 1000), Stage(1, 10)), 1))

    assert [sum(moment // SECOND == second for moment in found) for second in range(3)] == [10, 1000, 10]


rates = st.floats(min_value=0, max_value=500)


@given(st.lists(st.builds(Stage, st.floats(0.1, 5), rates, st.none() | rates), min_size=1, max_size=4))
def test_moments_rise_and_stay_within_the_stages(stages: list[Stage]) -> None:
    found = list(islice(moments(stages, iter(range(10_000)), 1.0), 5000))

    assert found == sorted(found)
    assert all(0 <= moment <= sum(stage.seconds for stage in stages) * SECOND + 1 for moment in found)
    assert abs(len(found) - min(sum(stage.transactions for stage in stages), 5000)) <= 1
