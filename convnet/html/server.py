"""Serves the page of runs on this machine, made anew when their journals have changed."""

from collections.abc import Sequence
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

from convnet.errors import ConvnetError
from convnet.html.page import report_page
from convnet.journal import FILE_NAME

_HOST = "127.0.0.1"  # nobody else on the network sees the runs


class PageServer(ThreadingHTTPServer):
    """An HTTP server with one page.

    Parameters:
        folders: Of the runs.
        port: To listen on; 0 for a free one.
        every: Seconds after which browsers load the page again.

    Raises:
        ConvnetError: If the port is taken.
    """

    daemon_threads = True

    def __init__(self, folders: Sequence[Path], port: int, every: int) -> None:
        self.folders, self.every = tuple(folders), every
        self._lock = Lock()
        self._made: tuple[object, str] | None = None
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

    def page(self) -> str:
        """Return the page; it is made anew only if a journal has grown."""
        with self._lock:
            state = tuple(map(_state, self.folders))
            if self._made is None or self._made[0] != state:
                self._made = state, report_page(self.folders, renew=self.every)
            return self._made[1]


class _Handler(BaseHTTPRequestHandler):
    server: PageServer

    def do_GET(self) -> None:
        if self.path != "/":
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            status, page = HTTPStatus.OK, self.server.page()
        except ConvnetError as error:
            status, page = HTTPStatus.SERVICE_UNAVAILABLE, f"<pre>{escape(str(error))}</pre>"
        content = page.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing about each request."""


def _state(folder: Path) -> tuple[int, int]:
    try:
        found = (folder / FILE_NAME).stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns
