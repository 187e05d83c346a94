"""Plain counters of the ingest, read when somebody scrapes."""

from txpool.core.rejection import Reason


class IngestCounters:
    """Counts since the start.

    Attributes:
        batches: batches judged.
        batch_sizes: batches by the bit length of their size: [1] counts those of 1, [2] of 2-3, [3] of 4-7 ...
        transactions: transactions that reached the pool.
        decoded_on_threads: large transactions decoded elsewhere than in the loop's thread.
        recovered_inline: senders recovered in the loop's thread.
        recovered_on_threads: senders recovered elsewhere.
        refused: refusals that the pool never saw, by reason.
        refused_busy: transactions turned away because too many waited.
        kernel_faults: times that the kernel broke by a bug of ours, and Python took over.
        crashed: batches that a bug of ours ended.
    """

    __slots__ = (
        "batch_sizes",
        "batches",
        "crashed",
        "decoded_on_threads",
        "kernel_faults",
        "recovered_inline",
        "recovered_on_threads",
        "refused",
        "refused_busy",
        "transactions",
    )

    def __init__(self) -> None:
        self.batches = 0
        self.batch_sizes = [0] * 16
        self.transactions = 0
        self.decoded_on_threads = 0
        self.recovered_inline = 0
        self.recovered_on_threads = 0
        self.refused = dict.fromkeys((Reason.UNDECODABLE, Reason.TX_FEE_CAP, Reason.UNPROTECTED), 0)
        self.refused |= {Reason.ALREADY_KNOWN: 0, Reason.SIDECAR_CONVERSION: 0, Reason.TIP_BELOW_MINIMUM: 0}
        self.refused_busy = 0
        self.kernel_faults = 0
        self.crashed = 0
