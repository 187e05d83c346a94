"""What a study of go-ethereum says of pooled memory, sentence by sentence, and how each is tested here."""

from typing import Final

from loadtest.experiments.judge import Amount, Claim, Effect

STAGE_BYTES: Final = {"received": 320, "validating": 840, "pending": 1120}  # the study's names: docs/architecture.md
STAGE_TOLERANCE: Final = 0.1

_P99_REMARK: Final = (
    "A P99 over all collections falls among the young ones, and a store that causes fewer of them moves it towards the"
    " rare full ones: look at the longest, and at all together."
)
_BATCHES: Final = "A batch saves a little of each call. In time lowest-first empties small pages, whatever the batch."
_PRODUCTION: Final = (
    "A production node over months, with peers, a state database and another collector cannot be had here."
)

CLAIMS: Final = (
    Claim(
        id="pause",
        sentence="At 10 000 TPS for 5 minutes, the pool in an mmap slab takes the P99 pause from 42 to 1.3 ms.",
        told="42 -> 1.3 ms (to 3.1 %)",
        readings=(
            Effect("headline", "pause_p99_ms", "heap", "mmap", 1.3 / 42),
            Effect("headline", "pause_p99_ms", "heap", "mmap", 1.3 / 42, long=True),
            Effect("headline", "pause_longest_ms", "heap", "mmap", 1.3 / 42),
            Effect("headline", "pause_longest_ms", "heap", "mmap", 1.3 / 42, long=True),
            Effect("headline", "pause_total_ms", "heap", "mmap", 1.3 / 42),
            Effect("headline", "pause_longest_ms", "heap", "untracked", 1.3 / 42),
            Effect("million", "pauses.all.longest", "heap", "mmap", 1.3 / 42),
            Effect("million", "pauses.all.total", "heap", "mmap", 1.3 / 42),
            Effect("million", "pauses.all.longest", "heap", "untracked", 1.3 / 42),
            Effect("million", "pauses.all.longest", "heap", "heap-raised", 1.3 / 42),
        ),
        why=_P99_REMARK,
    ),
    Claim(
        id="heap",
        sentence="The same takes 68 % off the peak of the heap.",
        told="-68 % (to 32 %)",
        readings=(
            Effect("headline", "heap_peak_bytes", "heap", "mmap", 0.32),
            Effect("headline", "heap_peak_bytes", "heap", "mmap", 0.32, long=True),
            Effect("headline", "heap_added_bytes", "heap", "mmap", 0.32),
            Effect("headline", "resident_peak_bytes", "heap", "mmap", 0.70),
            Effect("headline", "heap_peak_bytes", "heap", "untracked", 0.32),
            Effect("million", "heap_bytes", "heap", "mmap", 0.32),
            Effect("million", "heap_bytes_all", "heap", "mmap", 0.32),
            Effect("million", "resident_bytes", "heap", "mmap", 0.70),
        ),
        why="The slabs are not heap; resident bytes, slabs included, stand beside.",
    ),
    Claim(
        id="production-pause",
        sentence="In production the P99 pause falls from 187.3 to 71.2 ms.",
        told="187.3 -> 71.2 ms (to 38 %)",
        readings=(
            Effect("headline", "pause_p99_ms", "heap", "mmap", 71.2 / 187.3, long=True),
            Effect("headline", "pause_longest_ms", "heap", "mmap", 71.2 / 187.3, long=True),
            Effect("headline", "pause_longest_ms", "heap", "mmap", 71.2 / 187.3),
        ),
        elsewhere=_PRODUCTION,
        why="Beside it: the longest run.",
    ),
    Claim(
        id="production-growth",
        sentence="In production resident memory grows by 0.4 GB an hour instead of 2.1.",
        told="2.1 -> 0.4 GB/h (to 19 %)",
        readings=(Effect("regimes", "resident_gb_per_hour", "heap, steady", "mmap, steady", 0.4 / 2.1),),
        elsewhere=_PRODUCTION,
        why="Beside it: the growth of a steady pool within minutes.",
    ),
    Claim(
        id="collections",
        sentence="Pooled instead of plain allocation takes the number of collections from 87 to 12.",
        told="87 -> 12 (to 14 %)",
        readings=(
            Effect("regimes", "collections", "heap, swing", "cache, swing", 12 / 87),
            Effect("regimes", "collections", "heap, grow", "cache, grow", 12 / 87),
            Effect("regimes", "collections", "heap, steady", "cache, steady", 12 / 87),
        ),
        why="CPython collects when tracked objects have grown in number, Go when bytes have: buffers are not tracked.",
    ),
    Claim(
        id="heap-growth",
        sentence="Pooled instead of plain allocation takes 86.6 % off the growth of the heap.",
        told="-86.6 % (to 13.4 %)",
        readings=(
            Effect("regimes", "heap_added_bytes", "heap, swing", "cache, swing", 0.134),
            Effect("regimes", "heap_added_bytes", "heap, steady", "cache, steady", 0.134),
        ),
        why="References that end free memory at once here; there is no garbage that waits for a collector.",
    ),
    Claim(
        id="buffer",
        sentence="Taking and giving back a buffer costs 3.1 ns instead of 28.",
        told="28 -> 3.1 ns (to 11 %)",
        readings=(
            Effect("get_put", "hot", "allocation: bytearray", "slab free list", 3.1 / 28),
            Effect("get_put", "hot", "allocation: bytearray", "object cache", 3.1 / 28),
            Effect("get_put", "deep", "allocation: bytearray", "slab free list", 3.1 / 28),
            Effect("get_put", "hot", "store: heap", "store: mmap", 3.1 / 28),
        ),
        why="One turn of an empty loop takes some 6 ns in this interpreter, a call of a method 50.",
    ),
    Claim(
        id="reuse",
        sentence="The share of buffers that a cache reuses falls from 89 to 41 % under chain load.",
        told="89 -> 41 % (to 46 %)",
        readings=(
            Effect("reuse", "reuse_ratio", "cache, calm", "cache, chain load", 41 / 89),
            Effect("reuse", "reuse_ratio", "cache, calm", "cache, chain load, aged by all", 41 / 89),
            Effect("reuse", "reuse_ratio", "mmap, calm", "mmap, chain load", 41 / 89),
            Amount("reuse", "reuse_ratio", "cache, calm", 0.84, 0.94),
        ),
        why="Only full collections empty the cache here; what falls with `mmap` too is not the cache's doing.",
    ),
    Claim(
        id="fragmentation",
        sentence="Large pages and batches of 256 instead of 32 take fragmentation from 12 to 5 %.",
        told="12 -> 5 % (to 42 %)",
        readings=(
            *(
                Effect("batch_sizes", "fragmentation", f"normal, {way}, 32", f"{pages}, {way}, 256", 5 / 12)
                for way in ("cached", "apart", "together")
                for pages in ("huge", "normal")
            ),
        ),
        why=_BATCHES,
    ),
    Claim(
        id="latency",
        sentence="The same takes the latency of a call from 8.2 to 6.7 us.",
        told="8.2 -> 6.7 us (to 82 %)",
        readings=(
            *(
                Effect("batch_sizes", "replacement_us", f"normal, {way}, 32", f"{pages}, {way}, 256", 6.7 / 8.2)
                for way in ("cached", "apart", "together")
                for pages in ("huge", "normal")
            ),
        ),
        why=_BATCHES,
    ),
    Claim(
        id="spikes",
        sentence="Returning pages on the hot path makes spikes of 50 to 200 us.",
        told="50 to 200 us",
        readings=(
            Amount("page_spikes", "put_us.p99.9", "inline", 50, 200),
            Amount("page_spikes", "free_us.p99.9", "inline", 50, 200),
            Amount("page_spikes", "put_us.p99.9", "never", 50, 200),
            Amount("page_spikes", "put_us.p99.9", "deferred", 50, 200),
            Amount("page_spikes", "put_us.p99.9", "kept", 50, 200),
            Effect("page_spikes", "put_us.spikes_per_million", "never", "inline", 2.0),
            Effect("page_spikes", "put_us.spikes_per_million", "inline", "kept", 0.5),
        ),
        why="It is the put that pays, for memory that went and has to be had again: one in a thousand. Returning later"
        " saves the free, not the put; what helps is to keep some, as the scavenger does.",
    ),
    *(
        Claim(
            id=f"stage-{stage}",
            sentence=f"A transaction that is {stage} holds {held} bytes.",
            told=f"{held} B",
            readings=tuple(
                Amount("allocated", stage, store, held * (1 - STAGE_TOLERANCE), held * (1 + STAGE_TOLERANCE))
                for store in ("mmap", "heap")
            ),
            elsewhere="Bytes of other objects in another language.",
            why=f"Within {STAGE_TOLERANCE:.0%} would count as the same. Stages in this program's words.",
        )
        for stage, held in STAGE_BYTES.items()
    ),
    Claim(
        id="stage-gone",
        sentence="A transaction that has left holds nothing.",
        told="0 B",
        readings=tuple(Amount("allocated", "gone", store, 0, 0.5) for store in ("mmap", "heap")),
        why="The transaction itself is gone to the last byte; what is left are tables that keep room for the next.",
    ),
    Claim(
        id="aim-pauses",
        sentence="Our aim: growing to a million, the longest pause is a thirtieth of plain objects', as are all.",
        told="to 3.3 %",
        readings=(
            Effect("million", "pauses.all.longest", "heap", "mmap", 1 / 30),
            Effect("million", "pauses.all.total", "heap", "mmap", 1 / 30),
            Effect("million", "full_ms", "heap", "mmap", 1 / 30),
            Effect("million", "full_again_ms", "heap", "mmap", 1 / 30),
            Effect("million", "pauses.all.total", "heap", "untracked", 1 / 30),
            Effect("headline", "pause_longest_ms", "heap", "mmap", 1 / 30),
        ),
        why="Nothing else runs in that process, so a store that adds no container sees no collection; a server's"
        " requests are containers, and set some off. `untracked` does it too: it is the tracking that costs, not the"
        " place.",
    ),
    Claim(
        id="aim-heap",
        sentence="Our aim: at equal content, a million, Python's heap is at most 32 % of plain objects'.",
        told="to 32 %",
        readings=(
            Effect("million", "heap_bytes", "heap", "mmap", 0.32),
            Effect("million", "heap_bytes_all", "heap", "mmap", 0.32),
            Effect("million", "resident_bytes", "heap", "mmap", 0.70),
            Effect("million", "heap_bytes", "heap", "untracked", 0.32),
        ),
        why="Indexes are heap for every store. Resident bytes count the slabs, too: at most 70 % is the aim.",
    ),
    Claim(
        id="aim-returning",
        sentence="Our aim: after evicting 90 %, and replacements, the slab holds at most 30 % of its full bytes.",
        told="at most 30 %",
        readings=(
            Amount("returning", "part_of_full.replaced.file_bytes", "mmap", 0, 0.30),
            Amount("returning", "part_of_full.replaced.slab_resident_bytes", "mmap", 0, 0.30),
            Amount("returning", "part_of_full.evicted.file_bytes", "mmap", 0, 0.30),
            Amount("returning", "part_of_full.replaced.resident_bytes", "heap", 0, 0.30),
        ),
        why="Straight after the eviction almost all pages still hold a survivor.",
    ),
)
