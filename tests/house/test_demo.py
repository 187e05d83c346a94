"""The tour of the house takes place."""

import subprocess

from tests.outside import ROOT


def test_the_demo_shows_a_pool_at_work() -> None:
    shown = subprocess.run([ROOT / "docs/demo.sh"], capture_output=True, text=True, check=False, timeout=60)

    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("\npending  0x") == 4  # two transfers, in content and in inspect
    assert "it waits until" in shown.stderr
    assert 'txpool_submissions_total{result="accepted",reason="none"} 3' in shown.stdout
    assert "txpool_head_number 1" in shown.stdout
