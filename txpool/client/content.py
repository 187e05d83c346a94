"""What lies in the pool, sender by sender, and what the queued ones wait for."""

from collections.abc import Iterator, Mapping
from typing import Final, cast

from txpool.client.input_lines import pieces
from txpool.client.jsonrpc import Json, RpcClient, quantity
from txpool.client.table import table
from txpool.client.units import format_gwei, format_value
from txpool.core.address import checksum_address

SUBPOOLS: Final = ("pending", "queued")
Fields = Mapping[str, Json]
Content = Mapping[str, Mapping[str, Fields]]  # by subpool, sender, nonce
# Subpool, sender, nonce (decimal, as geth writes it), and what the server says of the transaction.
Row = tuple[str, str, str, Json]


def fetch_content(rpc: RpcClient, sender: str | None) -> Json:
    """Ask for all of the pool, or for what one sender has there."""
    if sender is None:
        return rpc.call("txpool_content")
    return rpc.call("txpool_contentFrom", sender)


def describe_content(content: Json, sender: str | None) -> str:
    """Write the transactions for people, a table."""
    if sender is not None:
        content = {name: {checksummed(sender): part} for name, part in cast("dict[str, Json]", content).items()}
    rows = [(subpool, who, nonce, *_columns(cast("Fields", tx))) for subpool, who, nonce, tx in rows_of(content)]
    head = ("subpool", "sender", "nonce", "to", "value", "gas", "fee cap", "tip cap", "hash")
    return table(head, rows) if rows else "The pool is empty."


def describe_inspection(inspection: Json) -> str:
    """Write geth's summaries for people, a table."""
    rows = list(rows_of(inspection))
    return table(("subpool", "sender", "nonce", "summary"), rows) if rows else "The pool is empty."


def rows_of(content: Json) -> Iterator[Row]:
    """Flatten the pool: pending before queued, nonces of a sender in order."""
    for subpool in SUBPOOLS:
        for sender, by_nonce in cast("Content", content)[subpool].items():
            for nonce in sorted(by_nonce, key=int):
                yield subpool, sender, nonce, by_nonce[nonce]


def explain_queued(rpc: RpcClient, inspection: Json) -> Iterator[str]:
    """Say of each sender with queued transactions what they wait for."""
    first = {
        sender: int(nonce) for subpool, sender, nonce, _ in reversed(list(rows_of(inspection))) if subpool == "queued"
    }
    for senders in pieces(sorted(first)):
        answers = rpc.ask([("eth_getTransactionCount", [sender, "pending"]) for sender in senders])
        for sender, answer in zip(senders, answers, strict=True):
            yield f"{sender}: {_wait(quantity(answer), first[sender])}"


def _wait(expected: int, nonce: int) -> str:
    if nonce <= expected:
        return f"nonce {nonce} is next, but waits for funds or for room in the pool"
    last = nonce - 1
    missing = {0: f"{expected} arrives", 1: f"{expected} and {last} arrive"}.get(last - expected)
    missing = missing or f"{expected} to {last} arrive"
    return f"nonce gap: next nonce is {expected}, the first queued one has {nonce}; it waits until {missing}"


def _columns(tx: Fields) -> tuple[str, ...]:
    to = tx["to"]
    fee_cap = tx.get("maxFeePerGas", tx["gasPrice"])
    tip_cap = tx.get("maxPriorityFeePerGas", tx["gasPrice"])
    return (
        "(creation)" if to is None else checksummed(str(to)),
        format_value(quantity(tx["value"])),
        str(quantity(tx["gas"])),
        format_gwei(quantity(fee_cap)),
        format_gwei(quantity(tip_cap)),
        str(tx["hash"]),
    )


def checksummed(address: str) -> str:
    """Write an address with the checksum of EIP-55.

    Raises:
        ValueError: it is no address, or one whose own checksum does not fit.
    """
    digits = address.removeprefix("0x")
    try:
        raw = bytes.fromhex(digits)
    except ValueError:
        raw = b""
    if len(raw) != 20 or len(digits) != 40:
        raise ValueError(f"{address!r} is no address: 0x and 40 hexadecimal digits are one")
    right = checksum_address(raw)
    if digits not in (digits.lower(), digits.upper(), right.removeprefix("0x")):
        raise ValueError(f"{address} has a wrong checksum: a digit is mistyped, or the case of a letter")
    return right
