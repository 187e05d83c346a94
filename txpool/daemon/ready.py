"""What the daemon says when it is ready: the ready line on standard output, and for people how to begin."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Final

from txpool.chain.dev_accounts import BALANCE, MNEMONIC, dev_accounts
from txpool.core.address import checksum_address
from txpool.daemon.listeners import Places

ETHER: Final = 10**18
NAME: Final = "txpool"


def ready_line(form: str, places: Places, metrics: str | None) -> str:
    """The one line on standard output; listeners that are off are null."""
    if form == "json":
        return json.dumps(
            {
                "event": "ready",
                "pid": os.getpid(),
                "http": places.http,
                "ws": places.ws,
                "ipc": places.ipc,
                "grpc": None,
                "metrics": metrics,
            }
        )
    urls = (places.http and f"http://{places.http}", places.ws and f"ws://{places.ws}", places.ipc)
    page = f"; metrics at http://{metrics}/metrics" if metrics else ""
    return "ready: JSON-RPC at " + ", ".join(filter(None, urls)) + page


def banner(http: str | None, *, default_genesis: bool) -> str:
    """How to use the dev chain, for a person at a terminal."""
    lines = [
        "The embedded dev chain has no EVM: transfers are executed exactly; creations and calls of code fail.",
        "Its state roots are zeros.",
    ]
    accounts = dev_accounts()
    if default_genesis:
        lines += [
            "",
            f'Ten accounts with {BALANCE // ETHER} ether each, of the mnemonic "{MNEMONIC}".',
            "Their keys are public: never send anything to them on a real chain.",
            "",
        ]
        lines += [
            f"  {number}  {checksum_address(account.address)}  0x{account.private_key.hex()}"
            for number, account in enumerate(accounts)
        ]
    if default_genesis and http is not None:
        recipient = checksum_address(accounts[1].address)
        key = accounts[0].private_key.hex()
        lines += [
            "",
            "Try:",
            f"  {_program()} send --dev-account 0 --to {recipient} --value 1ether --wait --rpc http://{http}",
            f"  cast send --rpc-url http://{http} --private-key 0x{key} {recipient} --value 1ether",
        ]
    return "\n".join(lines)


def _program() -> str:
    """What to type for the command: its path, if the shell does not find it by name."""
    path = sys.argv[0]
    return path if Path(path).name == NAME and shutil.which(NAME) is None else NAME
