"""The metrics page after known traffic."""

import subprocess
from http.client import HTTPConnection
from typing import Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.cli.test_submitting import FRIEND, transfer
from tests.outside import tool
from tests.rpc.plain_ipc import PlainIpc
from tests.rpc.plain_ws import PlainWebSocket
from tests.running import Daemon, running
from txpool.core.kernel import NATIVE
from txpool.core.rejection import REFUSALS, REMOVALS

# Dashboards and alerts hang on these.
PROMISED: Final = {
    "txpool_gc_pause_seconds": ("histogram", {"generation", "store"}),
    "txpool_transactions": ("gauge", {"subpool"}),
    "txpool_bytes": ("gauge", {"subpool"}),
    "txpool_submissions": ("counter", {"result", "reason"}),
    "txpool_removed": ("counter", {"subpool", "reason"}),
    "txpool_slab_slots": ("gauge", {"state"}),
    "txpool_slab_bytes": ("gauge", {"state"}),
    "txpool_heap_bytes": ("gauge", set()),
    "process_resident_memory_bytes": ("gauge", set()),
    "txpool_loop_lag_seconds": ("histogram", set()),
    "txpool_rpc_duration_seconds": ("histogram", {"method"}),
    "txpool_head_number": ("gauge", set()),
    "txpool_head_update_duration_seconds": ("histogram", set()),
    "txpool_gc_collected": ("counter", {"generation"}),
    "txpool_gc_uncollectable": ("counter", {"generation"}),
    "txpool_gc_tracked_objects": ("gauge", set()),
    "txpool_gc_full_age_seconds": ("gauge", set()),
    "txpool_gc_reports": ("counter", {"cause"}),
    "txpool_heap_allocated_blocks": ("gauge", set()),
    "txpool_heap_arena_bytes": ("gauge", set()),
    "txpool_malloc_bytes": ("gauge", {"state"}),
    "txpool_resident_bytes": ("gauge", {"kind"}),
    "txpool_page_faults": ("counter", {"kind"}),
    "txpool_stage_bytes": ("gauge", {"stage"}),
}

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(daemon: Daemon) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(daemon.scrape())
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def test_the_page_counts_what_happened_exactly() -> None:
    with running("--dev", "--dev-period", "0") as daemon:
        sent = [transfer(0), transfer(1), transfer(3), transfer(0), transfer(1, tip=2 * 10**9), "0x00"]
        for raw in sent:
            daemon.ask("eth_sendRawTransaction", raw)
        daemon.call("dev_mine", 2)
        daemon.ask("no_such_method")
        found = samples(daemon)

    assert value(found, "txpool_submissions_total", result="accepted", reason="none") == 4
    assert value(found, "txpool_submissions_total", result="rejected", reason="already_known") == 1
    assert value(found, "txpool_submissions_total", result="rejected", reason="undecodable") == 1
    assert value(found, "txpool_removed_total", subpool="pending", reason="replaced") == 1
    assert value(found, "txpool_transactions", subpool="pending") == 0
    assert value(found, "txpool_transactions", subpool="queued") == 1
    assert value(found, "txpool_bytes", subpool="queued") == len(bytes.fromhex(transfer(3)[2:]))
    assert value(found, "txpool_slab_slots", state="used") == 1
    assert value(found, "txpool_included_total") == 2
    assert value(found, "txpool_head_number") == 2
    assert value(found, "txpool_head_update_duration_seconds_count") == 2
    assert value(found, "txpool_rpc_duration_seconds_count", method="eth_sendRawTransaction") == len(sent)
    assert value(found, "txpool_rpc_duration_seconds_count", method="dev_mine") == 1
    assert value(found, "txpool_rpc_duration_seconds_count", method="other") == 1
    assert value(found, "txpool_rpc_duration_seconds_count", method="eth_chainId") == 0


def test_every_promised_metric_is_there_with_its_labels_and_every_reason_from_the_start() -> None:
    with running("--dev", "--store", "heap") as daemon:
        families = {family.name: family for family in text_string_to_metric_families(daemon.scrape())}
        found = samples(daemon)

    for name, (kind, labels) in PROMISED.items():
        assert families[name].type == kind
        assert {label for sample in families[name].samples for label in sample.labels} - {"le"} == labels
    assert {dict(labels)["store"] for name, labels in found if name == "txpool_gc_pause_seconds_count"} == {"heap"}
    refusals = {dict(labels)["reason"] for name, labels in found if name == "txpool_submissions_total"}
    assert refusals == {"none", *REFUSALS}
    assert all(
        value(found, name) > 0
        for name in ("txpool_gc_tracked_objects", "txpool_heap_allocated_blocks", "txpool_heap_arena_bytes")
    )
    assert value(found, "txpool_resident_bytes", kind="anonymous") > value(found, "txpool_malloc_bytes", state="used")
    assert value(found, "txpool_page_faults_total", kind="minor") > 0
    removals = [dict(labels) for name, labels in found if name == "txpool_removed_total"]
    assert {(each["subpool"], each["reason"]) for each in removals} == {
        (subpool, reason) for subpool in ("pending", "queued", "blob") for reason in REMOVALS
    }


