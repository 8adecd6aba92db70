"""The operator's browser: HTTP from the host to whoever holds an address on the LAN."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import httpx

from emulator.lab import NodeDown
from emulator.sim.lan import Station
from emulator.sim.life import Life
from emulator.sim.site import Site

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

WEB_PORT = 80
PAGE_LIMIT_S = 60.0

Pages = Callable[[str], "tuple[Life, WSGIApplication] | None"]


class SimHttp(httpx.BaseTransport):
    """Carries requests from the host's own station.

    Args:
        site: where everything stands.
        host: the host's station, and its life.
        pages: returns the life and the pages of a node, None while it serves none.
    """

    def __init__(self, site: Site, host: tuple[Station, Life], pages: Pages) -> None:
        self._site = site
        self._host = host
        self._pages = pages

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Bring a request to the node that has the address, and its answer back.

        An error of the pages becomes status 500 and the event `defect`.

        Raises:
            httpx.ConnectError: nobody answers there.
            httpx.ReadTimeout: the answer did not come.
        """
        request.read()
        return self._site.world.call(self._host[1], "browser", lambda: self._exchange(request))

    def _exchange(self, request: httpx.Request) -> httpx.Response:
        station, _ = self._host
        far = self._site.route(station, request.url.host)
        if far is None:
            raise httpx.ConnectError("[Errno 113] No route to host", request=request)
        pages = self._pages(far.name) if (request.url.port or WEB_PORT) == WEB_PORT else None
        if pages is None:
            raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
        life, application = pages
        what = f"page {request.method} {request.url.path}"
        task = self._site.world.start(life, what, lambda: _serve(application, station, request))
        task.awaited = True
        if not task.over.wait(f"the answer to {what}", PAGE_LIMIT_S):
            raise httpx.ReadTimeout("timed out", request=request)
        try:
            return task.outcome()
        except NodeDown:
            self._site.world.sleep(PAGE_LIMIT_S)
            raise httpx.ReadTimeout("timed out", request=request) from None
        except Exception as error:  # noqa: BLE001 - a web server answers whatever its program raises
            self._site.happened(far.name, "appliance", "defect", repr(error), {"command": what})
            return httpx.Response(500, text="Internal Server Error")


def _serve(
    application: WSGIApplication, station: Station, request: httpx.Request
) -> httpx.Response:
    """Run the pages for one request, in a task of their appliance."""

    def received(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # PEP 3333 wants the bytes of the path as Latin-1; the transport gives its text.
        path = environ["PATH_INFO"].encode().decode("latin-1")
        return application({**environ, "PATH_INFO": path}, start_response)

    wsgi = httpx.WSGITransport(received, remote_addr=station.port.addresses[0])
    response = wsgi.handle_request(request)
    body = response.read()
    return httpx.Response(response.status_code, headers=response.headers, content=body)
