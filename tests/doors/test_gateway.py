"""The gateway before the pages: slow, endless and oversized requests hold no thread (F34)."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

import pytest

from backflush.delivery.gateway import Gateway, Limits

QUICK = Limits(idle=0.2, idle_stream=0.2, whole=0.4, rate=1_000_000, body=100_000, stream=3_000_000)
BULK = "/api/v1/sites/MAIN/bookings/bulk"
TRICKLE: tuple[bytes | float, ...] = (b"a", 0.1) * 50
Answer = tuple[int, dict[bytes, bytes], bytes]


def echo(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with the body that arrived."""
    body = environ["wsgi.input"].read()
    start("200 OK", [("X-Path", environ["PATH_INFO"]), ("X-Length", environ.get("CONTENT_LENGTH", ""))])
    return [body]


async def ask(gateway: Gateway, path: str, *blocks: bytes | float, method: str = "POST", **headers: str) -> Answer:
    """Send a request block by block; a number is a pause, and the last block is the end unless it is a pause."""
    waiting = list(blocks)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        while waiting and not isinstance(waiting[0], bytes):
            await asyncio.sleep(float(waiting.pop(0)))
        block = waiting.pop(0) if waiting else b""
        return {"type": "http.request", "body": block, "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": headers.pop("query", "").encode(),
        "http_version": "1.1",
        "scheme": "http",
        "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await gateway(scope, receive, send)
    body = b"".join(message["body"] for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body


def answer(gateway: Gateway, path: str, *blocks: bytes | float, **more: Any) -> Answer:
    return asyncio.run(ask(gateway, path, *blocks, **more))


def test_a_body_arrives_whole_with_its_length() -> None:
    status, headers, body = answer(Gateway(echo), "/caf\u00e9/", b"a=1&", b"b=2")
    assert (status, body) == (HTTPStatus.OK, b"a=1&b=2")
    assert headers[b"x-path"].decode() == "/café/"
    assert headers[b"x-length"] == b"7"


@pytest.mark.parametrize("path", ["/log-in/", "/api/v1/sites/MAIN/bookings"])
def test_a_body_that_never_ends_is_refused_and_reaches_no_thread(path: str) -> None:
    def reached(*_: object) -> Iterable[bytes]:
        raise AssertionError

    status, headers, body = answer(Gateway(reached, QUICK), path, b"a=", 5.0)
    assert status == HTTPStatus.REQUEST_TIMEOUT
    assert headers[b"connection"] == b"close"
    assert (b'"code": "too_slow"' in body) == path.startswith("/api/")


def test_a_body_that_trickles_is_refused_when_its_time_is_over() -> None:
    begun = time.monotonic()
    status, _, _ = answer(Gateway(echo, QUICK), "/log-in/", *TRICKLE)
    assert status == HTTPStatus.REQUEST_TIMEOUT
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("blocks", [[b"1" * 60_000, b"1" * 60_000], []])
def test_a_large_body_is_refused_by_its_length_or_as_it_arrives(blocks: list[bytes]) -> None:
    given = {} if blocks else {"content-length": "100001"}
    assert answer(Gateway(echo, QUICK), "/log-in/", *blocks, **given)[0] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


@pytest.mark.parametrize("length", ["-1", "1_0", "+5", "9" * 30, "five"])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    assert answer(Gateway(echo), "/log-in/", b"", **{"content-length": length})[0] == HTTPStatus.BAD_REQUEST


def test_an_endless_address_is_refused() -> None:
    assert answer(Gateway(echo), "/find/", b"", query="q=" + "x" * 20_000)[0] == HTTPStatus.REQUEST_URI_TOO_LONG


def test_health_answers_while_all_threads_are_busy_and_beyond_that_requests_are_turned_away() -> None:
    free = threading.Event()

    def busy(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        free.wait(10)
        start("200 OK", [])
        return [b"done"]

    async def all_at_once() -> tuple[Answer, Answer, list[Answer]]:
        gateway = Gateway(busy, Limits(waiting=3), threads=2)
        held = [asyncio.create_task(ask(gateway, "/book/", b"")) for _ in range(3)]
        await asyncio.sleep(0.1)
        health = await ask(gateway, "/health/", method="GET")
        turned_away = await ask(gateway, "/book/", b"")
        free.set()
        return health, turned_away, await asyncio.gather(*held)

    health, turned_away, held = asyncio.run(all_at_once())
    assert (health[0], json.loads(health[2])) == (HTTPStatus.OK, {"status": "alive"})
    assert turned_away[0] == HTTPStatus.SERVICE_UNAVAILABLE
    assert int(turned_away[1][b"retry-after"]) > 0
    assert [one[0] for one in held] == [HTTPStatus.OK] * 3


def test_a_stream_is_answered_while_it_arrives() -> None:
    def lines(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [])
        for line in environ["wsgi.input"]:
            yield line.upper()

    assert answer(Gateway(lines), BULK, b"one\ntw", b"o\nthree\n")[2] == b"ONE\nTWO\nTHREE\n"


@pytest.mark.parametrize("blocks", [[b"one\n", 5.0], [b"1" * 2_000_000, b"1" * 2_000_000]])
def test_a_stream_that_pauses_or_grows_too_long_breaks_off(blocks: list[bytes | float]) -> None:
    broken: list[OSError] = []

    def lines(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        try:
            environ["wsgi.input"].read()
        except OSError as error:
            broken.append(error)
        start("200 OK", [])
        return [b""]

    answer(Gateway(lines, QUICK), BULK, *blocks)
    assert broken


def test_a_reader_that_takes_nothing_is_cut_off() -> None:
    closed = threading.Event()

    class Parts(list[bytes]):
        def close(self) -> None:
            closed.set()

    def page(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [])
        return Parts([b"one", b"two"])

    async def never_read() -> None:
        async def send(message: object) -> None:
            await asyncio.sleep(60)

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "http_version": "1.1"}
        await Gateway(page, QUICK)({**scope, "scheme": "http", "headers": []}, receive, send)

    asyncio.run(never_read())
    assert closed.is_set()


def test_a_header_with_an_underscore_passes_for_no_other() -> None:
    def address(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [])
        return [environ.get("HTTP_X_FORWARDED_FOR", "none").encode()]

    assert answer(Gateway(address), "/", b"", x_forwarded_for="10.0.0.1")[2] == b"none"
