"""What a scrape of the metrics costs the loop: CPU to render the page of a whole daemon.

python -m bench scrape [--rounds N]
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence

from txpool.config import Settings
from txpool.daemon.service import Daemon

WARM_UP = 20


def measure(rounds: int) -> None:
    """Build a daemon that listens nowhere, and render its page again and again."""
    daemon = Daemon(Settings())
    try:
        costs = [cost_ms(daemon) for _ in range(WARM_UP + rounds)][WARM_UP:]
        page = daemon.page.render()
    finally:
        daemon.close()
    series = sum(1 for line in page.splitlines() if line and not line.startswith(b"#"))
    median = statistics.median(costs)
    print(f"{series} series, {len(page)} bytes: CPU ms a scrape: median {median:.3f}, longest {max(costs):.3f}")
    print(f"for 600 series: median {median * 600 / series:.3f} ms (budget: 2)")


def cost_ms(daemon: Daemon) -> float:
    """CPU of one scrape."""
    started = time.thread_time()
    daemon.page.render()
    return (time.thread_time() - started) * 1e3


async def _in_a_loop(rounds: int) -> None:
    measure(rounds)


def main(arguments: Sequence[str]) -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="bench scrape")
    parser.add_argument("--rounds", type=int, default=500)
    asyncio.run(_in_a_loop(parser.parse_args(arguments).rounds))
