"""A corpus as JSON-RPC requests, and what their answers say."""

import re
from binascii import hexlify
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from loadtest.corpus import Corpus

REASON_CHARS_MAX: Final = 80
_ACCEPTED: Final = b'"result":"0x'
_NUMBER: Final = re.compile(r"0x[0-9a-fA-F]+|\d+")


class Request(msgspec.Struct, frozen=True, gc=False):
    """A body to send, and how many transactions it holds."""

    body: bytes
    transactions: int


def requests(corpus: Corpus, batch: int, process: int = 0, processes: int = 1) -> Iterator[Request]:
    """Every `processes`-th request of a corpus, from the `process`-th on; batches of one are single calls."""
    for start in range(process * batch, len(corpus), processes * batch):
        stop = min(start + batch, len(corpus))
        if batch == 1:
            yield Request(_call(corpus[start], start), 1)
        else:
            calls = b",".join([_call(corpus[number], number) for number in range(start, stop)])
            yield Request(b"[%b]" % calls, stop - start)


def _call(raw: bytes, number: int) -> bytes:
    return b'{"jsonrpc":"2.0","id":%d,"method":"eth_sendRawTransaction","params":["0x%b"]}' % (number, hexlify(raw))


def verdicts(body: bytes, transactions: int) -> tuple[int, list[str]]:
    """How many of a request's transactions were accepted, and why each of the others was not.

    What servers write without blanks is counted without parsing.
    """
    accepted = body.count(_ACCEPTED)
    if accepted == transactions:
        return accepted, []
    try:
        answers = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return 0, ["no JSON"] * transactions
    if not isinstance(answers, list):
        answers = [answers]
    reasons = [_reason(answer) for answer in answers if not _is_accepted(answer)]
    reasons += ["no answer"] * (transactions - len(answers))
    return sum(map(_is_accepted, answers)), reasons


def _is_accepted(answer: Any) -> bool:  # noqa: ANN401 - JSON that a server wrote
    return isinstance(answer, dict) and isinstance(answer.get("result"), str)


def _reason(answer: Any) -> str:  # noqa: ANN401 - JSON that a server wrote
    """The kind of a refusal: its message without the numbers that make each one different."""
    error = answer.get("error") if isinstance(answer, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    if not isinstance(message, str):
        return "no answer"
    return _NUMBER.sub("N", message)[:REASON_CHARS_MAX]
