from pathlib import Path

import pytest

from txpool.config import Address, ConfigurationError, load


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "txpool.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def problems(**layers: object) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load(**layers)  # type: ignore[arg-type]  # the layers vary by test
    return caught.value.problems


def test_without_anything_written_down_every_setting_has_its_default() -> None:
    configuration = load()

    assert configuration.settings.pool.global_slots == 5120
    assert configuration.settings.http.listen == Address("127.0.0.1", 8545)
    assert {origin for _, _, origin in configuration.items()} == {"default"}


def test_flag_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    file = written(tmp_path, "[pool]\nprice_limit = 2\nprice_bump = 20\naccount_slots = 2\n")
    environment = {"TXPOOL_POOL__PRICE_LIMIT": "3", "TXPOOL_POOL__PRICE_BUMP": "30"}
    flags = [("pool.price_limit", "4", "--set pool.price_limit")]

    configuration = load(file=file, environment=environment, flags=flags)

    pool = configuration.settings.pool
    assert (pool.price_limit, pool.price_bump, pool.account_slots, pool.account_queue) == (4, 30, 2, 64)
    assert configuration.origins["pool.price_limit"] == "--set pool.price_limit"
    assert configuration.origins["pool.price_bump"] == "environment TXPOOL_POOL__PRICE_BUMP"
    assert configuration.origins["pool.account_slots"] == f"file {file}"
    assert configuration.origins["pool.account_queue"] == "default"


def test_of_two_flags_for_one_setting_the_later_counts() -> None:
    configuration = load(flags=[("dev.period", "1", "--set dev.period"), ("dev.period", "2", "--dev-period")])

    assert configuration.settings.dev.period == 2
    assert configuration.origins["dev.period"] == "--dev-period"


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("dev.period", "auto", "auto"),
        ("dev.period", "0.5", 0.5),
        ("dev.period", "0", 0),
        ("dev.enabled", "true", True),
        ("dev.genesis", "1337", "1337"),
        ("pool.price_limit", str(2**70), 2**70),
        ("http.listen", "[::1]:0", Address("::1", 0)),
        ("metrics.listen", "off", Address.parse("off")),
    ],
)
def test_text_is_read_as_the_type_of_its_setting(key: str, text: str, value: object) -> None:
    assert {name: value for name, value, _ in load(flags=[(key, text, "--set")]).items()}[key] == value


def test_an_unknown_setting_is_an_error_that_suggests_the_right_one(tmp_path: Path) -> None:
    file = written(tmp_path, "[pool]\nprice_limt = 1\n\n[colour]\n")
    environment = {"TXPOOL_POL__GLOBAL_SLOTS": "1"}
    flags = [("price_bump", "1", "--set price_bump")]

    assert problems(file=file, environment=environment, flags=flags) == (
        f"file {file}: unknown setting pool.price_limt; did you mean pool.price_limit?",
        f"file {file}: unknown setting colour",
        "environment TXPOOL_POL__GLOBAL_SLOTS: unknown setting pol.global_slots; did you mean pool.global_slots?",
        "--set price_bump: unknown setting price_bump; did you mean pool.price_bump?",
    )


def test_a_wrong_value_is_named_with_its_origin_and_what_was_expected(tmp_path: Path) -> None:
    file = written(tmp_path, '[pool]\nprice_limit = "1"\n')
    flags = [
        ("http.listen", "8545", "--http"),
        ("store.kind", "heep", "--store"),
        ("dev.period", "soon", "--dev-period"),
        ("events.capacity", "0", "--set events.capacity"),
    ]

    assert problems(file=file, flags=flags) == (
        f"file {file}: pool.price_limit is '1': expected `int`, got `str`",
        "--http: http.listen is '8545': expected `HOST:PORT` (as in 127.0.0.1:8545) or `off`",
        "--store: store.kind is 'heep': expected mmap, cache, heap or untracked",
        "--dev-period: dev.period is 'soon': expected auto or a number",
        "--set events.capacity: events.capacity is '0': expected `int` >= 1",
    )


def test_a_file_that_is_absent_or_no_toml_is_an_error_that_names_it(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent.toml")
    broken = written(tmp_path, "[pool\n")

    assert problems(file=absent) == (f"file {absent}: cannot be read: No such file or directory",)
    (problem,) = problems(file=broken)
    assert problem.startswith(f"file {broken}: is no TOML: ")


def test_other_variables_of_the_environment_are_none_of_our_business() -> None:
    assert load(environment={"TXPOOL_RPC": "http://x", "HOME__X": "1", "TXPOOL_SHARED": "/x"}) == load()


def test_a_pool_limit_below_one_becomes_its_default_as_in_geth_and_says_so() -> None:
    configuration = load(flags=[("pool.price_bump", "0", "--set pool.price_bump")])

    assert configuration.settings.pool.price_bump == 10
    assert configuration.origins["pool.price_bump"] == "default, for 0 of --set pool.price_bump"
    assert configuration.corrections() == ["pool.price_bump is 10 (default, for 0 of --set pool.price_bump)"]


@pytest.mark.parametrize("text", ["", ":1", "host", "host:", "host:x", "host:65536", "host:-1", "host:\u00b2"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        Address.parse(text)


@pytest.mark.parametrize("text", ["127.0.0.1:8545", "[::1]:0", "localhost:65535", "off"])
def test_an_address_is_written_as_it_was_read(text: str) -> None:
    assert str(Address.parse(text)) == text


@pytest.mark.parametrize(
    ("key", "value", "words", "other", "bound"),
    [
        ("memory.hard_bytes", "3000", "must be above", "memory.soft_bytes", "4000"),
        ("memory.hard_bytes", "4000", "must be above", "memory.soft_bytes", "4000"),
        ("governor.latency_seconds", "0.01", "must not be below", "governor.calm_seconds", "0.02"),
        ("governor.recover_seconds_max", "5.0", "must not be below", "governor.recover_seconds", "10.0"),
        ("governor.window_seconds", "0.5", "must not be below", "governor.sample_seconds", "1.0"),
        ("rpc.sync_max_seconds", "10.0", "must not be below", "rpc.sync_default_seconds", "20.0"),
    ],
)
def test_two_settings_that_contradict_each_other_are_both_named(
    tmp_path: Path, key: str, value: str, words: str, other: str, bound: str
) -> None:
    section, name = other.split(".")
    file = written(tmp_path, f"[{section}]\n{name} = {bound}\n")

    assert problems(file=file, flags=[(key, value, "--set")]) == (
        f"{key} is {value} (--set), and {words} {other}, which is {bound} (file {file})",
    )


def test_a_setting_that_contradicts_a_default_is_told_so() -> None:
    (problem,) = problems(flags=[("governor.calm_seconds", "0.1", "--set")])

    assert problem == (
        "governor.latency_seconds is 0.05 (default), and must not be below governor.calm_seconds, which is 0.1 (--set)"
    )


def test_a_limit_on_memory_that_is_none_contradicts_nothing() -> None:
    for key in ("memory.soft_bytes", "memory.hard_bytes"):
        assert load(flags=[(key, "4000", "--set")]).origins[key] == "--set"


def test_settings_that_are_as_close_as_they_may_be_agree() -> None:
    flags = [("governor.calm_seconds", "0.05", "--set"), ("rpc.sync_default_seconds", "60", "--set")]

    assert load(flags=flags).settings.governor.calm_seconds == 0.05
