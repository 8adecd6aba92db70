"""The pages as one WSGI application."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_cookie

from emulator.appliance.parts import Parts
from emulator.appliance.web.account import account_pages
from emulator.appliance.web.admin import admin_pages
from emulator.appliance.web.frame import COOKIE, WebFrame

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LARGEST_UPLOAD = 2**32
LARGEST_FORM = 2**20


class CompiledTemplates(BytecodeCache):
    """Compiled templates, kept by the checksum of their source for appliances to come.

    A simulated lab makes its appliances in one process, drill after drill.
    """

    def __init__(self) -> None:
        self._compiled: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill a bucket, if its template was compiled before."""
        known = self._compiled.get((bucket.key, bucket.checksum))
        if known is not None:
            bucket.bytecode_from_string(known)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what was compiled."""
        self._compiled[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


@cache
def compiled_templates() -> CompiledTemplates:
    """Return what this process has compiled so far."""
    return CompiledTemplates()


class HeldPages:
    """The pages as a WSGI application in which each request holds the Calendar."""

    def __init__(self, app: WSGIApplication, frame: WebFrame) -> None:
        self._app = app
        self.frame = frame
        self._calendar = frame.parts.machine.calendar

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        with self._calendar.hold(f"page {environ['REQUEST_METHOD']} {environ['PATH_INFO']}"):
            return self._app(environ, start_response)

    def largest_body(self, cookies: str) -> int:
        """Return how many bytes a request may carry: backups come from administrators only."""
        session = self.frame.sessions.find(parse_cookie(cookies).get(COOKIE, ""))
        known = session is not None and self.frame.administrator(session.login)
        return LARGEST_UPLOAD if known else LARGEST_FORM


def pages(parts: Parts) -> HeldPages:
    """Return the pages of a booted appliance, its module's included."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_UPLOAD
    app.jinja_env.bytecode_cache = compiled_templates()
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    frame = WebFrame(parts)
    app.extensions["appliance"] = frame
    app.before_request(frame.guard)
    app.after_request(frame.finish)
    app.context_processor(frame.context)
    app.register_error_handler(HTTPException, frame.fail)
    app.register_blueprint(account_pages(frame))
    app.register_blueprint(admin_pages(frame))
    if parts.module is not None:
        app.register_blueprint(parts.module.blueprint(frame))
    return HeldPages(app.wsgi_app, frame)
