import pytest

from txpool.client.units import format_gwei, format_value, parse_amount, parse_data


@pytest.mark.parametrize(
    ("text", "wei"),
    [
        ("1ether", 10**18),
        ("1 eth", 10**18),
        ("0.5gwei", 5 * 10**8),
        ("100wei", 100),
        ("7", 7),
        ("0x10", 16),
        ("123456789012.123456789012345678ether", 123456789012123456789012345678),
        ("1.50ether", 15 * 10**17),
    ],
)
def test_an_amount_is_read_to_the_last_wei(text: str, wei: int) -> None:
    assert parse_amount(text) == wei


@pytest.mark.parametrize(
    "text", ["", "ether", "-1ether", "1 pound", "1.ether", "0x", "1e18", "1_000", "0.5wei", "0.0000000001gwei"]
)
def test_what_is_no_whole_number_of_wei_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no amount|no whole number"):
        parse_amount(text)


def test_more_than_256_bits_is_refused() -> None:
    assert parse_amount(str(2**256 - 1)) == 2**256 - 1
    with pytest.raises(ValueError, match="more than"):
        parse_amount(str(2**256))


@pytest.mark.parametrize(
    ("wei", "text"),
    [
        (0, "0 ether"),
        (1, "1 wei"),
        (10**18, "1 ether"),
        (15 * 10**17, "1.5 ether"),
        (10**18 + 1, "1.000000000000000001 ether"),
        (5 * 10**8, "0.5 gwei"),
        (10**12, "0.000001 ether"),
    ],
)
def test_a_value_is_written_in_the_unit_that_reads_best(wei: int, text: str) -> None:
    assert format_value(wei) == text


def test_a_fee_is_written_in_gwei() -> None:
    assert format_gwei(875_000_001) == "0.875000001 gwei"


def test_data_is_read_with_and_without_0x() -> None:
    assert (parse_data("0x00ff"), parse_data("00ff"), parse_data("0x")) == (b"\x00\xff", b"\x00\xff", b"")


@pytest.mark.parametrize("text", ["0x1", "zz", "0x0x"])
def test_what_is_no_data_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="two hexadecimal digits a byte"):
        parse_data(text)
