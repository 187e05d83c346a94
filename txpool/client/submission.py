"""Hand signed transactions in, many to a request, and wait until blocks hold them."""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from txpool.client.errors import RpcError
from txpool.client.input_lines import Line, answered, pieces
from txpool.client.jsonrpc import BUSY_CODE, LATER_S, Json, RpcClient, quantity

POLL_S: Final = 0.2


class Outcome(NamedTuple):
    """What became of one line of input: a hash if the pool took it, else the error that it answered."""

    line: int
    hash: str | None = None
    error: RpcError | None = None


class Inclusion(NamedTuple):
    """Where an accepted transaction is after waiting; `block` is None if no block held it in time."""

    hash: str
    block: int | None
    succeeded: bool = False


def submit(rpc: RpcClient, batches: Iterable[Sequence[Line]], patience_s: float) -> Iterator[list[Outcome]]:
    """Send batch after batch; outcomes in the order of the input, a batch at a time."""

    def send(texts: list[str]) -> list[Json | RpcError]:
        return _sent(rpc, texts, time.monotonic() + patience_s)

    for batch in answered(batches, send):
        yield [_outcome(line, answer) for line, answer in batch]


def _sent(rpc: RpcClient, texts: Sequence[str], give_up: float) -> list[Json | RpcError]:
    """Send, and send again what a busy server turned away, as long as there is time."""
    answers = rpc.batch([("eth_sendRawTransaction", [text]) for text in texts])
    while (away := [i for i, answer in enumerate(answers) if _turned_away(answer)]) and time.monotonic() < give_up:
        time.sleep(LATER_S)
        again = rpc.batch([("eth_sendRawTransaction", [texts[i]]) for i in away])
        for i, answer in zip(away, again, strict=True):
            answers[i] = answer
    return answers


def _turned_away(answer: Json | RpcError) -> bool:
    return isinstance(answer, RpcError) and answer.code == BUSY_CODE


def _outcome(line: int, answer: Json | RpcError) -> Outcome:
    return Outcome(line, error=answer) if isinstance(answer, RpcError) else Outcome(line, hash=str(answer))


def inclusions(rpc: RpcClient, hashes: Sequence[str], patience_s: float) -> Iterator[Inclusion]:
    """Tell of each transaction as soon as a block holds it; after `patience_s` seconds, of those that none holds."""
    waiting = list(dict.fromkeys(hashes))
    give_up = time.monotonic() + patience_s
    while waiting:
        left = []
        for batch in pieces(waiting):
            for found in _looked_up(rpc, batch):
                if found.block is None:
                    left.append(found.hash)
                else:
                    yield found
        waiting = left
        if waiting and time.monotonic() >= give_up:
            yield from (Inclusion(tx_hash, None) for tx_hash in waiting)
            return
        if waiting:
            time.sleep(POLL_S)


def _looked_up(rpc: RpcClient, hashes: Sequence[str]) -> Iterator[Inclusion]:
    receipts = rpc.ask([("eth_getTransactionReceipt", [tx_hash]) for tx_hash in hashes])
    for tx_hash, receipt in zip(hashes, receipts, strict=True):
        if isinstance(receipt, dict):
            yield Inclusion(tx_hash, quantity(receipt["blockNumber"]), succeeded=receipt.get("status") == "0x1")
        else:
            yield Inclusion(tx_hash, None)
