"""Serves the page of runs on this machine, made anew when something of them is new."""

from collections.abc import Sequence
from contextlib import suppress
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from threading import Lock
from time import time_ns

from convnet.errors import ConvnetError
from convnet.html.page import Page
from convnet.html.page_run import Warn

_HOST = "127.0.0.1"  # nobody else on the network sees the runs
# As the browser names this machine, also at the end of a tunnel.  A page of another site whose name
# leads to 127.0.0.1 names that site, and must not read the runs.
_NAMES = ("127.0.0.1", "localhost")
_STARTED = time_ns()  # pages of an earlier server are other versions


class PageServer(ThreadingHTTPServer):
    """An HTTP server with one page.

    Parameters:
        folders: Of the runs.
        port: To listen on; 0 for a free one.
        every: Seconds after which browsers ask for news.
        warn: Called with a line about what cannot be read and is left out.

    Raises:
        ConvnetError: If the port is taken.
    """

    daemon_threads = True

    def __init__(
        self, folders: Sequence[Path], port: int, every: int, warn: Warn = lambda line: None
    ) -> None:
        self._lock = Lock()
        self._page = Page(folders, renew=every, warn=warn)
        self._made: tuple[str, str] | None = None
        self._versions = count(1)
        try:
            super().__init__((_HOST, port), _Handler)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ConvnetError(
                f"port {port} cannot be used ({reason}); --port names another, 0 a free one"
            ) from None

    @property
    def address(self) -> str:
        """The address for a browser."""
        return f"http://{_HOST}:{self.server_address[1]}/"

    def page(self) -> tuple[str, str]:
        """Return the page and its version; it is made anew only if something of a run is new."""
        with self._lock:
            if self._page.update() or self._made is None:
                self._made = self._page.html(), f'"{_STARTED}-{next(self._versions)}"'
            return self._made


class _Handler(BaseHTTPRequestHandler):
    server: PageServer

    def do_GET(self) -> None:
        if self.headers.get("Host", "").partition(":")[0] not in _NAMES:
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        if self.path != "/":
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            page, version = self.server.page()
        except ConvnetError as error:
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE, f"<pre>{escape(str(error))}</pre>", "")
            return
        if self.headers.get("If-None-Match") == version:
            self._answer(HTTPStatus.NOT_MODIFIED, "", version)
        else:
            self._answer(HTTPStatus.OK, page, version)

    def _answer(self, status: HTTPStatus, page: str, version: str) -> None:
        content = page.encode()
        self.send_response(status)
        self.send_header("Cache-Control", "no-cache")  # the browser asks whether it has changed
        if version:
            self.send_header("ETag", version)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with suppress(ConnectionError):  # the browser has gone
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing about each request."""
