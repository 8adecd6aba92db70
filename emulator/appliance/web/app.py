"""The pages as one WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_cookie
from werkzeug.routing import Rule

from emulator.appliance.archive_reader import MAX_ARCHIVE
from emulator.appliance.parts import Parts
from emulator.appliance.web.account import account_pages
from emulator.appliance.web.advanced import advanced_pages
from emulator.appliance.web.backups import backup_pages
from emulator.appliance.web.frame import COOKIE, WebFrame
from emulator.appliance.web.jobs import job_pages
from emulator.appliance.web.licences import licence_pages
from emulator.appliance.web.login import login_pages
from emulator.appliance.web.logs import log_pages
from emulator.appliance.web.mail import mail_pages
from emulator.appliance.web.modules import module_pages
from emulator.appliance.web.network import network_pages
from emulator.appliance.web.phones import own_phone_pages, phone_pages
from emulator.appliance.web.power import power_pages
from emulator.appliance.web.redirects import own_redirect_pages, redirect_pages
from emulator.appliance.web.restore import restore_pages
from emulator.appliance.web.setup import setup_pages
from emulator.appliance.web.status import status_pages
from emulator.appliance.web.users import user_pages

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

LARGEST_FORM = 2**20
LARGEST_UPLOAD = MAX_ARCHIVE + LARGEST_FORM

PAGES = (
    login_pages,
    account_pages,
    own_redirect_pages,
    own_phone_pages,
    status_pages,
    power_pages,
    licence_pages,
    backup_pages,
    mail_pages,
    job_pages,
    restore_pages,
    network_pages,
    user_pages,
    redirect_pages,
    phone_pages,
    module_pages,
    setup_pages,
    advanced_pages,
    log_pages,
)


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


class MatchedRule(Rule):
    """A path that requests are matched with; no page has its URLs built, so nothing builds them."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: FBT001, FBT002 - as the library calls it
        del append_unknown
        return _unbuilt


def _unbuilt(rule: Rule, **_values: object) -> tuple[str, str]:
    raise NotImplementedError(f"write the path of {rule.endpoint} out")


class PagesApp(Flask):
    """An application whose paths are only matched."""

    url_rule_class = MatchedRule


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
    app = PagesApp(__name__)
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
    for group in PAGES:
        app.register_blueprint(group(frame))
    if parts.module is not None:
        app.register_blueprint(parts.module.blueprint(frame))
    return HeldPages(app.wsgi_app, frame)
