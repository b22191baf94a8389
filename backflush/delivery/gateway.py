"""The gateway between the network and Django: takes requests in without a thread, within limits of time and size.

A sender of a slow, endless or unfinished request never holds one of the threads that answer pages: the body is taken in
by the event loop first. Only the lines of a bulk request are passed on as they arrive, by threads of their own, because
the API asks for the token before it reads them. `/health/` is answered by the event loop, so it answers while all
threads are busy.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from io import BufferedIOBase, BufferedReader, RawIOBase
from typing import IO, Any, Final, cast

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Environ = dict[str, Any]
WSGI = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[bytes, bytes]]

THREADS: Final = 4
STREAM_THREADS: Final = 2
QUERY_LONGEST: Final = 16_000
"""The longest query of an address, in bytes."""
HEALTH: Final = "/health/"
PROGRAMS: Final = "/api/"
STREAMS: Final = "/bookings/bulk"
IN_MEMORY: Final = 1 << 20
"""A longer body is kept in a temporary file."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long, in seconds, and how large, in bytes, a request may be.

    `idle` is the longest pause within a body or an answer. A whole body has `whole` seconds and one more for each
    `rate` bytes. `waiting` is the number of requests that may wait for a thread, `at_once` the number of bodies that
    are taken in at a time.
    """

    idle: float = 10
    idle_stream: float = 60
    whole: float = 20
    rate: int = 50_000
    body: int = 25_000_000
    stream: int = 100_000_000
    waiting: int = 256
    at_once: int = 256


class Unanswerable(Exception):
    """A request that never reaches a page: the status, and a sentence that says what to do."""

    def __init__(self, status: HTTPStatus, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.code, self.sentence = status, code, sentence


class Gateway:
    """Serves a WSGI application to an ASGI server."""

    def __init__(self, wsgi: WSGI, limits: Limits = Limits(), *, threads: int = THREADS) -> None:
        self._wsgi, self._limits = wsgi, limits
        self._pages = ThreadPoolExecutor(threads, "pages")
        self._streams = ThreadPoolExecutor(STREAM_THREADS, "streams")
        self._bodies = self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if scope["path"] == HEALTH and scope["method"] in {"GET", "HEAD"}:
            await _answer(send, HTTPStatus.OK, {"status": "alive"})
            return
        try:
            await self._answer(scope, receive, send)
        except Unanswerable as why:
            # What is left of the body isn't read, so the connection can't be used again.
            headers = [(b"connection", b"close")]
            if why.status is HTTPStatus.SERVICE_UNAVAILABLE:
                headers.append((b"retry-after", b"10"))
            await _answer(send, why.status, _refused(scope, why), headers)
        except ConnectionAbortedError:
            # Nobody is there to be told.
            return

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if len(scope["query_string"]) > QUERY_LONGEST:
            raise Unanswerable(HTTPStatus.REQUEST_URI_TOO_LONG, "too_large", "The address is too long. Shorten it.")
        streamed = scope["method"] == "POST" and scope["path"].startswith(PROGRAMS) and scope["path"].endswith(STREAMS)
        limit = self._limits.stream if streamed else self._limits.body
        if _length(scope) > limit:
            raise _too_large(limit)
        if streamed:
            await self._pass_on(scope, receive, send, limit)
            return
        if self._bodies >= self._limits.at_once:
            raise _busy()
        self._bodies += 1
        try:
            body = await self._body(receive, limit)
        finally:
            self._bodies -= 1
        with body:
            await self._run(self._pages, scope, body, send)

    async def _body(self, receive: Receive, limit: int) -> IO[bytes]:
        """Take in a whole body, within the limits."""
        begun, size = asyncio.get_running_loop().time(), 0
        body = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the caller closes it
        try:
            more = True
            while more:
                spent = asyncio.get_running_loop().time() - begun
                left = self._limits.whole + size / self._limits.rate - spent
                message = await _within(min(self._limits.idle, left), receive)
                block, more = message.get("body", b""), message.get("more_body", False)
                size += len(block)
                if size > limit:
                    raise _too_large(limit)
                body.write(block)
            body.seek(0)
        except BaseException:
            body.close()
            raise
        return cast("IO[bytes]", body)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        """Answer a stream while its body arrives."""
        blocks = Blocks(asyncio.get_running_loop(), receive, self._limits.idle_stream, limit)
        await self._run(self._streams, scope, BufferedReader(blocks), send)

    async def _run(
        self, threads: ThreadPoolExecutor, scope: Scope, body: IO[bytes] | BufferedIOBase, send: Send
    ) -> None:
        """Call the application in a thread. At most so many requests wait for one."""
        if self._waiting >= self._limits.waiting:
            raise _busy()
        self._waiting += 1
        loop = asyncio.get_running_loop()
        answer = Transmission(loop, send, self._limits.idle_stream)
        try:
            await loop.run_in_executor(threads, self._call, _environ(scope, body), answer)
        finally:
            self._waiting -= 1

    def _call(self, environ: Environ, answer: "Transmission") -> None:
        """Call the application, and send what it answers, block by block."""
        parts = self._wsgi(environ, answer.start)
        try:
            answer.send_all(parts)
        finally:
            # In the thread that answered, whose connection to the database it may close.
            getattr(parts, "close", lambda: None)()


class Transmission:
    """An answer on its way from a thread to the network.

    An answer in one piece is handed to the network together with its status. A reader that takes nothing for `idle`
    seconds is cut off.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Send, idle: float) -> None:
        self._loop, self._send, self._idle = loop, send, idle
        self._status, self._headers = HTTPStatus.INTERNAL_SERVER_ERROR.value, Headers()

    def start(self, status: str, headers: list[tuple[str, str]], *_: object) -> None:
        """Take the status and the headers from the application."""
        self._status = int(status.split(" ", 1)[0])
        self._headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    def send_all(self, parts: Iterable[bytes]) -> None:
        """Send the parts; each is sent before the next is asked for."""
        begun = False
        held: bytes | None = None
        for part in parts:
            if held is not None:
                self._wait(self._part(held, begun=begun, more=True))
                begun = True
            held = part
        self._wait(self._part(held or b"", begun=begun, more=False))

    async def _part(self, part: bytes, *, begun: bool, more: bool) -> None:
        if not begun:
            await self._send({"type": "http.response.start", "status": self._status, "headers": self._headers})
        await self._send({"type": "http.response.body", "body": part, "more_body": more})

    def _wait(self, sending: Any) -> None:
        future: Future[None] = asyncio.run_coroutine_threadsafe(sending, self._loop)
        try:
            future.result(self._idle)
        except TimeoutError:
            future.cancel()
            raise ConnectionAbortedError("The reader takes nothing.") from None


