"""Forms, filled in as a person would."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest

from scenarios.browsing import (
    REDUNDANCY_TAB,
    SWITCHOVER_FORM,
    PageTrouble,
    click_switchover,
    log_in,
    open_tab,
    upload,
)

LARGE = 32 * 2**20
LOGIN = """<form method=post><input type=hidden name=csrf value=t0ken>
<input name=login><input type=password name=secret><button>Anmelden</button></form>"""
TAB = f"""<style>p {{}}</style><p>Redundanz</p>
<form action="/logout"><input name=csrf value=x></form>
<form method=post action="{SWITCHOVER_FORM}"><input type=hidden name=csrf value=t1ken>
<button>Umschalten</button></form>"""
UPLOAD = """<form method=post enctype="multipart/form-data">
<input type=hidden name=csrf value=t2ken>
<input type=file name=backup><button>Hochladen</button></form>"""

REFUSED = """<nav>Status Benutzer</nav><main><h1>refused</h1>
<p>02:00:00:00:00:01 answers</p></main>"""


class Site:
    """A tiny appliance page that remembers what it was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, list[str]], bytes]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if request.method == "GET":
            pages = {"/login": LOGIN, REDUNDANCY_TAB: TAB, "/import": UPLOAD}
            return httpx.Response(200 if path in pages else 404, html=pages.get(path, "nothing"))
        body = request.read()
        fields = parse_qs(body.decode(errors="replace"))
        self.sent.append((path, fields, body))
        if path == "/login":
            right = fields["secret"] == ["right"]
            return httpx.Response(200, html="<p>Willkommen</p>" if right else LOGIN)
        if path == SWITCHOVER_FORM:
            return httpx.Response(409, html=REFUSED)
        return httpx.Response(200, html="<p>imported</p>")


def browser(site: Site) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(site), base_url="http://198.18.0.20")


def test_a_login_sends_the_csrf_token_back() -> None:
    site = Site()

    log_in(browser(site), "0001", "right")

    assert site.sent[0][1] == {"csrf": ["t0ken"], "login": ["0001"], "secret": ["right"]}


def test_a_wrong_password_is_one_clear_line() -> None:
    with pytest.raises(PageTrouble, match="the login as 0001 was refused") as caught:
        log_in(browser(Site()), "0001", "wrong")

    assert "wrong" not in str(caught.value).replace("was refused", "")


def test_a_page_on_which_the_password_can_be_changed_is_no_refusal() -> None:
    account = (
        "<form method=post><input type=password name=old><input type=password name=new></form>"
    )

    def site(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, html=LOGIN if request.method == "GET" else account)

    with httpx.Client(transport=httpx.MockTransport(site), base_url="http://198.18.0.20") as client:
        log_in(client, "1001", "right")


def test_the_switchover_form_is_found_by_where_it_goes() -> None:
    site = Site()
    with browser(site) as one:
        answer = click_switchover(one, open_tab(one))

    assert site.sent[0][1] == {"csrf": ["t1ken"]}
    assert answer.status == 409
    assert answer.text == "refused 02:00:00:00:00:01 answers"


def test_an_upload_carries_file_and_token() -> None:
    site = Site()
    with browser(site) as one:
        answer = upload(one, open_tab(one, "/import"), "b.sar", io.BytesIO(b"PK-bytes"))

    assert b'filename="b.sar"' in site.sent[0][2]
    assert b"PK-bytes" in site.sent[0][2]
    assert b"t2ken" in site.sent[0][2]
    assert answer.text == "imported"


class Funnel(httpx.BaseTransport):
    """Takes what is sent as it comes, and keeps how much that was."""

    sent = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, html=UPLOAD)
        assert isinstance(request.stream, httpx.SyncByteStream)
        self.sent = sum(len(piece) for piece in request.stream)
        assert int(request.headers["content-length"]) == self.sent
        return httpx.Response(200, html="<p>imported</p>")


def test_a_large_upload_is_never_whole_in_memory(tmp_path: Path) -> None:
    large, funnel = tmp_path / "b.sar", Funnel()
    with large.open("wb") as file:
        file.truncate(LARGE)
    with (
        httpx.Client(transport=funnel, base_url="http://198.18.0.20") as one,
        large.open("rb") as f,
    ):
        page = open_tab(one, "/import")
        tracemalloc.start()
        upload(one, page, "b.sar", f)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert funnel.sent > LARGE
    assert peak < LARGE / 16


def test_a_page_that_is_not_there_is_named() -> None:
    with pytest.raises(PageTrouble, match=r"198\.18\.0\.20/nowhere: 404"):
        open_tab(browser(Site()), "/nowhere")


def test_a_page_without_the_form_says_what_it_shows_instead() -> None:
    with browser(Site()) as one, pytest.raises(PageTrouble, match="no form goes to"):
        click_switchover(one, open_tab(one, "/import"))


def test_a_dead_appliance_is_no_traceback() -> None:
    def dead(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("No route to host", request=request)

    client = httpx.Client(transport=httpx.MockTransport(dead), base_url="http://198.18.0.20")

    with pytest.raises(PageTrouble, match="no answer: No route to host"):
        log_in(client, "0001", "right")
