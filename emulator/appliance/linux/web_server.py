"""The pages on port 80, for everybody on the LAN: also for those who mean no good.

waitress takes a request in whole before any page sees it. So who may send how much, and
how many connections one client may have, is decided here: the click of an emergency must
get through while somebody fills disks or holds connections open (R5).
"""

from __future__ import annotations

import copy
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

THREADS = 8
CONNECTIONS_MAX = 500
CONNECTIONS_OF_CLIENT_MAX = 32  # browsers open six
IDLE_LIMIT_S = 30

LargestBody = Callable[[str], int]


class Settings(Adjustments):
    """waitress's settings, and who may send how much."""

    largest_body: LargestBody


class Parser(HTTPRequestParser):
    """A request whose body may be as large as its sender may send."""

    adj: Settings

    def parse_header(self, header_plus: bytes) -> None:
        """Read the header; bound the body before any of it is taken in."""
        super().parse_header(header_plus)
        self.adj = copy.copy(self.adj)
        self.adj.max_request_body_size = self.adj.largest_body(self.headers.get("COOKIE", ""))


class Channel(HTTPChannel):
    """A connection that reads requests so."""

    parser_class = Parser


class PageServer(TcpWSGIServer):
    """Serves pages; no client gets more than its share of connections."""

    channel_class = Channel

    def handle_accept(self) -> None:
        """Take a connection, or close it at once if its client has enough of them."""
        accepted = self.accept()
        if accepted is None:
            return
        connection, address = accepted
        channels = cast("dict[int, Channel]", self.active_channels)  # its stubs name the values
        taken = [one for one in channels.values() if one.addr[0] == address[0]]
        if len(taken) >= CONNECTIONS_OF_CLIENT_MAX:
            connection.close()
            return
        self._serve(connection, address)

    def _serve(self, connection: socket.socket, address: Any) -> None:
        try:
            self.set_socket_options(connection)
        except OSError:  # the client has gone meanwhile
            connection.close()
            return
        self.channel_class(self, connection, address, self.adj, map=self._map)  # type: ignore[attr-defined]  # not in its stubs


def serve(
    pages: WSGIApplication, largest_body: LargestBody, host: str = "", port: int = 80
) -> PageServer:
    """Serve pages from a thread of their own.

    Args:
        pages: what is served.
        largest_body: how many bytes a request may carry, by its cookies.
        host: an address; all of this box, also later ones, unless given.
        port: where to listen.

    Raises:
        OSError: the port is in use.
    """
    settings = Settings(
        host=host or "0.0.0.0",  # noqa: S104 - pages answer on the address that a takeover brings, too
        port=port,
        threads=THREADS,
        ident=None,
        connection_limit=CONNECTIONS_MAX,
        channel_timeout=IDLE_LIMIT_S,
        cleanup_interval=IDLE_LIMIT_S // 3,
        asyncore_use_poll=True,
    )
    settings.largest_body = largest_body
    server = PageServer(pages, adj=settings)
    threading.Thread(target=server.run, name="pages", daemon=True).start()
    return server