class Blocks(RawIOBase):
    """The body of a request as a file that a thread reads while it arrives.

    Raises `ConnectionAbortedError` where the sender pauses too long, sends too much, or is gone.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, receive: Receive, idle: float, limit: int) -> None:
        super().__init__()
        self._loop, self._receive, self._idle, self._left = loop, receive, idle, limit
        self._rest, self._more = b"", True

    def readable(self) -> bool:
        """Return True: this is what it is for."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there, waiting for the next block if nothing is."""
        while not self._rest and self._more:
            arriving = asyncio.run_coroutine_threadsafe(_within(self._idle, self._receive), self._loop)
            try:
                message = arriving.result()
            except Unanswerable as why:
                raise ConnectionAbortedError(why.sentence) from None
            self._rest, self._more = message.get("body", b""), message.get("more_body", False)
            self._left -= len(self._rest)
            if self._left < 0:
                raise ConnectionAbortedError("The body is too large.")
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


async def _within(seconds: float, receive: Receive) -> Message:
    try:
        message = await asyncio.wait_for(receive(), max(seconds, 0))
    except TimeoutError:
        raise Unanswerable(
            HTTPStatus.REQUEST_TIMEOUT, "too_slow", "The request took too long to arrive. Send it again."
        ) from None
    if message["type"] == "http.disconnect":
        raise ConnectionAbortedError("The sender is gone.")
    return message


def _length(scope: Scope) -> int:
    """Return the length that a request announces, 0 for none; refuse one that is no number."""
    for name, value in scope["headers"]:
        if name.lower() == b"content-length":
            if not (value.isdigit() and len(value) < len(str(sys.maxsize))):
                raise Unanswerable(HTTPStatus.BAD_REQUEST, "invalid_value", "Content-Length is no number.")
            return int(value)
    return 0


def _environ(scope: Scope, body: IO[bytes] | BufferedIOBase) -> Environ:
    """Return a request as WSGI has it. A text is the bytes that were sent, as latin-1."""
    host, port = (scope.get("server") or ("localhost", 80))[:2]
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").upper(), raw_value.decode("latin-1")
        if "_" in name:
            # `X_Forwarded_For` would pass for `X-Forwarded-For`.
            continue
        key = name.replace("-", "_")
        key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
        joined = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{joined}{value}" if key in environ else value
    if "CONTENT_LENGTH" not in environ and hasattr(body, "fileno") and not isinstance(body, BufferedReader):
        environ["CONTENT_LENGTH"] = str(body.seek(0, 2))
        body.seek(0)
    return environ


def _refused(scope: Scope, why: Unanswerable) -> dict[str, Any] | str:
    """Return a refusal for a program as JSON in the API's form, for a person as a sentence."""
    if scope["path"].startswith(PROGRAMS):
        return {"code": why.code, "field": "", "sentence": why.sentence, "params": {}, "details": []}
    return f"{why.sentence}\n"


async def _answer(
    send: Send, status: HTTPStatus, content: dict[str, Any] | str, headers: Headers | None = None
) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    kind = "text/plain; charset=utf-8" if isinstance(content, str) else "application/json"
    body = text.encode()
    common: Headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"content-security-policy", b"default-src 'none'"),
    ]
    await send({"type": "http.response.start", "status": status.value, "headers": [*common, *(headers or ())]})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _too_large(limit: int) -> Unanswerable:
    return Unanswerable(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too_large",
        f"The body is larger than {limit:,} bytes. Send less at a time.",
    )


def _busy() -> Unanswerable:
    return Unanswerable(HTTPStatus.SERVICE_UNAVAILABLE, "too_busy", "The server is busy. Try again in ten seconds.")
