from hypothesis import given
from hypothesis import strategies as st

from txpool.core.decimal_text import decimal_text


@given(st.integers(0, 2**9_000) | st.integers(2_000, 9_000).map(lambda bits: 2**bits))
def test_the_digits_say_the_number(number: int) -> None:
    digits = decimal_text(number)

    read = 0
    for start in range(0, len(digits), 1_000):
        part = digits[start : start + 1_000]
        read = read * 10 ** len(part) + int(part)
    assert read == number
    assert digits == "0" or not digits.startswith("0")
