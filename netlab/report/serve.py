"""Serves the report on this machine and makes it anew when the runs have changed."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from netlab.engine.catalog import Catalog
from netlab.errors import NetlabError, first_line
from netlab.report.build import ReportRequest, build_report

HOST = "127.0.0.1"
WATCHED = (
    "config.toml", "history.csv", "separability.csv", "result.json", "evaluation/precision_recall.csv",
)  # fmt: skip


def state_of(request: ReportRequest) -> str:
    """A text that changes when any run does: from names, sizes and times of its files."""
    digest = hashlib.sha256()
    try:
        directories, _ = request.choose()
    except NetlabError as error:
        return first_line(error)
    for directory in directories:
        for name in WATCHED:
            digest.update(f"{directory.path}/{name} {stamp(directory.path / name)}\n".encode())
    return digest.hexdigest()[:16]


def stamp(path: Path) -> str:
    """Size and time of a file, if it is there."""
    try:
        status = path.stat()
    except OSError:
        return "-"
    return f"{status.st_size} {status.st_mtime_ns}"


class LiveReport:
    """The page as of the last change of the runs."""

    def __init__(self, request: ReportRequest, catalog: Catalog) -> None:
        self._request, self._catalog = request, catalog
        self._lock = threading.Lock()
        self._made: tuple[str, bytes] | None = None

    def state(self) -> str:
        return state_of(self._request)

    def page(self) -> bytes:
        """The page; what goes wrong is shown as a page too, for the next run may put it right."""
        with self._lock:
            state = self.state()
            if self._made is None or self._made[0] != state:
                try:
                    text = build_report(self._request, self._catalog, state=state).html
                except NetlabError as error:
                    return problem_page(first_line(error)).encode()
                self._made = state, text.encode()
            return self._made[1]


def problem_page(message: str) -> str:
    """A page that says what is wrong and looks again soon."""
    import html

    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="3">'
        f'<link rel="icon" href="data:,"><title>netlab report</title><p>{html.escape(message)}</p></html>'
    )


def make_server(request: ReportRequest, catalog: Catalog, port: int) -> ThreadingHTTPServer:
    """The server, bound to 127.0.0.1.

    Raises:
        NetlabError: the port is taken.
    """
    report = LiveReport(request, catalog)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # Another name that leads here would let a foreign page read the report (DNS rebinding).
            host = self.headers.get("Host", "").partition(":")[0]  # of port 80 none is said
            if host not in (HOST, "localhost"):
                self.answer(403, "text/plain; charset=utf-8", b"only for this machine\n")
            elif self.path.split("?")[0] in ("/", "/report.html"):
                self.answer(200, "text/html; charset=utf-8", report.page())
            elif self.path.split("?")[0] == "/state":
                self.answer(200, "text/plain; charset=utf-8", report.state().encode())
            else:
                self.answer(404, "text/plain; charset=utf-8", b"there is only the report, at /\n")

        def answer(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            return

    try:
        return ThreadingHTTPServer((HOST, port), Handler)
    except OSError as error:
        raise NetlabError(f"port {port} can not be used ({error.strerror}): choose another --port") from None


def serve_report(
    request: ReportRequest, catalog: Catalog, *, port: int, announce: Callable[[str], None]
) -> None:
    """Serve until interrupted."""
    server = make_server(request, catalog, port)
    announce(f"http://{HOST}:{server.server_address[1]}/ (Ctrl-C ends it)")
    with server:
        server.serve_forever()
