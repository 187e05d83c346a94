"""What fuzzing starts from: recorded transactions, valid and broken, and some of each type made here."""

import gzip
import json
from pathlib import Path
from typing import Final

from tests.core.transactions import RECIPIENT, unsigned
from tests.outside import ROOT, SHARED
from txpool.core.blob_sidecar import POINT_BYTES, Sidecar
from txpool.core.signature import sign, sign_authorization
from txpool.core.tx import ACCESS_LIST, BLOB, DYNAMIC_FEE, LEGACY, SET_CODE

# Longer ones cost time and bring no shape that the shorter do not have; blobs are made here, empty.
SEED_BYTES_MAX: Final = 2_048

_KEPT: Final = ("txvalid", "txfork", "txsign")
_SHARED: Final = ("txvalid", "txfork", "txfuzz", "blobnet")
_KEY: Final = b"\x11" * 32
_POINT: Final = b"\x5a" * POINT_BYTES
_LISTED: Final = ((RECIPIENT, (b"\x01" * 32, b"\x02" * 32)), (b"\x33" * 20, ()))


def corpus() -> list[bytes]:
    """All seeds, each once, in an order that does not change: own ones, those of the repository, those beside it."""
    kept = [ROOT / f"tests/data/{family}.json.gz" for family in _KEPT]
    beside = [SHARED / f"vectors/{family}.json.gz" for family in _SHARED]
    recorded = [raw for path in (*kept, *beside) if path.exists() for raw in _transactions(path)]
    return list(dict.fromkeys([*_own(), *recorded]))


def _transactions(path: Path) -> list[bytes]:
    with gzip.open(path) as text:
        cases = json.load(text)["cases"]
    texts = [text for case in cases for text in (case["raw"].values() if "raw" in case else (case["tx"],)) if text]
    longest = 2 + 2 * SEED_BYTES_MAX
    return [bytes.fromhex(text.removeprefix("0x")) for text in texts if len(text) <= longest]


def _own() -> list[bytes]:
    authorizations = tuple(sign_authorization(1337, RECIPIENT, nonce, _KEY) for nonce in (0, 200))
    wrapped = [Sidecar(version, (), (_POINT,) * 2, (_POINT,) * 3) for version in (0, 1)]
    return [
        *(sign(unsigned(kind), _KEY) for kind in (LEGACY, ACCESS_LIST, DYNAMIC_FEE, BLOB, SET_CODE)),
        *(sign(unsigned(kind, access_list=_LISTED, data=b"\x00\x7f\x80\xff" * 20), _KEY) for kind in range(1, 5)),
        *(sign(unsigned(BLOB, sidecar=beside), _KEY) for beside in wrapped),
        sign(unsigned(LEGACY, chain_id=None, to=None, data=b"\x60"), _KEY),
        sign(unsigned(SET_CODE, authorizations=authorizations), _KEY),
        b"",
    ]
