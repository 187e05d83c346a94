"""A real systemd in namespaces of its own, with the program installed in its /opt: a machine in half a second.

It needs root and a cgroup v2 hierarchy, and leaves nothing behind: processes end with the first of them, mounts and
network with their namespaces. The program comes from `make install`, as on a real machine.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.outside import ROOT

# Runs as the first process of its namespaces.
BOOT: Final = """
set -euo pipefail
mount --make-rprivate /
mount --make-rshared /
mount -t proc proc /proc
umount --recursive --lazy /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs /run
mount --make-rshared /run
mount --bind "$OPT" /opt
mkdir /run/etc-new /run/etc-work
mount -t overlay -o lowerdir=/etc,upperdir=/run/etc-new,workdir=/run/etc-work overlay /etc
mount -t tmpfs -o mode=755 tmpfs /var/lib
ip link set lo up
printf '[Unit]\\nDefaultDependencies=no\\n' > /etc/systemd/system/test.target
export container=test
exec /lib/systemd/systemd --system --unit=test.target
"""


class RealSystemd:
    """Drives one systemd. `start` first, `stop` last."""

    def __init__(self, folder: Path) -> None:
        self._opt = folder / "opt"
        self._log = folder / "systemd.log"
        self._cgroup = _cgroup2() / f"txpool-test-{os.getpid()}"
        self._unshare: subprocess.Popen[bytes] | None = None
        self._init = 0

    def install(self) -> None:
        """Run `make install` with its default prefix, where /opt is a folder of ours."""
        self._opt.mkdir()
        script = 'mount --make-rprivate / && mount --bind "$OPT" /opt && exec make install'
        command = ["unshare", "--mount", "bash", "-c", script]
        subprocess.run(command, cwd=ROOT, env={**os.environ, "OPT": str(self._opt)}, check=True, capture_output=True)

    def start(self) -> None:
        """Boot, and wait until systemctl is answered."""
        self._cgroup.mkdir()
        namespaces = ["--mount", "--pid", "--fork", "--uts", "--ipc", "--net", "--cgroup", "--kill-child"]
        enter = f'echo $$ > "{self._cgroup}/cgroup.procs" && exec "$@"'
        with self._log.open("wb") as log:
            self._unshare = subprocess.Popen(
                ["bash", "-c", enter, "bash", "unshare", *namespaces, "bash", "-c", BOOT],
                env={"PATH": os.environ["PATH"], "OPT": str(self._opt)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        until(self._booted, self._log.read_text)

    def stop(self) -> None:
        """End every process in it."""
        if self._init:
            os.kill(self._init, signal.SIGKILL)  # the first process of its namespace: the others go with it
        if self._unshare:
            self._unshare.wait()
        for folder in sorted(self._cgroup.rglob("*/"), reverse=True):
            folder.rmdir()
        until(self._cgroup_removed, lambda: f"{self._cgroup} is busy")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command on that machine."""
        enter = ["nsenter", "--target", str(self._init), "--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup"]
        return subprocess.run([*enter, *command], capture_output=True, text=True, check=False, timeout=60)

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Properties of a unit, as `systemctl show` has them."""
        lines = self.run("systemctl", "show", unit, f"--property={','.join(properties)}").stdout.splitlines()
        return dict(line.split("=", 1) for line in lines)

    def _booted(self) -> bool:
        assert self._unshare
        assert self._unshare.poll() is None, self._log.read_text()
        children = Path(f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children").read_text().split()
        self._init = int(children[0]) if children else 0
        return bool(children) and self.run("systemctl", "is-system-running").stdout.strip() == "running"

    def _cgroup_removed(self) -> bool:
        try:
            self._cgroup.rmdir()
        except OSError:
            return False
        return True


def until(holds: Callable[[], bool], excuse: Callable[[], str], seconds: float = 30) -> None:
    """Wait for what another process does. Polling: systemd tells outsiders nothing without D-Bus."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, excuse()
        time.sleep(0.02)


def _cgroup2() -> Path:
    """Where the unified hierarchy is mounted, beside older ones or alone."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    pytest.skip("no cgroup v2 hierarchy is mounted")
