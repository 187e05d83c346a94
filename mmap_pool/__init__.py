"""A pool of byte slots in shared memory that no garbage collector walks.

Objects of any size up to the largest size class go in, an int (the handle) comes out. The way of one payload from
`put` to `free` is told in `docs/slab.md`.
"""

from mmap_pool.arena import SLAB_BYTES, Arena
from mmap_pool.errors import DoubleFreeError, HandleError, OutOfRangeError, OversizedError, StaleHandleError
from mmap_pool.handle import Handle
from mmap_pool.lease import Lease
from mmap_pool.pages import PageReport, Pages
from mmap_pool.pool import SlabPool
from mmap_pool.scavenger import Scavenger, Survey
from mmap_pool.stats import ClassStats, PoolStats

__all__ = [
    "SLAB_BYTES",
    "Arena",
    "ClassStats",
    "DoubleFreeError",
    "Handle",
    "HandleError",
    "Lease",
    "OutOfRangeError",
    "OversizedError",
    "PageReport",
    "Pages",
    "PoolStats",
    "Scavenger",
    "SlabPool",
    "StaleHandleError",
    "Survey",
]
