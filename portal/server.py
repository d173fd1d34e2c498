"""How the site is served: one process of uvicorn, with httptools reading HTTP (a third of h11's cost per request)."""

from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from portal.settings import Settings

HEAD_LIMIT = 65_536


class Protocol(HttpToolsProtocol):
    """uvicorn's own, but a request whose line and headers do not end within HEAD_LIMIT bytes is hung up on."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._in_head, self._head = True, 0

    def on_message_begin(self) -> None:
        self._in_head, self._head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head += len(data)
            if self._head > HEAD_LIMIT:
                self.transport.close()


def run(site: Starlette, settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; requests under way have five seconds to end."""
    uvicorn.run(
        site,
        host=settings.host,
        port=settings.port,
        http=Protocol,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
