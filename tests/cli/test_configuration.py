"""run and check-config: what they make of settings. completion and --version beside them."""

import json
import re
import socket
import subprocess
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from tests.cli.conftest import Shell
from tests.outside import ROOT
from txpool.commands.completion import SHELLS
from txpool.config import load

SHIPPED: Final = sorted((ROOT / "configs").glob("*.toml"))


def test_run_without_a_chain_is_a_usage_error_that_says_so(shell: Shell) -> None:
    shown = shell("run")

    assert (shown.returncode, shown.stdout) == (2, "")
    assert (
        shown.stderr == "txpool: no chain to follow: --dev runs the embedded dev chain, the only one there is so far\n"
    )


def test_run_where_nothing_would_listen_is_a_usage_error(shell: Shell) -> None:
    shown = shell("run", "--dev", "--http", "off", "--ws", "off", "--ipc", "off")

    assert shown.returncode == 2
    assert "nothing would listen" in shown.stderr


def test_run_names_every_mistake_before_it_starts(shell: Shell) -> None:
    shown = shell("run", "--dev", "--http", "nowhere", "--set", "pool.globl_slots=1")

    assert shown.returncode == 2
    assert "--http: http.listen is 'nowhere': expected `HOST:PORT`" in shown.stderr
    assert "--set pool.globl_slots: unknown setting pool.globl_slots; did you mean pool.global_slots?" in shown.stderr


def test_run_on_a_port_that_is_taken_ends_with_exit_code_1_and_the_reason(shell: Shell) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        shown = shell("run", "--dev", "--http", f"127.0.0.1:{port}", "--metrics", "off")

    assert (shown.returncode, shown.stdout) == (1, "")
    assert "cannot start: " in shown.stderr
    assert "address already in use" in shown.stderr


def test_run_with_a_genesis_that_is_none_ends_with_exit_code_1_and_the_reason(shell: Shell, tmp_path: Path) -> None:
    genesis = tmp_path / "genesis.json"
    genesis.write_text("{}")

    shown = shell("run", "--dev", "--genesis", str(genesis))

    assert shown.returncode == 1
    assert "cannot start: genesis.config: " in shown.stderr


def test_check_config_prints_a_file_that_sets_the_same(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "txpool.toml"
    flags = ["--dev", "--dev-period", "2.5", "--set", "http.cors_domain=a,b", "--set", "http.vhosts=*"]

    shown = shell("check-config", *flags)
    file.write_text(shown.stdout)

    again = load(file=str(file)).settings
    assert shown.returncode == 0
    assert (again.dev.enabled, again.dev.period) == (True, 2.5)
    assert (again.http.cors_domain, again.http.vhosts) == (("a", "b"), ("*",))
    assert "period = 2.5                                      # --dev-period\n" in shown.stdout


def test_check_config_as_json_has_value_and_origin_of_every_setting(shell: Shell) -> None:
    shown = shell("check-config", "--json", "--store", "heap")

    report = json.loads(shown.stdout)
    assert report["valid"] is True
    assert report["settings"]["store.kind"] == {"value": "heap", "origin": "--store"}
    assert report["settings"].keys() == load().origins.keys()


def test_check_config_of_a_wrong_file_has_exit_code_2_in_both_forms(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "txpool.toml"
    file.write_text("[htp]\nlisten = 1\n")
    problem = f"file {file}: unknown setting htp.listen; did you mean http.listen?"

    text, as_json = shell("check-config", "--config", str(file)), shell("check-config", "--config", str(file), "--json")

    assert (text.returncode, as_json.returncode) == (2, 2)
    assert text.stderr == f"txpool: {problem}\n"
    assert json.loads(as_json.stdout) == {"valid": False, "problems": [problem]}


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_every_configuration_that_we_ship_is_valid_and_can_be_run(file: Path) -> None:
    settings = load(file=str(file)).settings

    assert settings.dev.enabled


def test_the_reference_shows_every_setting_with_its_default(tmp_path: Path) -> None:
    text = (ROOT / "configs/reference.toml").read_text()
    file = tmp_path / "uncommented.toml"
    file.write_text(re.sub(r"^# (?!genesis|input_log|path|thresholds)(\w+ = )", r"\1", text, flags=re.MULTILINE))

    shown = load(file=str(file), flags=[("dev.enabled", "false", "--set")])

    written = {key for key, origin in shown.origins.items() if origin != "default"}
    assert written | {"dev.genesis", "data.input_log", "ipc.path", "gc.thresholds"} == load().origins.keys()
    assert shown.settings == load().settings


@pytest.mark.parametrize("name", SHELLS)
def test_completion_is_a_script_for_each_shell(shell: Shell, name: str) -> None:
    shown = shell("completion", name)

    assert shown.returncode == 0
    assert "_TXPOOL_COMPLETE" in shown.stdout
    if name == "bash":
        subprocess.run(["bash", "-n"], input=shown.stdout, text=True, check=True)


def test_the_version_is_that_of_the_project(shell: Shell) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert shell("--version").stdout == f"txpool {project['version']}\n"


def test_a_mistyped_command_is_guessed(shell: Shell) -> None:
    assert "No such command 'statu'. Did you mean 'status'?" in shell("statu").stderr
    assert shell("statu").returncode == 2
    assert "Did you mean" not in shell("qqq").stderr
