"""What people are told to do about a refusal can help them."""

import pytest

from txpool.client.advice import advice
from txpool.core.rejection import Reason, Rejected


@pytest.mark.parametrize(
    ("refusal", "hint"),
    [
        (
            Rejected(Reason.CHAIN_UNDERPRICED, {"nonce": 7}),
            "Raise the fees of the nonce that the message names, then send this again.",
        ),
        (
            Rejected(Reason.ACCOUNT_OVER_SLOTS, {"pending": 16, "limit": 16}),
            "Wait until a block holds some of the account's own.",
        ),
        (Rejected(Reason.EVICTION_QUOTA, {"evicted": 1280, "limit": 1280}), "Try again after the next block."),
        (Rejected(Reason.POOL_FULL), "Try later, or with a higher tip."),
        (
            Rejected(Reason.UNDERPRICED),
            "The pool is full of better offers: raise fee cap and tip, or try later.",
        ),
        (
            Rejected(Reason.REPLACEMENT_UNDERPRICED),
            "Raise fee cap and tip both by the price bump, 10 % by default.",
        ),
        (
            Rejected(Reason.BLOB_REPLACEMENT_UNDERPRICED, {"fee": "gas fee cap", "new": 3, "old": 2, "bump": 100}),
            "Raise fee cap, tip and blob fee cap: each to the double, by default.",
        ),
        (
            Rejected(Reason.BLOB_FEE_CAP_BELOW_MINIMUM, {"fee": 0, "needed": 1}),
            "Raise what the message names to the minimum that it names.",
        ),
        (Rejected(Reason.OVERSIZED, {"size": 131_081, "limit": 131_072}), None),
    ],
)
def test_the_advice_is_that_of_the_reason(refusal: Rejected, hint: str | None) -> None:
    assert advice(str(refusal)) == hint
