"""A generator process against servers that behave badly, over real sockets."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loadtest.corpus import prepare
from loadtest.scenario import Load, Recipe, Stage
from loadtest.session import NoConnectionError, run
from loadtest.target import parse_target

COUNT = 60


@contextmanager
def server(status: int = 200, hangs_up_after: int = 0) -> Iterator[str]:
    """Accept everything; hang up in the middle of every so manieth request."""
    served = 0

    class Answering(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            nonlocal served
            self.rfile.read(int(self.headers["Content-Length"]))
            served += 1
            if hangs_up_after and served % hangs_up_after == 0:
                self.close_connection = True
                return
            body = b'{"jsonrpc":"2.0","id":1,"result":"0x00"}'
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering) as listening:
        listening.daemon_threads = True
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}"
        finally:
            listening.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    prepare(Recipe(senders=5), COUNT, folder, processes=1)
    return folder


def test_a_server_that_hangs_up_costs_what_was_under_way_and_the_rest_goes_on(corpus: Path) -> None:
    with server(hangs_up_after=10) as url:
        recording = run(Load(loop="closed", connections=2), corpus, parse_target(url), seed=1)

    assert sum(second.sent for second in recording.seconds) == COUNT
    assert sum(second.errors for second in recording.seconds) == COUNT // 10
    assert sum(second.accepted for second in recording.seconds) == COUNT - COUNT // 10
    assert recording.reasons == {"connection closed": COUNT // 10}


def test_a_busy_server_is_no_success(corpus: Path) -> None:
    load = Load(connections=2, stages=(Stage(0.5, 40),))
    with server(status=503) as url:
        recording = run(load, corpus, parse_target(url), seed=1)

    sent = sum(second.sent for second in recording.seconds)
    assert sent > 5
    assert sum(second.errors for second in recording.seconds) == sent
    assert recording.reasons == {"HTTP 503": sent}


def test_nobody_there_is_said_before_anything_is_sent(corpus: Path) -> None:
    with pytest.raises(NoConnectionError):
        run(Load(loop="closed"), corpus, parse_target("http://127.0.0.1:1"), seed=1)
