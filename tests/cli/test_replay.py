"""`replay`: a recording, fed to a fresh pool."""

import json
from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Shell
from tests.cli.test_submitting import transfer
from tests.daemon.test_node import built, send
from txpool.config.sections import DataSettings
from txpool.history.digest import digest


class Recording(msgspec.Struct):
    """A log, and what the events of the pool that was recorded come to."""

    path: Path
    digest: str

    def shorter(self, count: int) -> Path:
        """The same without the last bytes."""
        cut = self.path.with_name("torn")
        cut.write_bytes(self.path.read_bytes()[:-count])
        return cut


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Three transactions, a block, a reorg."""
    path = tmp_path_factory.mktemp("log") / "inputs"
    with built(data=DataSettings(input_log=str(path))) as node:
        for nonce in (0, 1, 3):
            send(node, transfer(nonce))
        node.chain.mine()
        node.chain.reorg(1)
        return Recording(path, digest(node.events.since(0)))


def test_a_replay_says_what_the_log_holds_and_comes_to(recording: Recording, shell: Shell) -> None:
    shown = shell("replay", str(recording.path))

    assert shown.returncode == 0, shown.stderr
    told = dict(line.split(maxsplit=1) for line in shown.stdout.splitlines())
    assert told["entries"] == "6: 2 advanced, 1 began, 3 submitted"
    assert (told["pending"], told["queued"]) == ("2, 0 with blobs", "1, 0 with blobs")
    assert told["digest"] == recording.digest


def test_the_same_as_json(recording: Recording, shell: Shell) -> None:
    found = json.loads(shell("replay", str(recording.path), "--json").stdout)

    assert (found["entries"], found["pending"], found["queued"], found["senders"]) == (6, 2, 1, 1)
    assert found["kinds"] == {"advanced": 2, "began": 1, "submitted": 3}
    assert (found["digest"], found["torn"]) == (recording.digest, False)


def test_a_replay_may_stop_on_the_way(recording: Recording, shell: Shell) -> None:
    found = json.loads(shell("replay", str(recording.path), "--until", "3", "--json").stdout)

    assert (found["entries"], found["pending"], found["queued"], found["head"]) == (3, 2, 0, 0)


def test_of_a_torn_log_what_is_whole_is_replayed_and_the_rest_is_named(recording: Recording, shell: Shell) -> None:
    shown = shell("replay", str(recording.shorter(3)), "--json")

    found = json.loads(shown.stdout)
    assert (found["entries"], found["torn"]) == (5, True)
    assert shown.returncode == 1
    assert "entry 6 is not whole" in shown.stderr


def test_a_file_that_is_not_there_is_a_mistake_in_the_command(shell: Shell) -> None:
    shown = shell("replay", "/no/such/log")

    assert shown.returncode == 2
    assert "does not exist" in shown.stderr


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "begins with what the pool was made of"),
        (b"no log at all", "begins with what the pool was made of"),
        (b"\x00\x00\x00\x02\xc0\xc0", "entry 1 is none"),
    ],
)
def test_what_is_no_log_is_refused(content: bytes, why: str, tmp_path: Path, shell: Shell) -> None:
    (tmp_path / "file").write_bytes(content)

    shown = shell("replay", str(tmp_path / "file"))

    assert shown.returncode == 1
    assert why in shown.stderr
