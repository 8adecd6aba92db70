"""Every page of an appliance, the module's included, before strangers, users and odd values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest
from failover import Failover

OPEN = {"/login", "/static/<path:filename>"}
FOR_EVERYBODY = ("/", "/logout", "/account")  # who is logged in
ENDS_THE_BOX = {"/admin/status/shutdown", "/admin/status/restart", "/logout"}
LOGIN, PASSWORD = "4711", "correct horse battery"
MARKUP = "<b>x</b>"
ODD = (
    MARKUP,
    "{{7*7}}",
    "a\r\nBcc: x@example.com",
    "\0",
    "\u202egnp.exe 🎺",
    "../../etc/passwd",
    "'; DROP TABLE entity;--",
    "-1",
    "9" * 400,
    "²",
    "",
    "NaN",
    "x" * 5000,
)
# Texts that pages know as fields, whether they have them or not.
FIELDS = (
    *("login", "name", "email", "language", "permissions", "password", "password_again"),
    *("password_now", "user", "when", "target", "mac", "vendor", "model", "host", "port"),
    *("sender", "security", "recipient", "version", "method", "address", "prefix", "gateway"),
    *("dns", "kind", "report_to", "unit", "every", "date", "time", "keep", "contents", "keys"),
    *("confirmed", "operation"),
    *("licence_key", "attempts_max", "mail_address", "repeat_unit", "repeat_every", "start_date"),
    *("start_time", "backup_source", "backup_age_max_h", "backup_wait_limit_min", "log_level"),
    *("stale_after_h", "description", "standby_user", "standby_password", "standby_server"),
    *("standby_host_key", "step", "asked"),
)
QUERY = ("file", "upload", "next", "level", "q", "page", "test", "lang")


@pytest.fixture(scope="module")
def pair() -> Iterator[Failover]:
    made = Failover()
    made.configure()
    made.pbx1.ctl(["users", "add", "--login", LOGIN, "--name", "Anna"])
    yield made
    made.lab.down()


@pytest.fixture(scope="module")
def admin(pair: Failover) -> httpx.Client:
    return _visitor(pair, pair.credentials.login, pair.credentials.password)


@pytest.fixture(scope="module")
def user(pair: Failover, admin: httpx.Client) -> httpx.Client:
    fields = {"name": "Anna", "email": "", "language": "de", "permissions": "telephony"}
    words = {"password": PASSWORD, "password_again": PASSWORD, "csrf_token": _token(admin)}
    assert admin.post(f"/admin/users/{LOGIN}", data={**fields, **words}).status_code == 200
    return _visitor(pair, LOGIN, PASSWORD)


def _visitor(pair: Failover, login: str, password: str) -> httpx.Client:
    browser = pair.pbx1.browser()
    token = re.search(r'name="csrf_token" value="(\w+)"', browser.get("/login").text)
    assert token is not None
    fields = {"login": login, "password": password, "csrf_token": token[1]}
    assert browser.post("/login", data=fields).status_code == 200
    return browser


def _token(browser: httpx.Client) -> str:
    found = re.search(r'name="csrf_token" value="(\w+)"', browser.get("/account").text)
    assert found is not None
    return found[1]


def _pages(pair: Failover, method: str) -> list[str]:
    """Return the paths of all pages, as the appliance serves them."""
    served = pair.pbx1._running.appliance.web._app.__self__.url_map.iter_rules()
    return sorted({one.rule for one in served if method in one.methods} - OPEN)


def _filled(path: str, value: str) -> str:
    """Put a value in the place of each variable of a path, as a browser would write it."""
    return re.sub(r"<[^>]+>", quote(value or "x", safe=""), path)


@pytest.mark.covers("R48", "F10")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_page_is_open_to_strangers(pair: Failover, method: str) -> None:
    stranger = pair.pbx1.browser()
    stranger.follow_redirects = False
    before = pair.pbx1.ctl(["content", "digest"])
    for path in _pages(pair, method):
        answer = stranger.request(method, _filled(path, "0001"))
        refused = (303, "/login") if method == "GET" else (403, "")
        if (method, path) != ("GET", "/"):  # leads on to pages that ask
            place = answer.headers.get("location", "").partition("?")[0]
            assert (answer.status_code, place) == refused, path
    assert pair.pbx1.ctl(["content", "digest"]) == before


@pytest.mark.covers("R48", "F10")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_administration_is_closed_to_users(
    pair: Failover, user: httpx.Client, method: str
) -> None:
    before, token = pair.pbx1.ctl(["content", "digest"]), _token(user)
    closed = [one for one in _pages(pair, method) if not one.startswith(FOR_EVERYBODY[1:])]
    for path in closed:
        if path != "/":
            data = {"csrf_token": token} if method == "POST" else None
            answer = user.request(method, _filled(path, "0001"), data=data)
            assert answer.status_code == 403, path
    assert len(closed) > 20
    assert pair.pbx1.ctl(["content", "digest"]) == before


@pytest.mark.covers("F10")
def test_a_form_with_the_token_of_another_session_changes_nothing(
    pair: Failover, admin: httpx.Client, user: httpx.Client
) -> None:
    before, token = pair.pbx1.ctl(["content", "digest"]), _token(user)
    for path in _pages(pair, "POST"):
        answer = admin.post(_filled(path, "0001"), data={"csrf_token": token})
        assert answer.status_code == 403, path
    assert admin.get("/admin/status").status_code == 200
    assert pair.pbx1.ctl(["content", "digest"]) == before
    assert pair.pbx1.ctl(["status"])["role"] == "active"


@pytest.mark.covers("I2", "M4")
@pytest.mark.parametrize("value", ODD)
def test_odd_values_in_every_field_break_nothing(
    pair: Failover, admin: httpx.Client, value: str
) -> None:
    token = _token(admin)
    for method in ("GET", "POST"):
        for path in (one for one in _pages(pair, method) if one not in ENDS_THE_BOX):
            data = {"csrf_token": token, **dict.fromkeys((*FIELDS, *QUERY), value)}
            answer = admin.request(
                method,
                _filled(path, value),
                params=dict.fromkeys(QUERY, value) if method == "GET" else None,
                data=data if method == "POST" else None,
            )
            assert answer.status_code < 500, (method, path)
            assert MARKUP not in answer.text, (method, path)
            assert not any("\n" in one for one in answer.headers.values()), (method, path)
    rows = [one for one in pair.lab.events() if one.event in ("defect", "trouble")]
    assert not rows
