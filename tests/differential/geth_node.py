"""A live geth as a child process: fresh, alone, and led from head to head as a consensus client would lead it."""

import base64
import hashlib
import hmac
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from tests.differential.peer import Json, Peer
from txpool.chain.seal import NO_LOGS_BLOOM, NO_REQUESTS_HASH, NO_UNCLES_HASH, ZERO_HASH, sealed
from txpool.chain.trie import EMPTY_ROOT
from txpool.core.block import Header
from txpool.core.fees import next_base_fee

START_SECONDS: Final = 30
BLOCK_SECONDS: Final = 12
NOBODY: Final = "0x" + "00" * 20
API: Final = "eth,net,web3,txpool,testing,miner"


class GethNode:
    """A running geth, and the two ways in: what everybody may call, and what its consensus client may."""

    def __init__(self, peer: Peer, engine: Peer) -> None:
        self.peer = peer
        self._engine = engine
        self._forks = 0

    def mine(self, count: int) -> None:
        """Make blocks one after another, each filled by geth's own builder."""
        for _ in range(count):
            parent = self.peer.call("eth_getBlockByNumber", "latest", False)
            self.peer.call("testing_commitBlockV1", self._attributes(int(parent["timestamp"], 16)), None, None)
            self.settle()

    def start_with_empty_blocks(self, count: int) -> None:
        """Make blocks that hold nothing."""
        for _ in range(count):
            parent = self.peer.call("eth_getBlockByNumber", "latest", False)
            self.peer.call("testing_commitBlockV1", self._attributes(int(parent["timestamp"], 16)), [], None)

    def reorg(self, depth: int) -> None:
        """Replace the last blocks by one more empty ones, in one switch of the head."""
        head = int(self.peer.call("eth_blockNumber"), 16)
        parent = read_header(self.peer.call("eth_getBlockByNumber", hex(head - depth), False))
        self._forks += 1
        for _ in range(depth + 1):
            parent = self._empty_block_on(parent)
        state = {"headBlockHash": "0x" + parent.hash.hex()}
        state |= dict.fromkeys(("safeBlockHash", "finalizedBlockHash"), "0x" + "00" * 32)
        status = self._engine.call("engine_forkchoiceUpdatedV3", state, None)["payloadStatus"]
        assert status["status"] == "VALID", status
        self.settle()

    def settle(self) -> None:
        """Wait until what follows from the new head has surely begun; the comparison waits for its end."""
        time.sleep(0.05)

    def _attributes(self, parent_time: int) -> dict[str, Json]:
        return {
            "timestamp": hex(parent_time + BLOCK_SECONDS),
            "prevRandao": "0x" + "00" * 32,
            "suggestedFeeRecipient": NOBODY,
            "withdrawals": [],
            "parentBeaconBlockRoot": "0x" + "00" * 32,
        }

    def _empty_block_on(self, parent: Header) -> Header:
        """Give geth an empty block of our making: without transactions the state stays the parent's."""
        block = sealed(
            msgspec.structs.replace(
                parent,
                parent_hash=parent.hash,
                number=parent.number + 1,
                time=parent.time + BLOCK_SECONDS,
                gas_used=0,
                base_fee=next_base_fee(parent.gas_limit, parent.gas_used, parent.base_fee),
                transactions_root=EMPTY_ROOT,
                receipts_root=EMPTY_ROOT,
                mix_hash=self._forks.to_bytes(32, "big"),
                blob_gas_used=0,
                excess_blob_gas=0,
                extra_data=b"",
            )
        )
        assert not parent.blob_gas_used, "blobs in blocks change the next one's fee, which is not counted here"
        status = self._engine.call("engine_newPayloadV4", _payload(block), [], "0x" + "00" * 32, [])
        assert status["status"] == "VALID", status
        return block


