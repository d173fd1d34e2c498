"""How the site is served: by uvicorn, with httptools reading HTTP (a third of h11's cost per request).

uvicorn ends what is idle between two requests; a request that never ends, be it its head or its body, is ended here, so
that nobody holds connections open by sending a byte now and then (Slowloris).

One process does it all, unless PORTAL_PROCESSES says that several answer (processes.py): an event loop each, at one address,
and one more for jobs and log. uvicorn's own supervisor would start each from nothing, and leave them serving when it is killed.

When the disk fails to keep a commit (portal/db/disk.py) the process begins again in its own place, by exec; of several it is
their parent, after it has killed them.
"""

import asyncio
import gc
import os
import resource
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from portal import db
from portal.processes import run_together
from portal.settings import Settings

VERIFY = "--verify"
TOO_SOON = 60.0
HEAD_LIMIT = 65_536
HEAD, BODY, ANSWER = range(3)


class Protocol(HttpToolsProtocol):
    """uvicorn's own, but a request is hung up on whose line and headers do not end within HEAD_LIMIT bytes or HEAD_SECONDS,
    or whose body brings less than SLOWEST bytes a second, counted over BODY_SECONDS. Nobody waits for our own answer here.
    """

    HEAD_SECONDS = 20.0
    BODY_SECONDS = 20.0
    SLOWEST = 500

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_head, self._head = True, 0
        self._part, self._since, self._taken = HEAD, 0.0, 0
        self._clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(cast(asyncio.Transport, _InOnePiece(transport, self.loop)))
        self._since = self.loop.time()
        self._look_again()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._clock is not None:
            self._clock.cancel()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._in_head, self._head = True, 0
        self._part, self._since = HEAD, self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._part, self._since, self._taken = BODY, self.loop.time(), 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        # What was answered before its body ended is answered no more, and uvicorn's clock for idle connections was stopped.
        self._part, self._since = ANSWER if self._answering() else HEAD, self.loop.time()
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        before = self._part
        super().data_received(data)
        self._taken += len(data)
        if before == ANSWER == self._part:
            # Empty lines before a next request: they stopped uvicorn's clock for idle connections and began none of ours.
            self._part, self._since = HEAD, self.loop.time()
        if self._in_head:
            self._head += len(data)
            if self._head > HEAD_LIMIT:
                self.transport.close()

    def _look_again(self) -> None:
        """One clock per connection, not one per request: a request costs a few assignments."""
        self._clock = self.loop.call_later(min(self.HEAD_SECONDS, self.BODY_SECONDS) / 4, self._look)

    def _look(self) -> None:
        now = self.loop.time()
        waited = now - self._since
        if self._answering() if self._part == HEAD else self.flow.read_paused:
            self._since, self._taken = now, 0  # it is we who take our time, so nobody is slow
        elif self._part == HEAD and waited >= self.HEAD_SECONDS:
            self.transport.close()
            return
        elif self._part == BODY and waited >= self.BODY_SECONDS:
            if self._taken < self.SLOWEST * waited:
                self.transport.close()
                return
            self._since, self._taken = now, 0
        self._look_again()

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete


class _InOnePiece:
    """A transport that sends what is written in one turn of the event loop together: head and body of an answer are two calls of
    the system otherwise, which cost more than all that uvicorn does for it.
    """

    HELD = 65_536

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._parts: list[bytes] = []
        self._held = 0

    def write(self, part: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._send)
        self._parts.append(part)
        self._held += len(part)
        if self._held > self.HELD:  # else whoever writes much would never be told to wait
            self._send()

    def close(self) -> None:
        self._send()
        self._transport.close()

    def _send(self) -> None:
        if self._parts:
            self._transport.write(b"".join(self._parts))
            self._parts.clear()
            self._held = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def run(site: Starlette, wanted: Settings, work: Callable[[], object]) -> None:
    """Serve until SIGTERM or SIGINT; requests under way have five seconds to end. `work` does the jobs and signs the log, in a
    process of its own, where several serve."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # often 1,024, which one visitor could fill with connections
    gc.collect()
    gc.freeze()  # what was loaded by now stays: no collection walks over it again while somebody waits
    gc.set_threshold(10_000, 20, 50)
    began = time.monotonic()
    config = uvicorn.Config(
        site,
        host=wanted.host,
        port=wanted.port,
        http=Protocol,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    if wanted.processes <= 1:
        db.when_disk_fails(lambda: _begin_again(began))
        _serve(config)
    elif not _serve_together(config, wanted, work):
        _begin_again(began)
        sys.exit(os.EX_IOERR)


def _serve_together(config: uvicorn.Config, wanted: Settings, work: Callable[[], object]) -> bool:
    """False when a disk failed; no process lives any more then."""
    config.bind_socket().close()  # says so when somebody else has this address; those who share it would not notice
    listening = [_listening(config) for _each in range(wanted.processes)]
    works: list[Callable[[], object]] = [partial(_serve, config, each) for each in listening]

    def stop_listening() -> None:
        for each in listening:
            each.close()

    def work_alone() -> None:
        stop_listening()  # or else whoever comes while it ends would wait for nobody
        work()

    return run_together([*works, work_alone] if wanted.worker else works, before_last=stop_listening)


def _listening(config: uvicorn.Config) -> socket.socket:
    """One of several at the same address. Linux deals connections out to them evenly; from one socket for all, whoever wakes
    first takes what there is. The parent holds them open: who comes while a child is begun anew waits for it.
    """
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # without its name asyncio delays small answers
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        listening.setsockopt(socket.SOL_SOCKET, option, 1)
    listening.bind((config.host, config.port))
    listening.listen(config.backlog)
    return listening


def _serve(config: uvicorn.Config, *listening: socket.socket) -> None:
    server = uvicorn.Server(config)
    with suppress(KeyboardInterrupt):
        server.run(list(listening) or None)
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def _begin_again(began: float) -> None:
    """The same command in the place of this process, told to verify before it listens: nothing of what this one knows is left,
    and whoever watches over it or kills it still holds the right process. A second time within a minute is not ours to mend.
    """
    if VERIFY in sys.orig_argv and time.monotonic() - began < TOO_SOON:
        return
    again = sys.orig_argv[1:] if VERIFY in sys.orig_argv else [*sys.orig_argv[1:], VERIFY]
    os.execv(sys.executable, [sys.executable, *again])  # noqa: S606  # our own command line, once more
