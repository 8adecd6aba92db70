"""The pages: login, roles, forged requests, languages, the module's tabs."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest

from emulator.appliance.entities import Entity
from emulator.appliance.web.sessions import FAILURES_OF_CLIENT_MAX, SESSIONS_MAX


@pytest.fixture
def rig(bench):
    return bench.boot("pbx1")


def browser(rig, **headers) -> httpx.Client:
    return httpx.Client(
        transport=httpx.WSGITransport(rig.appliance.web),
        base_url="http://198.18.7.10",
        follow_redirects=True,
        headers={"accept-language": "de", **headers},
    )


def token(page: httpx.Response) -> str:
    found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', page.text)
    assert found, page.text
    return found.group(1)


def log_in(rig, client: httpx.Client, login="0001", password=None, target="") -> httpx.Response:
    page = client.get("/login", params={"next": target} if target else {})
    fields = {
        "login": login,
        "password": password or rig.password,
        "csrf_token": token(page),
        "next": target,
    }
    return client.post("/login", data=fields)


@pytest.fixture(autouse=True)
def password(rig, settings):
    rig.password = settings.credentials.password


def test_administrator_logs_in_and_lands_where_he_wanted_to_go(rig):
    with browser(rig) as client:
        asked = client.get("/admin/advanced/redundancy?x=1")
        assert asked.url.path == "/login"
        page = log_in(rig, client, target="/admin/advanced/redundancy?x=1")
        assert page.text == "tab of 0001 in de"
    assert rig.box.happened("login")[-1] == ("accepted", {"by": "0001", "client": "127.0.0.1"})


def test_session_cookie_is_closed_to_scripts_and_other_sites(rig):
    with browser(rig) as client:
        log_in(rig, client)
        cookie = client.get("/login").headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_login_gets_a_new_session_so_that_none_can_be_foisted(rig):
    with browser(rig) as client:
        client.get("/login")
        before = client.cookies["session"]
        log_in(rig, client)
        assert client.cookies["session"] != before


@pytest.mark.parametrize(
    ("field", "typed"), [("login", "12a"), ("name", " "), ("name", "x" * 501), ("email", "a@b,c@d")]
)
def test_wrong_field_of_a_user_is_marked_and_keeps_what_was_typed(rig, field, typed):
    with browser(rig) as client:
        log_in(rig, client)
        fields = {"login": "4711", "name": "Eve", "email": "", field: typed}
        fields["csrf_token"] = token(client.get("/admin/users"))
        page = client.post("/admin/users", data=fields)
    assert page.status_code == 422
    assert re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', page.text) == [field]
    assert f'id="{field}-wrong"' in page.text
    assert f'value="{typed}"' in page.text
    assert "users/4711" not in rig.run("content", "digest")["objects"]


def test_refused_licence_is_marked_at_its_field(rig):
    with browser(rig) as client:
        log_in(rig, client)
        fields = {"keys": "AAAAA-<b>", "csrf_token": token(client.get("/admin/licences"))}
        page = client.post("/admin/licences", data=fields)
    assert page.status_code == 422
    assert 'aria-invalid="true" aria-describedby="keys-hint keys-wrong"></textarea>' in page.text
    assert "so liest sich kein Schlüssel" in page.text


def test_login_pages_of_strangers_log_no_administrator_out(rig):
    sessions = rig.appliance.web.frame.sessions
    with browser(rig) as client:
        log_in(rig, client)
        for _ in range(SESSIONS_MAX):
            sessions.open("")
        assert client.get("/admin/status").url.path == "/admin/status"


@pytest.mark.parametrize("target", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_login_leads_to_no_other_site(rig, target):
    with browser(rig) as client:
        assert log_in(rig, client, target=target).url.host == "198.18.7.10"


def test_wrong_password_is_refused_then_slowed_down(rig):
    with browser(rig) as client:
        for _ in range(5):
            assert log_in(rig, client, password="wrong").status_code == 401
        refused = log_in(rig, client)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "31"
        rig.box.stopwatch.sleep(31)
        assert log_in(rig, client).url.path == "/admin/status"
    assert [cause for cause, _ in rig.box.happened("login")].count("refused") == 5


def test_one_password_is_not_tried_on_everybody(rig):
    with browser(rig) as client:
        for number in range(FAILURES_OF_CLIENT_MAX):
            assert log_in(rig, client, login=str(2000 + number), password="x").status_code == 401
        assert log_in(rig, client, login="3000", password="x").status_code == 429
        rig.box.stopwatch.sleep(31)
        assert log_in(rig, client).url.path == "/admin/status"


def test_password_typed_as_login_is_in_no_event(rig):
    with browser(rig) as client:
        log_in(rig, client, login=rig.password, password="0001")
    assert rig.password not in str(rig.box.events)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_stranger_gets_nothing_under_admin(rig, method):
    with browser(rig) as client:
        answer = client.request(method, "/admin/users")
        assert answer.url.path == "/login" if method == "GET" else answer.status_code == 403


def test_user_without_administration_rights_is_refused_and_logged(rig, settings):
    identity = rig.appliance.parts
    body = identity.content.get("users", "0001")
    identity.content.put(
        [type(identity.content.snapshot()[0])("users", "1001", {**body, "permissions": []})]
    )
    with browser(rig) as client:
        assert log_in(rig, client, login="1001").url.path == "/account"
        assert client.get("/admin/status").status_code == 403
    assert rig.box.happened("login")[-1] == (
        "forbidden",
        {"by": "1001", "path": "/admin/status"},
    )


def test_forged_request_is_refused_and_changes_nothing(rig):
    with browser(rig) as client:
        log_in(rig, client)
        for forged in ({}, {"csrf_token": "0" * 48}):
            fields = {"login": "4711", "name": "Eve", **forged}
            assert client.post("/admin/users", data=fields).status_code == 403
            assert client.post("/admin/advanced/redundancy", data=forged).status_code == 403
    assert "4711" not in rig.run("content", "digest")["objects"]
    assert rig.box.happened("login")[-1][0] == "forged"


def test_user_is_added_listed_escaped_and_removed(rig):
    with browser(rig) as client:
        page = log_in(rig, client)
        page = client.get("/admin/users")
        name = '<script>alert("x")</script>'
        fields = {"login": "4711", "name": name, "csrf_token": token(page), "language": "de"}
        page = client.post("/admin/users", data=fields)
        assert page.status_code == 200
        assert name not in page.text
        assert "&lt;script&gt;" in page.text
        again = client.post("/admin/users", data=fields)
        assert again.status_code == 409
        client.post("/admin/users/4711/remove", data={"csrf_token": token(page)})
    assert "users/4711" not in rig.run("content", "digest")["objects"]


def test_last_administrator_cannot_be_removed(rig):
    with browser(rig) as client:
        page = log_in(rig, client)
        answer = client.post("/admin/users/0001/remove", data={"csrf_token": token(page)})
        assert answer.status_code == 409
        assert client.get("/admin/status").url.path == "/admin/status"


@pytest.mark.parametrize(
    "path",
    [
        "/admin/status",
        "/admin/users",
        "/admin/backups",
        "/admin/modules",
        "/admin/network",
        "/admin/licences",
    ],
)
@pytest.mark.parametrize(("language", "heading"), [("de", "Abmelden"), ("en", "Log out")])
def test_every_page_speaks_german_and_english(rig, path, language, heading):
    content = rig.appliance.parts.content
    administrator = {**content.get("users", "0001"), "language": language}
    content.put([Entity("users", "0001", administrator)])
    with browser(rig, **{"accept-language": "fr"}) as client:
        log_in(rig, client)
        page = client.get(path)
        assert page.status_code == 200
        assert heading in page.text
        assert f'lang="{language}"' in page.text
        other = "en" if language == "de" else "de"
        client.get(path, params={"lang": other})
        assert f'<html lang="{other}">' in client.get(path).text


@pytest.mark.parametrize(("language", "sign"), [("de", ","), ("en", ".")])
def test_sizes_have_the_decimal_sign_of_the_language(rig, language, sign):
    with browser(rig) as client:
        log_in(rig, client)
        page = client.get(f"/admin/status?lang={language}").text
        assert re.findall(r"\d(.)\d [kMG]?B", page) == [sign, sign]


def test_pages_cannot_be_framed_and_run_no_foreign_script(rig):
    with browser(rig) as client:
        headers = log_in(rig, client).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert client.get("/static/style.css").status_code == 200


def test_licences_are_replaced_when_that_is_ticked(rig, settings):
    keys = "\n".join(settings.pbx2["licences"])
    with browser(rig) as client:
        log_in(rig, client)
        fields = {"csrf_token": token(client.get("/admin/licences")), "keys": keys}
        assert client.post("/admin/licences", data=fields).status_code == 409
        client.post("/admin/licences", data={**fields, "replace": "1"})
    assert len(rig.run("licences", "list")["licences"]) == len(settings.pbx2["licences"])


def test_unknown_page_is_said_in_the_frame(rig):
    with browser(rig) as client:
        log_in(rig, client)
        page = client.get("/admin/nowhere")
        assert page.status_code == 404
        assert "Diese Seite gibt es nicht." in page.text


def test_wrong_licence_key_is_refused_with_the_reason(rig):
    with browser(rig) as client:
        log_in(rig, client)
        page = client.get("/admin/licences")
        assert "Redundanz" in page.text
        fields = {"csrf_token": token(page), "keys": "AAAAA-BBBBB-CCCCC-DDDDD"}
        page = client.post("/admin/licences", data=fields)
        assert page.status_code == 422
        assert "Prüfgruppe" in page.text
        assert "DDDDD" in page.text
        assert "AAAAA-BBBBB" not in page.text


def test_logout_ends_the_session(rig):
    with browser(rig) as client:
        page = log_in(rig, client)
        client.post("/logout", data={"csrf_token": token(page)})
        assert client.get("/admin/status").url.path == "/login"


def test_removed_user_is_logged_out_at_once(rig):
    with browser(rig) as client:
        log_in(rig, client)
        rig.appliance.parts.content.remove("users", "0001")
        assert client.get("/admin/status").url.path == "/login"


def test_idle_session_ends(rig):
    with browser(rig) as client:
        log_in(rig, client)
        rig.box.calendar.set(rig.box.calendar.now() + timedelta(minutes=31))
        assert client.get("/admin/status").url.path == "/login"