def read_header(block: Mapping[str, Json]) -> Header:
    """Read a block's header from JSON."""

    def number(name: str) -> int:
        return int(block[name], 16)

    def text(name: str) -> bytes:
        return bytes.fromhex(block[name][2:])

    return Header(
        parent_hash=text("parentHash"),
        uncles_hash=NO_UNCLES_HASH,
        miner=text("miner"),
        state_root=text("stateRoot"),
        transactions_root=text("transactionsRoot"),
        receipts_root=text("receiptsRoot"),
        logs_bloom=NO_LOGS_BLOOM,
        difficulty=0,
        number=number("number"),
        gas_limit=number("gasLimit"),
        gas_used=number("gasUsed"),
        time=number("timestamp"),
        extra_data=text("extraData"),
        mix_hash=text("mixHash"),
        nonce=bytes(8),
        base_fee=number("baseFeePerGas"),
        withdrawals_root=EMPTY_ROOT,
        blob_gas_used=number("blobGasUsed"),
        excess_blob_gas=number("excessBlobGas"),
        parent_beacon_root=ZERO_HASH,
        requests_hash=NO_REQUESTS_HASH,
        hash=text("hash"),
    )


def _payload(header: Header) -> dict[str, Json]:
    """An empty block as the engine API takes it."""

    def text(part: bytes) -> str:
        return "0x" + part.hex()

    return {
        "parentHash": text(header.parent_hash),
        "feeRecipient": text(header.miner),
        "stateRoot": text(header.state_root),
        "receiptsRoot": text(header.receipts_root),
        "logsBloom": text(header.logs_bloom),
        "prevRandao": text(header.mix_hash),
        "blockNumber": hex(header.number),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "timestamp": hex(header.time),
        "extraData": text(header.extra_data),
        "baseFeePerGas": hex(header.base_fee or 0),
        "blockHash": text(header.hash),
        "transactions": [],
        "withdrawals": [],
        "blobGasUsed": hex(header.blob_gas_used or 0),
        "excessBlobGas": hex(header.excess_blob_gas or 0),
    }


@contextmanager
def running_geth(program: Path, genesis: Mapping[str, Json], flags: Sequence[str]) -> Iterator[GethNode]:
    """Start a fresh geth on this genesis, head at an empty block 1; stop it at the end."""
    with TemporaryDirectory(prefix="geth-") as folder, ExitStack() as stack:
        home = Path(folder)
        (home / "genesis.json").write_text(json.dumps(genesis))
        secret = os.urandom(32)
        (home / "jwt").write_text(secret.hex())
        quiet = ["--datadir", str(home / "data"), "--verbosity", "1"]
        subprocess.run([str(program), *quiet, "init", str(home / "genesis.json")], check=True, capture_output=True)
        http, engine = _free_port(), _free_port()
        log = stack.enter_context((home / "log").open("w+"))
        command = [
            *(
                str(program),
                *quiet,
                "--networkid",
                str(genesis["config"]["chainId"]),
                "--nodiscover",
                "--maxpeers",
                "0",
                "--port",
                "0",
            ),
            *("--ipcdisable", "--syncmode", "full", "--http", "--http.port", str(http), "--http.api", API),
            *("--authrpc.port", str(engine), "--authrpc.jwtsecret", str(home / "jwt")),
            *("--miner.gaslimit", str(int(genesis["gasLimit"], 16)), "--miner.gasprice", "1"),
            *("--cache", "64", "--txpool.nolocals", *flags),
        ]
        process = stack.enter_context(subprocess.Popen(command, stdout=log, stderr=log))
        stack.callback(process.kill)  # nothing of it is kept
        _wait_for(http, process, home / "log")
        _wait_for(engine, process, home / "log")
        peer = Peer(f"127.0.0.1:{http}")
        stack.callback(peer.close)
        led_by = Peer(f"127.0.0.1:{engine}", partial(_token, secret))
        stack.callback(led_by.close)
        node = GethNode(peer, led_by)
        node.start_with_empty_blocks(1)
        node.settle()
        yield node


def find_geth() -> Path | None:
    """The geth to compare with: the one that GETH names, or the one in the path."""
    named = os.environ.get("GETH") or shutil.which("geth")
    return Path(named) if named and Path(named).exists() else None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"geth did not start: {log.read_text()[-2000:]}")


def _token(secret: bytes) -> str:
    """A token for the engine API; geth takes it for a minute."""
    claims = [{"alg": "HS256", "typ": "JWT"}, {"iat": int(time.time())}]
    signed = ".".join(_base64(json.dumps(part).encode()) for part in claims)
    return f"{signed}.{_base64(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def _base64(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()
