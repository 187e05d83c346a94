"""The real daemon as a child process, for tests that need one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any, Final

from tests.outside import ROOT

STOP_SECONDS: Final = 30
FREE_PORT: Final = "127.0.0.1:0"
COMMAND: Final = [
    *(sys.executable, "-m", "cli", "run"),
    *("--http", FREE_PORT, "--ws", FREE_PORT, "--metrics", FREE_PORT),
]


class Daemon:
    """A running daemon: where it listens, and a way to call it."""

    def __init__(self, process: "subprocess.Popen[str]", ready: dict[str, Any]) -> None:
        self.process = process
        self.ready = ready
        self.address: str = ready["http"]
        self.url = f"http://{self.address}"
        self.metrics_address: str = ready["metrics"]
        self.ipc: str = ready["ipc"]
        self.ws: str = f"ws://{ready['ws']}"

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """Send one request as it is; the status and the body of the answer."""
        client = HTTPConnection(self.address, timeout=30)
        try:
            client.request("POST", "/", body, {"Content-Type": "application/json", **(headers or {})})
            answer = client.getresponse()
            return answer.status, answer.read()
        finally:
            client.close()

    def ask(self, method: str, *params: object) -> dict[str, Any]:
        """Make one call; the whole answer, whatever it is."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        answer: dict[str, Any] = json.loads(self.post(body.encode())[1])
        return answer

    def call(self, method: str, *params: object) -> Any:  # noqa: ANN401 - JSON is whatever the method says
        """Make one call that must succeed; its result."""
        answer = self.ask(method, *params)
        assert "error" not in answer, answer
        return answer["result"]

    def scrape(self) -> str:
        """The metrics page."""
        client = HTTPConnection(self.metrics_address, timeout=30)
        try:
            client.request("GET", "/metrics")
            return client.getresponse().read().decode()
        finally:
            client.close()


@contextmanager
def running(*options: str, environment: dict[str, str] | None = None) -> Iterator[Daemon]:
    """Start a daemon on free ports; stop it in order at the end, and see that it said so with its exit code."""
    # The log goes to a file: nobody reads a pipe meanwhile, and a daemon that fills it would stand still.
    with (
        TemporaryDirectory() as folder,
        TemporaryFile("w+") as log,
        subprocess.Popen(
            [*COMMAND, "--data", folder, "--log", "json", *options],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
        ) as process,
    ):
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            process.wait(timeout=STOP_SECONDS)
            raise AssertionError(f"the daemon did not start: {_read(log)}")
        try:
            yield Daemon(process, json.loads(line))
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(timeout=STOP_SECONDS)
        assert process.returncode == 0, _read(log)


def _read(log: IO[str]) -> str:
    log.seek(0)
    return log.read()
