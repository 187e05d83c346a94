"""Few runs, exact numbers."""

import math
from itertools import combinations

import pytest

from loadtest.statistics import bootstrap, mann_whitney, ratio, shift


@pytest.mark.parametrize(("runs", "least"), [(3, 0.1), (4, 0.0286), (5, 0.0079)])
def test_the_least_p_of_so_many_runs_a_side(runs: int, least: float) -> None:
    u, p = mann_whitney(range(runs), range(100, 100 + runs))

    assert (u, round(p, 4)) == (runs * runs, least)


def test_the_exact_p_is_that_of_counting_every_arrangement() -> None:
    a, b = [1.0, 4.0, 6.0, 9.0], [2.0, 7.0, 8.0, 11.0, 12.0]
    u, p = mann_whitney(a, b)
    every = [*a, *b]
    us = [sum(y > x for x in chosen for y in every if y not in chosen) for chosen in combinations(every, len(a))]
    as_far = sum(min(other, 20 - other) <= min(u, 20 - u) for other in us)

    assert p == pytest.approx(as_far / len(us))


def test_equal_groups_differ_by_chance_only() -> None:
    assert mann_whitney([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])[1] > 0.9
    assert mann_whitney([7, 7], [7, 7])[1] == 1.0


def test_with_ties_the_p_is_that_of_the_normal_approximation() -> None:
    # Of 25 pairs b is above in 23 and equal in 2: U = 24, 11.5 from its mean, less 0.5 for continuity. Two, three and
    # two equal values: the variance is 25/12 * (11 - (6 + 24 + 6) / 90) = 22.083. 11 / 4.699 = 2.341 deviations.
    u, p = mann_whitney([1, 2, 2, 3, 3], [3, 4, 4, 5, 6])

    assert (u, round(p, 5)) == (24, 0.01924)


def test_the_shift_is_the_median_of_all_differences() -> None:
    assert shift([1, 2, 3], [11, 12, 13]) == 10


def test_a_bootstrap_interval_holds_the_ratio_and_is_the_same_each_time() -> None:
    a, b = [100.0, 101, 99, 102, 98], [200.0, 203, 197, 201, 199]

    low, high = bootstrap(ratio, a, b)

    assert low <= ratio(a, b) <= high
    assert 1.9 < low < high < 2.1
    assert (low, high) == bootstrap(ratio, a, b)


def test_a_ratio_to_nothing_is_no_number() -> None:
    assert math.isnan(ratio([0.0], [1.0]))
