"""What to do about a refusal, where the message does not say it itself."""

from typing import Final

# The first one whose words occur in the message counts, so what is special comes before what is general.
_ADVICE: Final = (
    ("already known", "The pool has this very transaction: nothing to do."),
    ("nonce too low", "A block holds that nonce already: sign again with the next nonce that the message names."),
    ("nonce too high", "Send the transactions with the nonces before it first."),
    ("nonce has max value", "No block can hold that nonce: sign with a smaller one."),
    ("worth no more than nonce", "Raise the fees of the nonce that the message names, then send this again."),
    ("txpool is full: account has", "Wait until a block holds some of the account's own."),
    ("have made way since the last block", "Try again after the next block."),
    ("replacement transaction underpriced: ", "Raise fee cap, tip and blob fee cap: each to the double, by default."),
    ("replacement transaction underpriced", "Raise fee cap and tip both by the price bump, 10 % by default."),
    ("transaction gas price below minimum", "Raise what the message names to the minimum that it names."),
    ("transaction underpriced", "The pool is full of better offers: raise fee cap and tip, or try later."),
    ("future transaction tries to replace pending", "The pool is full: send the missing nonces first, or try later."),
    ("txpool is at its memory limit", "Try later; a replacement without blobs that is no larger is taken now."),
    ("nonce gap refused while", "Send the transactions with the nonces before it first, or try later."),
    ("txpool is full", "Try later, or with a higher tip."),
    ("insufficient funds", "Send ether to the sender, or lower value, gas limit or fee cap."),
    ("exceeds the configured cap", "Lower gas limit or fee cap, or raise rpc.tx_fee_cap_ether on the server."),
    ("only replay-protected", "Sign with a chain id (EIP-155), or set rpc.allow_unprotected on the server."),
    ("invalid chain id for signer", "Sign for the chain id that the message wants: this one is for another chain."),
    ("max priority fee per gas higher", "The tip is a part of the fee cap: raise the cap or lower the tip."),
    ("intrinsic gas too low", "Raise the gas limit to what the message says is needed."),
    ("insufficient gas for floor data", "Raise the gas limit to what the message says is needed."),
    ("exceeds block gas limit", "No block has room for that gas limit: lower it."),
    ("in-flight transaction limit", "The sender is delegated (EIP-7702): wait until a block holds its pending one."),
    ("gapped-nonce tx from delegated", "The sender is delegated (EIP-7702): use its next nonce, without a gap."),
    ("authority already reserved", "Wait until the authority's own transactions have left the pool."),
)


def advice(message: str) -> str | None:
    """Say what to do next; None where the message says it all."""
    return next((words for sign, words in _ADVICE if sign in message), None)
