"""The README's tables of what geth says and what we say, some of it and all, made from the recorded scenarios.

    python -m tests.oracle.verdict_table    writes them into the README

Each refusal that a recorded geth gave is matched with the sentences of ours. That the daemon gives it too, to the same
transaction in the same pool, is what the replays of the scenarios prove; here it is only told.
"""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from tests.outside import ROOT, shared
from txpool.core.rejection import SENTENCE, Reason
from txpool.rpc.local_tracker import HIDDEN

BEGIN: Final = "<!-- made by tests/oracle/verdict_table.py -->\n"
END: Final = "<!-- end -->\n"
SOME_BEGIN: Final = "<!-- some, made by tests/oracle/verdict_table.py -->\n"
SOME_END: Final = "<!-- end of some -->\n"
SOME: Final = (Reason.NONCE_TOO_LOW, Reason.UNDERPRICED, Reason.REPLACEMENT_UNDERPRICED)
README: Final = ROOT / "README.md"
SEEDS: Final = range(1, 9)

HEAD: Final = "| our reason | geth says, for example | we say | recorded |\n|---|---|---|---|\n"

# Sentences that are nothing but what a library found wrong match anything; they are asked last.
_VAGUE: Final = (Reason.UNDECODABLE, Reason.BLOB_NOT_CANONICAL)


def patterns() -> dict[Reason, re.Pattern[str]]:
    """Each sentence as a pattern, the long ones first, so that a sentence is not taken for its own beginning."""
    named = sorted((reason for reason in SENTENCE if reason not in _VAGUE), key=lambda each: -len(SENTENCE[each]))
    escaped = {reason: re.sub(r"\\{\w+\\}", "(.+)", re.escape(SENTENCE[reason])) for reason in named}
    return {reason: re.compile(pattern) for reason, pattern in escaped.items()}


def reason_of(text: str, known: dict[Reason, re.Pattern[str]]) -> Reason:
    """Which of our refusals has these words."""
    return next((reason for reason, pattern in known.items() if pattern.fullmatch(text)), Reason.UNDECODABLE)


def refusals() -> Iterator[str]:
    """What recorded geths answered to transactions that they did not take."""
    for seed in SEEDS:
        with gzip.open(shared(f"oracle/seed-{seed}.jsonl.gz"), "rt") as lines:
            for line in lines:
                yield from _refused(json.loads(line))


def _refused(step: dict[str, Any]) -> Iterator[str]:
    if step.get("method") == "eth_sendRawTransaction" and step.get("error", {}).get("code") == -32000:
        yield step["error"]["message"]
    for call, answer in zip(step.get("body", ()), step.get("responses") or step.get("response") or (), strict=False):
        if step["op"] == "batch" and isinstance(call, dict) and call.get("method") == "eth_sendRawTransaction":
            error = answer.get("error", {}) if isinstance(answer, dict) else {}
            if error.get("code") == -32000:
                yield error["message"]


def rows() -> dict[Reason, str]:
    """A row for each of our reasons that was recorded, in their order."""
    known = patterns()
    counts: Counter[Reason] = Counter()
    examples: dict[Reason, str] = {}
    for text in refusals():
        reason = reason_of(text, known)
        counts[reason] += 1
        examples[reason] = min(examples.get(reason, text), text, key=lambda each: (len(each), each))
    return {
        reason: f"| `{reason}` | {_quoted(examples[reason])} | {_ours(reason)} | {counts[reason]} |\n"
        for reason in SENTENCE
        if reason in counts
    }


def _ours(reason: Reason) -> str:
    return "the same; `*`" if reason in HIDDEN else "the same"


def _quoted(text: str) -> str:
    return f"`{text.replace('|', '/')}`"


def written(readme: str) -> str:
    """The README with the tables as they are now."""
    found = rows()
    some = HEAD + "".join(found[reason] for reason in SOME)
    return _put(_put(readme, SOME_BEGIN, some, SOME_END), BEGIN, HEAD + "".join(found.values()), END)


def _put(text: str, begin: str, table: str, end: str) -> str:
    start = text.index(begin) + len(begin)
    return text[:start] + table + text[text.index(end, start) :]


if __name__ == "__main__":
    README.write_text(written(README.read_text()))
