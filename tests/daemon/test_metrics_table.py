"""Every metric stands in docs/metrics.md, as the daemon shows it."""

from tests.daemon.metrics_table import PAGE, written


def test_the_page_of_metrics_is_what_the_daemon_shows() -> None:
    page = PAGE.read_text()

    assert written(page) == page, "python -m tests.daemon.metrics_table writes it anew"
