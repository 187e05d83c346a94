"""The shipped unit, judged by systemd's own tools and run by a real systemd."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.real_systemd import RealSystemd, until
from tests.outside import ROOT, tool
from txpool.config import load

UNIT: Final = ROOT / "deploy/txpool.service"
EXPOSURE_MAX: Final = "10"  # tenths; what the best of comparable daemons reach is 12
LOG: Final = "/run/txpool-test.log"
# What differs from a real machine: no basic.target to wait for, less patience, blocks at once, no journal.
DROP_IN: Final = f"""
[Unit]
DefaultDependencies=no
[Service]
WatchdogSec=2
RestartSec=0
Environment=TXPOOL_DEV__PERIOD=auto TXPOOL_SLAB__NUMA=0
StandardError=append:{LOG}
"""
FETCH_METRICS: Final = (
    "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:6060/metrics').read().decode())"
)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tool("systemd-analyze"), *arguments], capture_output=True, text=True, check=False)


def test_the_sandbox_is_as_tight_as_promised() -> None:
    judged = analyze("security", "--offline=true", f"--threshold={EXPOSURE_MAX}", str(UNIT))

    assert judged.returncode == 0, judged.stdout[-200:] + judged.stderr


def test_the_unit_has_no_line_that_systemd_does_not_know(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name  # with a program that exists here
    copy.write_text(UNIT.read_text().replace("/opt/txpool/bin/txpool", sys.executable))

    judged = analyze("verify", "--man=no", "--recursive-errors=no", str(copy))

    assert (judged.returncode, judged.stderr) == (0, "")


def test_the_folders_of_the_shipped_settings_are_those_that_the_unit_may_write_to() -> None:
    unit = UNIT.read_text()
    settings = load(file=str(ROOT / "configs/production.toml")).settings

    assert f"StateDirectory={Path(settings.data.dir).relative_to('/var/lib')}\n" in unit
    assert settings.ipc.path is not None
    assert f"RuntimeDirectory={Path(settings.ipc.path).parent.relative_to('/run')}\n" in unit


@pytest.fixture(scope="module")
def booted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealSystemd]:
    """A machine with the program installed."""
    for program in ("unshare", "nsenter", "ip"):
        tool(program)
    if subprocess.run(["unshare", "--mount", "--pid", "--fork", "--net", "true"], check=False).returncode != 0:
        pytest.skip("this root may not make namespaces")
    machine = RealSystemd(tmp_path_factory.mktemp("machine"))
    machine.install()
    try:
        machine.start()
        yield machine
    finally:
        machine.stop()


@pytest.fixture
def machine(booted: RealSystemd) -> Iterator[RealSystemd]:
    """A machine on which the unit was installed as its first lines say, and started."""
    put_in_place = f"""
    set -e
    install -D -m644 {ROOT}/configs/production.toml /etc/txpool/txpool.toml
    install -m644 {UNIT} /etc/systemd/system/
    mkdir -p /etc/systemd/system/txpool.service.d
    echo "{DROP_IN}" > /etc/systemd/system/txpool.service.d/test.conf
    systemctl daemon-reload
    systemctl start txpool
    """
    started = booted.run("bash", "-c", put_in_place)
    assert started.returncode == 0, started.stderr + booted.run("cat", LOG).stdout
    yield booted
    booted.run("systemctl", "stop", "txpool")
    booted.run("systemctl", "reset-failed", "txpool")


@pytest.mark.needs_root
def test_started_means_serving(machine: RealSystemd) -> None:
    assert machine.show(UNIT.name, "ActiveState", "NotifyAccess") == {"ActiveState": "active", "NotifyAccess": "main"}

    status = machine.run("/opt/txpool/bin/txpool", "status", "--json")

    assert status.returncode == 0, status.stderr
    assert json.loads(status.stdout)


@pytest.mark.needs_root
def test_a_transfer_is_signed_kept_and_mined_inside_the_sandbox(machine: RealSystemd) -> None:
    transfer = f"/opt/txpool/bin/txpool send --dev-account 0 --to 0x{'11' * 20} --value 1ether --wait"

    sent = machine.run(*transfer.split())

    assert sent.returncode == 0, sent.stderr


@pytest.mark.needs_root
def test_the_sandbox_hides_no_metric(machine: RealSystemd) -> None:
    page = machine.run("/opt/txpool/bin/python", "-c", FETCH_METRICS).stdout

    assert "\nprocess_resident_memory_bytes " in page
    assert "\ntxpool_head_number " in page


@pytest.mark.needs_root
def test_a_memory_node_that_the_sandbox_forbids_to_bind_to_is_done_without(machine: RealSystemd) -> None:
    page = machine.run("/opt/txpool/bin/python", "-c", FETCH_METRICS).stdout

    assert "\ntxpool_slab_numa_node -1\n" in page
    assert "not bound to memory node 0" in machine.run("cat", LOG).stdout


@pytest.mark.needs_root
def test_a_stop_ends_in_success(machine: RealSystemd) -> None:
    machine.run("systemctl", "stop", "txpool")

    assert machine.show(UNIT.name, "ActiveState", "Result", "ExecMainStatus") == {
        "ActiveState": "inactive",
        "Result": "success",
        "ExecMainStatus": "0",
    }


@pytest.mark.needs_root
@pytest.mark.parametrize("how", ["KILL", "SEGV", "STOP"], ids=["killed", "crashed", "hung, so the watchdog bites"])
def test_a_daemon_that_dies_is_started_again(machine: RealSystemd, how: str) -> None:
    before = machine.show(UNIT.name, "MainPID")["MainPID"]

    machine.run("systemctl", "kill", "--kill-whom=main", f"--signal={how}", "txpool")

    def started_again() -> bool:
        now = machine.show(UNIT.name, "ActiveState", "MainPID")
        return now["ActiveState"] == "active" and now["MainPID"] not in {before, "0"}

    until(started_again, lambda: machine.run("cat", LOG).stdout)
    assert machine.run("/opt/txpool/bin/txpool", "status").returncode == 0
