"""KZG commitments and cell proofs of blobs (EIP-4844, EIP-7594), through the c-kzg library.

The trusted setup of the KZG ceremony lies beside this file, as c-kzg reads it. Loading it takes seconds, which is done
in the thread that brings the first blob; c-kzg lets go of the interpreter meanwhile.
"""

from functools import lru_cache
from importlib.resources import as_file, files
from threading import Lock
from typing import Any, Final

from txpool.core.blob_sidecar import CELL_PROOFS_PER_BLOB, Sidecar
from txpool.ingest.g1_point import point_fault

OPENING: Final = "can't verify opening proof"  # the words of geth's library
_CELLS: Final = list(range(CELL_PROOFS_PER_BLOB))
_LOADING: Final = Lock()


def cell_proofs(blob: bytes) -> tuple[bytes, ...]:
    """Compute the proofs of a blob's cells: a tenth of a second. Its field elements must be below the modulus."""
    library, setup = kzg_library()
    _, proofs = library.compute_cells_and_kzg_proofs(blob, setup)
    return tuple(proofs)


def proof_fault(sidecar: Sidecar) -> str | None:
    """What is wrong with a sidecar's commitments and cell proofs, in the words of geth's library; None for nothing.

    Args:
        sidecar: of version 1, its counts in order and its blobs canonical.
    """
    fault = next(filter(None, map(point_fault, sidecar.commitments)), None)
    if fault:
        return fault
    library, setup = kzg_library()
    commitments = [commitment for commitment in sidecar.commitments for _ in _CELLS]
    cells = [cell for blob in sidecar.blobs for cell in library.compute_cells(blob, setup)]
    proofs = list(sidecar.proofs)
    try:
        good = library.verify_cell_kzg_proof_batch(commitments, _CELLS * len(sidecar.blobs), cells, proofs, setup)
    except RuntimeError:  # a point that is none; the library does not tell which
        return next(filter(None, map(point_fault, proofs)), OPENING)
    return None if good else OPENING


def kzg_library() -> tuple[Any, Any]:
    """The c-kzg module and its loaded setup; the first call takes seconds."""
    with _LOADING:
        return _loaded()


@lru_cache(maxsize=1)
def _loaded() -> tuple[Any, Any]:
    import ckzg  # type: ignore[import-not-found]  # noqa: PLC0415 - a library without types; most daemons see no blob

    with as_file(files(__package__) / "trusted_setup.txt") as path:
        return ckzg, ckzg.load_trusted_setup(str(path), 0)
