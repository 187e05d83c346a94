"""Plain counters of what the pool did; published when somebody scrapes."""

from txpool.core.rejection import REFUSALS, REMOVALS


class Tallies:
    """Counts since start. Every reason is there from the beginning, so a scrape always shows the same series."""

    def __init__(self) -> None:
        self.accepted = 0
        self.rejected = dict.fromkeys(REFUSALS, 0)
        self.removed_pending = dict.fromkeys(REMOVALS, 0)
        self.removed_queued = dict.fromkeys(REMOVALS, 0)
        self.removed_blob = dict.fromkeys(REMOVALS, 0)
        self.included = 0
        self.reinjected = 0
        self.reinject_refused = 0
        self.promoted = 0
        self.demoted = 0
        self.head_updates = 0
