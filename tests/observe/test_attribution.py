import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from txpool.observe.attribution import NOBODY, Activity, Facts, Trigger, accusation, suspects

MB = 10**6
SUBMIT = Activity("submit", calls_per_second=900, seconds=0.08, collections=1)


def first(trigger: Trigger, *activities: Activity, seconds: float = 0.5) -> str | None:
    """Who is named: kind and method."""
    found = suspects(Facts(trigger, seconds, activities))
    if not found or found[0].activity.kind == NOBODY:
        return None
    return f"{found[0].activity.kind} {found[0].activity.name}".strip()


@pytest.mark.parametrize(
    ("trigger", "activity", "named"),
    [
        (Trigger.LAG, Activity("query", "eth_call", seconds=0.45), "query eth_call"),
        (Trigger.LAG, Activity("head_update", seconds=0.3, heap_bytes=80 * MB), "head_update"),
        (Trigger.PAUSE, Activity("snapshot", "txpool_content", collections=40), "snapshot txpool_content"),
        (Trigger.PAUSE, Activity("head_update", collections=3, inside=True), "head_update"),
        (Trigger.HEAP_GROWTH, Activity("query", "x", heap_bytes=60 * MB), "query x"),
        (Trigger.HEAP_GROWTH, Activity("query", "x", blocks=10**6), "query x"),
        (Trigger.CALL_RATE, Activity("cache", "frames", calls_per_second=5000, alarming=5000), "cache frames"),
    ],
)
def test_who_did_it_is_named_beside_submissions_that_go_on(trigger: Trigger, activity: Activity, named: str) -> None:
    assert first(trigger, SUBMIT, activity) == named


@pytest.mark.parametrize(
    "innocent",
    [
        Activity("query", "eth_chainId", calls_per_second=800),
        Activity("query", "eth_chainId", calls_per_second=5, seconds=0.04),
        Activity("query", "eth_chainId", seconds=0.01, heap_bytes=4096, blocks=100),
    ],
)
def test_little_of_everything_is_no_evidence(innocent: Activity) -> None:
    assert first(Trigger.LAG, innocent) is None


@pytest.mark.parametrize("seconds", [0.1, 0.19])
def test_a_lag_in_most_of_which_nobody_was_at_work_is_nobodys(seconds: float) -> None:
    busy = Activity("submit", calls_per_second=900, seconds=seconds, heap_bytes=80 * MB, collections=9)

    found = suspects(Facts(Trigger.LAG, 0.4, [busy]))

    assert [each.activity.kind for each in found] == [NOBODY, "submit"]
    assert found[0].activity.seconds == pytest.approx(0.4 - seconds)
    assert accusation(found[0]) == accusation(None)


def test_what_is_not_tagged_is_no_suspect_but_in_a_lag() -> None:
    for trigger in set(Trigger) - {Trigger.LAG}:
        found = suspects(Facts(trigger, 1.0, [Activity("query", "x", seconds=0.2)]))
        assert [each.activity.kind for each in found] == ["query"]


def test_only_the_calls_that_set_the_alarm_off_are_evidence_of_it() -> None:
    loud = Activity("query", "eth_call", alarming=9000, seconds=0.9, collections=50, heap_bytes=80 * MB)
    meant = Activity("cache", "frames", alarming=1001)

    found = suspects(Facts(Trigger.CALL_RATE, 1.0, [loud, meant], meant))

    assert [each.activity.name for each in found] == ["frames", "eth_call"]


def test_the_sentence_says_who_and_why() -> None:
    guilty = Activity(
        "query",
        "txpool_content",
        calls_per_second=2,
        seconds=0.5,
        longest_seconds=0.45,
        heap_bytes=80 * MB,
        blocks=12_000,
        collections=31,
    )
    (found,) = suspects(Facts(Trigger.LAG, 0.5, [guilty]))

    assert accusation(found) == (
        "query txpool_content: 0.5 s at work, 0.45 s of it in one go, 80 MB of heap, 12,000 blocks, "
        "31 collections set off, 2 calls a second"
    )
    assert accusation(None).startswith("nothing that is tagged")


# --- whatever happens

COUNTS = st.integers(0, 10**6)
ACTIVITY = st.builds(
    Activity,
    kind=st.sampled_from(["submit", "head_update", "query", "cache"]),
    name=st.text("abc", max_size=3),
    alarming=st.floats(0, 1e6),
    seconds=st.floats(0, 10),
    heap_bytes=st.integers(-(10**9), 10**9),
    blocks=st.integers(-(10**6), 10**6),
    collections=COUNTS,
    inside=st.booleans(),
)
ACTIVITIES = st.lists(ACTIVITY, max_size=8, unique_by=lambda each: (each.kind, each.name))
TRIGGER = st.sampled_from(Trigger)


@given(TRIGGER, ACTIVITIES)
def test_the_order_in_which_sources_come_makes_no_difference(trigger: Trigger, activities: list[Activity]) -> None:
    found = suspects(Facts(trigger, 1.0, activities))

    assert suspects(Facts(trigger, 1.0, activities[::-1])) == found


@given(TRIGGER, ACTIVITIES)
def test_scores_are_parts_of_the_evidence(trigger: Trigger, activities: list[Activity]) -> None:
    found = suspects(Facts(trigger, 1.0, activities))

    assert all(0 < each.score <= 1 + 1e-9 for each in found)
    assert not found or abs(sum(each.score for each in found) - 1) < 1e-6


@given(TRIGGER, ACTIVITIES)
def test_who_did_nothing_is_never_named(trigger: Trigger, activities: list[Activity]) -> None:
    idle = Activity("snapshot", "idle")

    found = suspects(Facts(trigger, 1.0, [*activities, idle]))

    assert idle not in [each.activity for each in found]


@given(TRIGGER, ACTIVITIES)
def test_who_has_more_of_everything_is_named(trigger: Trigger, activities: list[Activity]) -> None:
    others = [replace(each, inside=False) for each in activities]
    guilty = Activity(
        "snapshot",
        alarming=2e6,
        seconds=11.0,
        heap_bytes=2 * 10**9,
        blocks=2 * 10**6,
        collections=2 * 10**6,
        inside=True,
    )

    found = suspects(Facts(trigger, 1.0, [*others, guilty]))

    assert found[0].activity is guilty


@given(TRIGGER, ACTIVITIES, st.integers(1, 1000))
def test_more_evidence_against_whom_is_named_leaves_them_named(
    trigger: Trigger, activities: list[Activity], more: int
) -> None:
    found = suspects(Facts(trigger, 1.0, activities))
    if not found or found[0].activity.kind == NOBODY or (len(found) > 1 and found[0].score - found[1].score < 1e-9):
        return
    named = found[0].activity
    worse = replace(named, collections=named.collections + more, seconds=named.seconds + more)

    again = suspects(Facts(trigger, 1.0, [worse if each is named else each for each in activities]))

    assert again[0].activity is worse
