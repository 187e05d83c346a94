"""Memory nodes: what is asked of the kernel, and what it says it did."""

import errno
import os
from pathlib import Path

import pytest

from mmap_pool import Arena, Pages, SlabPool, numa
from tests.mmap_pool.system_pages import huge_pages

TABLE = """7f0000000000 prefer:1 file=/memfd:slab\\040(deleted) dirty=5 active=0 N0=2 N1=3 kernelpagesize_kB=4
7f0000200000 default anon=2 dirty=2 N0=2 kernelpagesize_kB=4
"""


def binding_works() -> bool:
    with Arena(2 << 20, ask=Pages.NORMAL) as arena:
        try:
            numa.prefer(arena.memory, numa.nodes()[0])
        except OSError:
            return False
        return numa.placement(arena.memory) is not None


needs_binding = pytest.mark.skipif(not binding_works(), reason="this kernel or sandbox has no mbind")


@needs_binding
@pytest.mark.parametrize("node", numa.nodes())
def test_a_bound_arena_lies_on_its_node_by_the_kernels_account(node: int) -> None:
    with Arena(8 << 20, ask=Pages.NORMAL) as arena:
        numa.prefer(arena.memory, node)
        pool = SlabPool(arena)
        while arena.slabs < 3:
            assert pool.put(bytes(1000))

        found = numa.placement(arena.memory)

        assert found
        assert found.preferred == node
        assert found.pages == {node: arena.populated_bytes // arena.page_bytes}


@needs_binding
def test_huge_pages_come_from_the_node_too() -> None:
    node = numa.nodes()[0]
    with huge_pages(2), Arena(4 << 20, ask=Pages.HUGETLB) as arena:
        numa.prefer(arena.memory, node)
        SlabPool(arena).put(b"payload")

        assert numa.placement(arena.memory) == (f"prefer:{node}", {node: 1})


def test_an_arena_that_nobody_bound_prefers_no_node() -> None:
    with Arena(2 << 20, ask=Pages.NORMAL) as arena:
        found = numa.placement(arena.memory)

        assert found is None or found.preferred is None


@needs_binding
@pytest.mark.parametrize("node", [-1, 1023, 1024, 1 << 40])
def test_a_node_that_is_not_there_is_refused(node: int) -> None:
    assert node not in numa.nodes()
    with Arena(2 << 20, ask=Pages.NORMAL) as arena:
        with pytest.raises(OSError, match=r"node|mbind") as caught:
            numa.prefer(arena.memory, node)

        assert caught.value.errno == errno.EINVAL


def test_looking_at_a_mapping_does_not_keep_it_open() -> None:
    arena = Arena(2 << 20, ask=Pages.NORMAL)
    numa.placement(arena.memory)

    arena.close()


def test_the_kernels_table_is_read(tmp_path: Path) -> None:
    with Arena(2 << 20, ask=Pages.NORMAL) as arena:
        table = tmp_path / "numa_maps"
        table.write_text(TABLE.replace("7f0000000000", f"{numa.address_of(arena.memory):012x}"))

        assert numa.placement(arena.memory, table) == ("prefer:1", {0: 2, 1: 3})
        assert numa.placement(arena.memory, tmp_path / "none") is None
        table.write_text("")
        assert numa.placement(arena.memory, table) is None


@pytest.mark.parametrize(
    ("policy", "node"),
    [("prefer:0", 0), ("prefer=static:12", 12), ("prefer:1-2", None), ("bind:0", None), ("default", None)],
)
def test_the_preferred_node_is_part_of_the_policy(policy: str, node: int | None) -> None:
    assert numa.Placement(policy, {}).preferred == node


@pytest.mark.parametrize(("text", "numbers"), [("0\n", (0,)), ("0-2,5,7-8\n", (0, 1, 2, 5, 7, 8)), ("\n", ())])
def test_lists_are_read_as_the_kernel_writes_them(text: str, numbers: tuple[int, ...]) -> None:
    assert numa.parse_list(text) == numbers


def test_a_processor_belongs_to_the_node_that_its_folder_names(tmp_path: Path) -> None:
    (tmp_path / "cpu3/node12").mkdir(parents=True)
    (tmp_path / "cpu4/cache").mkdir(parents=True)

    assert numa.node_of(3, tmp_path) == 12
    assert numa.node_of(4, tmp_path) == 0
    assert numa.nodes(tmp_path) == (0,)
    assert numa.current_node() in {numa.node_of(cpu) for cpu in os.sched_getaffinity(0)}
