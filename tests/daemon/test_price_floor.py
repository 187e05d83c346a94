"""The least tip, set while the daemon runs."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.cli.test_submitting import transfer
from tests.running import Daemon, running
from txpool.client.errors import RpcError
from txpool.client.jsonrpc import RpcClient

GWEI = 10**9


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with running("--dev", "--dev-period", "0") as started:
        yield started


def test_the_operator_raises_the_least_tip_and_what_pays_less_leaves(daemon: Daemon) -> None:
    cheap = daemon.call("eth_sendRawTransaction", transfer(0))
    daemon.call("eth_sendRawTransaction", transfer(0, 1, tip=2 * GWEI))

    with closing(RpcClient(daemon.ipc)) as operator:
        assert operator.call("miner_setGasPrice", hex(2 * GWEI)) is True

    assert daemon.call("txpool_status") == {"pending": "0x1", "queued": "0x0"}
    last = daemon.call("pool_explain", cheap)["steps"][-1]
    assert (last["kind"], last["reason"]) == ("evicted", "price_floor_raised")
    refused = daemon.ask("eth_sendRawTransaction", transfer(0))["error"]["message"]
    assert refused == "transaction gas price below minimum: gas tip cap 1000000000, minimum needed 2000000000"


def test_a_lower_least_tip_lets_in_what_was_refused(daemon: Daemon) -> None:
    with closing(RpcClient(daemon.ipc)) as operator:
        assert operator.call("miner_setGasPrice", hex(2 * GWEI)) is True
        with pytest.raises(RpcError, match="below minimum"):
            operator.call("eth_sendRawTransaction", transfer(0))

        assert operator.call("miner_setGasPrice", "0x0") is True

        operator.call("eth_sendRawTransaction", transfer(0))
    assert daemon.call("txpool_status") == {"pending": "0x1", "queued": "0x0"}


def test_nobody_else_sets_it(daemon: Daemon) -> None:
    answer = daemon.ask("miner_setGasPrice", "0x1")

    assert answer["error"]["message"] == "the method miner_setGasPrice does not exist/is not available"
