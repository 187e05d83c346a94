"""The state of pool and chain at a glance."""

import time

from txpool.client.errors import RpcError
from txpool.client.fares import describe_fares
from txpool.client.jsonrpc import Json, RpcClient, quantity
from txpool.client.units import format_gwei


def fetch_status(rpc: RpcClient) -> dict[str, Json]:
    """Ask in one request; quantities as numbers, fees in wei. Only our own server says how it fares."""
    *answers, governor = rpc.batch(
        [
            ("txpool_status", []),
            ("eth_chainId", []),
            ("eth_getBlockByNumber", ["latest", False]),
            ("web3_clientVersion", []),
            ("pool_governor", []),
        ]
    )
    if refusal := next((each for each in answers if isinstance(each, RpcError)), None):
        raise refusal
    sizes, chain_id, block, version = answers
    assert not isinstance(chain_id, RpcError)
    assert not isinstance(version, RpcError)
    assert isinstance(sizes, dict)
    assert isinstance(block, dict)
    base_fee = block.get("baseFeePerGas")
    return {
        "pending": quantity(sizes["pending"]),
        "queued": quantity(sizes["queued"]),
        "chain_id": quantity(chain_id),
        "head_number": quantity(block["number"]),
        "head_hash": block["hash"],
        "head_time": quantity(block["timestamp"]),
        "base_fee": None if base_fee is None else quantity(base_fee),
        "version": version,
        "governor": governor if isinstance(governor, dict) else None,
    }


def describe_status(status: dict[str, Json], url: str) -> str:
    """Write it for people."""
    age_s = max(int(time.time()) - int(str(status["head_time"])), 0)
    base_fee = status["base_fee"]
    lines = [
        f"pending   {status['pending']}",
        f"queued    {status['queued']}",
        f"head      {status['head_number']}  {status['head_hash']}, {age_s} s old",
        f"base fee  {'none' if base_fee is None else format_gwei(int(str(base_fee)))}",
        f"chain     {status['chain_id']}",
        *describe_fares(status["governor"]),
        f"server    {status['version']} at {url}",
    ]
    return "\n".join(lines)


def next_step(status: dict[str, Json]) -> str | None:
    """What to look at next, if anything."""
    if status["queued"]:
        return "Queued ones wait for a nonce or for funds: `txpool inspect` says which."
    if not status["pending"]:
        return "The pool is empty: `txpool send --dev-account 0 --to ADDRESS --value 1ether` sends one."
    return None