@pytest.mark.parametrize("store", ["mmap", "cache"])
def test_what_comes_after_a_block_is_seen_to_use_the_room_that_it_left(store: str) -> None:
    with running("--dev", "--dev-period", "0", "--store", store) as daemon:
        daemon.call("eth_sendRawTransaction", transfer(0))
        before = value(samples(daemon), "txpool_buffer_reuse_ratio")
        daemon.call("dev_mine")
        daemon.call("eth_sendRawTransaction", transfer(1))
        daemon.call("eth_sendRawTransaction", transfer(2))
        found = samples(daemon)

    assert before == 0
    assert value(found, "txpool_buffers_taken_total", state="used") == 1
    assert value(found, "txpool_buffers_taken_total", state="fresh") == 2
    assert value(found, "txpool_buffer_reuse_ratio") == pytest.approx(1 / 3)


def test_the_object_cache_says_where_its_buffers_came_from() -> None:
    with running("--dev", "--dev-period", "0", "--store", "cache") as daemon:
        daemon.call("eth_sendRawTransaction", transfer(0))
        daemon.call("dev_mine")
        daemon.call("eth_sendRawTransaction", transfer(1))
        found = samples(daemon)

    gets = {dict(labels)["result"]: got for (name, labels), got in found.items() if name == "txpool_cache_gets_total"}
    assert gets == {"private": 1, "shared": 0, "stolen": 0, "victim": 0, "miss": 1}


def ask_for_chain_id(daemon: Daemon, carrier: str) -> None:
    if carrier == "http":
        daemon.call("eth_chainId")
        return
    client: PlainIpc | PlainWebSocket = PlainIpc(daemon.ipc) if carrier == "ipc" else PlainWebSocket(daemon.ws)
    with client:
        client.call("eth_chainId")


@pytest.mark.parametrize("carrier", ["http", "ws", "ipc"])
def test_turns_with_a_request_in_them_are_counted_whatever_carries_it(carrier: str) -> None:
    with running("--dev", "--dev-period", "0") as daemon:
        before = value(samples(daemon), "txpool_loop_turn_seconds_count")
        ask_for_chain_id(daemon, carrier)
        found = samples(daemon)

    assert value(found, "txpool_loop_turn_seconds_count") == before + 1
    assert value(found, "txpool_loop_turn_longest_seconds") > 0


def test_promtool_finds_nothing_to_say_about_the_page() -> None:
    promtool = tool("promtool")
    with running("--dev") as daemon:
        daemon.call("eth_sendRawTransaction", transfer(0))
        page = daemon.scrape()

    checked = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_only_a_get_of_the_page_is_served() -> None:
    with running("--dev") as daemon:
        answers = {}
        for method, target in (("GET", "/metrics?x=1"), ("GET", "/"), ("POST", "/metrics")):
            client = HTTPConnection(daemon.metrics_address, timeout=30)
            client.request(method, target, headers={"Host": "scraper.example"})
            answer = client.getresponse()
            answers[method, target] = answer.status, answer.getheader("Content-Type"), answer.read()[:6]
            client.close()

    assert answers["GET", "/metrics?x=1"] == (200, "text/plain; version=0.0.4; charset=utf-8", b"# HELP")
    assert answers["GET", "/"][0] == 404
    assert answers["POST", "/metrics"][0] == 405


def test_the_recipient_is_paid() -> None:
    """The traffic above is real: what is sent arrives."""
    with running("--dev", "--dev-period", "0") as daemon:
        before = int(daemon.call("eth_getBalance", FRIEND, "latest"), 16)
        daemon.call("eth_sendRawTransaction", transfer(0))
        daemon.call("dev_mine")

        assert int(daemon.call("eth_getBalance", FRIEND, "latest"), 16) == before + 1


def test_the_page_says_which_kernel_serves() -> None:
    built = "native" if NATIVE else "python"
    for choice, kernel in (("auto", built), ("python", "python")):
        with running("--dev", "--set", f"ingest.kernel={choice}") as daemon:
            assert "error" not in daemon.ask("eth_sendRawTransaction", transfer(0))
            (labels,) = [dict(labels) for name, labels in samples(daemon) if name == "txpool_info"]

        assert labels["kernel"] == kernel
