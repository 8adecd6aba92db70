"""The one page of an appliance that could not come up: why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from emulator.appliance.databases import OutOfOrder

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LARGEST_BODY = 64 * 1024
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Out of order</title></head>
<body><main>
<h1>This appliance could not start</h1>
<p role="alert">{message}</p>
<p>{remedy}</p>
<p lang="de">Diese Anlage konnte nicht starten. Ihre Daten wurden nicht verändert. Melden Sie
sich als root per SSH oder an der Konsole an: <code>appliancectl status</code></p>
<p>Nothing was changed. Log in as root by SSH or at the console:
<code>appliancectl status</code></p>
</main></body></html>
"""


class RescuePage:
    """Answers every request with why the appliance is out of order."""

    def __init__(self, trouble: OutOfOrder) -> None:
        text = PAGE.format(message=escape(trouble.message), remedy=escape(trouble.remedy))
        self._page = text.encode()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        del environ
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
            ("Cache-Control", "no-store"),
            ("Retry-After", "60"),
        ]
        start_response("503 Service Unavailable", headers)
        return [self._page]

    def largest_body(self, _cookies: str) -> int:
        """Return how many bytes a request may carry."""
        return LARGEST_BODY
