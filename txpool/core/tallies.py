"""Plain counters of what the pool did; published when somebody scrapes."""

from txpool.core.rejection import REFUSALS, REMOVALS, Reason


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

    def evicted(self) -> int:
        """How many left the pool for another reason than a block, or another in their place."""
        removed = (self.removed_pending, self.removed_queued, self.removed_blob)
        return sum(sum(each.values()) - each[Reason.REPLACED] for each in removed)
