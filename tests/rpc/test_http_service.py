"""JSON-RPC over HTTP: everything that is no plain call, answered as go-ethereum's server does."""

import json

import pytest

from tests.rpc.loop import Answer, Client, run, until
from tests.rpc.node import ALICE, Node, call, send, text, transfer
from txpool.ingest.settings import IngestSettings
from txpool.rpc.http import HttpLimits

CALL = json.dumps(call("eth_chainId")).encode()
JSON = "Content-Type: application/json\r\n"


def exchange(method: str, target: str = "/", headers: str = "", body: bytes = b"") -> Answer:
    async def scene() -> Answer:
        async with Node() as node:
            client = await node.client()
            head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
            client.send(head.encode() + body)
            return await client.read()

    return run(scene())


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_an_empty_body_gets_an_empty_answer(method: str) -> None:
    answer = exchange(method, headers=JSON)
    assert (answer.status, answer.body) == (200, b"")


def test_a_look_without_any_header_is_no_error() -> None:
    assert exchange("GET").status == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_other_methods_are_not_allowed(method: str) -> None:
    answer = exchange(method, headers=JSON, body=CALL)
    assert (answer.status, answer.body) == (405, b"method not allowed\n")


@pytest.mark.parametrize(
    "content_type", ["", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n"]
)
def test_only_json_is_supported(content_type: str) -> None:
    answer = exchange("POST", headers=content_type, body=CALL)
    assert (answer.status, answer.body) == (415, b"invalid content type, only application/json is supported\n")
    assert exchange("GET", "/?question", headers=content_type).status == 415


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json-rpc",
        "application/jsonrequest",
    ],
)
def test_every_spelling_of_json_is_supported(content_type: str) -> None:
    answer = exchange("POST", headers=f"Content-Type: {content_type}\r\n", body=CALL)
    assert answer.json["result"] == "0x539"
    assert answer.headers["content-type"] == "application/json"


def test_only_the_root_is_served() -> None:
    assert exchange("POST", "/elsewhere", JSON, CALL).status == 404
    assert exchange("POST", "/?key=value", JSON, CALL).json["result"] == "0x539"


def test_every_outcome_of_a_call_is_status_200() -> None:
    for body in (b"{bad", b"[]", json.dumps(call("nonsense")).encode(), json.dumps(send(b"\x01")).encode()):
        assert exchange("POST", headers=JSON, body=body).status == 200


# --- too much at once


def test_who_comes_when_too_many_wait_is_asked_to_come_again() -> None:
    async def scene() -> None:
        async with Node(ingest=IngestSettings(queue_max=2)) as node:
            client = await node.client()
            for nonce in range(3):
                client.post(json.dumps(send(transfer(nonce=nonce), nonce)))
            answers = [await client.read() for _ in range(3)]
            assert [answer.status for answer in answers] == [200, 200, 429]
            busy = answers[2]
            assert busy.headers["retry-after"] == "1"
            assert busy.json["error"] == {
                "code": -32005,
                "message": "rate limit exceeded: 2 transactions wait, retry in 1 s",
            }
            assert (await client.ask(json.dumps(send(transfer(nonce=2))))).status == 200, "the next turn has room"

    run(scene())


def test_of_a_batch_those_are_refused_that_found_no_room() -> None:
    async def scene() -> None:
        async with Node(ingest=IngestSettings(queue_bytes_max=250)) as node:
            client = await node.client()
            answer = await client.ask(text(*(send(transfer(nonce=nonce), nonce) for nonce in range(4))))
            assert answer.status == 200
            assert ["result" in each for each in answer.json] == [True, True, False, False]
            big = transfer(nonce=2, data=bytes(200), gas=100_000)
            none = await client.ask(text(send(big), send(big)))
            assert none.status == 429
            assert [each["error"]["code"] for each in none.json] == [-32005, -32005]

    run(scene())


# --- the end


def test_a_stop_under_load_answers_every_request_that_was_read() -> None:
    async def scene() -> None:
        async with Node(ingest=IngestSettings(inline_max=0, batch_max=16)) as node:
            clients = [await node.client() for _ in range(10)]
            for number, client in enumerate(clients):
                for nonce in range(20):
                    client.post(json.dumps(send(transfer(nonce=number * 20 + nonce))))
            await until(lambda: node.server.counters.requests >= 100)
            assert node.ingest.depth > 0, "something is under way"
            await node.server.stop(seconds=5)
            answers = [answer for client in clients for answer in await _all_from(client)]
            assert len(answers) == node.server.counters.requests
            served = [answer for answer in answers if answer.status == 200]
            assert all("result" in answer.json for answer in served)
            assert all(answer.json["error"]["code"] == -32005 for answer in answers if answer not in served)
            assert len(served) >= 100
            assert node.ingest.depth == 0

    run(scene())


async def _all_from(client: Client) -> list[Answer]:
    answers = []
    while not await client.at_end():
        answers.append(await client.read())
    return answers


def test_what_comes_after_the_stop_is_told_so() -> None:
    async def scene() -> None:
        async with Node(ingest=IngestSettings(inline_max=0), http=HttpLimits()) as node:
            client = await node.client()
            for nonce in range(40):
                client.post(json.dumps(send(transfer(nonce=nonce), nonce)))
            node.server.stopping = True
            answer = await client.read()
            assert answer.status == 503
            assert answer.json["error"] == {"code": -32005, "message": "shutting down"}

    run(scene())


def test_durations_are_told_by_method() -> None:
    async def scene() -> None:
        async with Node() as node:
            client = await node.client()
            await client.ask(text(call("eth_chainId"), send(transfer(ALICE)), call("no_such")))
            await client.ask(json.dumps(send(transfer(ALICE, 1))))
            methods = [method for method, _ in node.times]
            assert methods == ["eth_chainId", "eth_sendRawTransaction", "other", "eth_sendRawTransaction"]
            assert all(seconds > 0 for _, seconds in node.times)

    run(scene())
