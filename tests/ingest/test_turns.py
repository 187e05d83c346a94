"""What a turn of the ingest is run by, and what it holds meanwhile."""

from collections.abc import Callable

from tests.observe.clocks import Ticking
from tests.rpc.loop import run
from tests.rpc.node import ALICE, Node, transfer
from txpool.ingest.batch import Outcome
from txpool.ingest.ingest import TURN_BYTES_MAX
from txpool.ingest.settings import IngestSettings
from txpool.observe.tags import QUERY, SUBMIT, Tags


def test_every_turn_is_run_by_who_wants_to_know_of_it() -> None:
    async def story() -> tuple[int, list[Outcome]]:
        turns = 0
        outcomes: list[Outcome] = []

        def around(turn: Callable[[], None]) -> None:
            nonlocal turns
            turns += 1
            turn()

        async with Node(ingest=IngestSettings(batch_max=2)) as node:
            node.ingest.around = around
            for nonce in range(4):
                node.ingest.offer(transfer(ALICE, nonce), outcomes.append)
            await node.ingest.drain()
        return turns, outcomes

    turns, outcomes = run(story())

    assert turns >= 2
    assert len(outcomes) == 4


def test_what_is_received_is_counted_apart_from_what_is_being_validated() -> None:
    async def story() -> list[tuple[int, int]]:
        raws = [transfer(ALICE, nonce) for nonce in range(2)]
        async with Node(ingest=IngestSettings(inline_max=0)) as node:
            ingest = node.ingest
            seen = []

            def look(turn: Callable[[], None]) -> None:
                seen.append((ingest.depth_bytes, ingest.read_bytes))
                turn()
                seen.append((ingest.depth_bytes, ingest.read_bytes))

            ingest.around = look
            for raw in raws:
                assert ingest.offer(raw, lambda _outcome: None) is None
            await ingest.drain()
            size = sum(map(len, raws))
            assert size == seen[0][0]
            return [(held // size, read // size) for held, read in seen]

    seen = run(story())

    assert seen[:2] == [(1, 0), (1, 1)]  # before it is decoded, and while its sender is recovered elsewhere
    assert seen[-1] == (0, 0)


async def at_work_in_a_dry_run(node: Node, raws: list[bytes]) -> list[str]:
    """Who was at work, in order."""
    tags = Tags(Ticking())
    told: list[str] = []
    tags.on_long = lambda source, _seconds: told.append(source.kind)
    node.ingest.around, node.ingest.carried = tags.around(SUBMIT), tags.carried
    await tags.awaited(tags.source(QUERY, "pool_check"), node.ingest.check(raws))
    assert tags.current is tags.idle
    return told


def test_a_dry_run_is_the_work_of_who_asked_for_it() -> None:
    async def story() -> list[str]:
        async with Node() as node:
            return await at_work_in_a_dry_run(node, [transfer(ALICE, nonce) for nonce in range(3)])

    # It decodes; in a turn of the ingest it is foreseen what would happen; it has its answer.
    assert run(story()) == [QUERY, SUBMIT, QUERY, SUBMIT, QUERY]


def test_so_is_one_that_is_decoded_piece_by_piece() -> None:
    async def story() -> list[str]:
        raws = [transfer(ALICE, nonce, data=bytes(TURN_BYTES_MAX // 2), gas=10**7, fee_cap=10**9) for nonce in range(3)]
        async with Node(ingest=IngestSettings(threads=0)) as node:
            return await at_work_in_a_dry_run(node, raws)

    # It is begun, three pieces are decoded, the batch goes into the lane; then as above.
    assert run(story()) == [*[QUERY] * 5, SUBMIT, QUERY, SUBMIT, QUERY]
