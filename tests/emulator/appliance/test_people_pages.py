"""Pages of users, redirects and phones: what is typed wrong is marked, what is odd is harmless."""

from __future__ import annotations

import json
import re

import pytest

from emulator.appliance.entities import Entity
from emulator.licences import make_key

PASSWORD = "a long enough one"


@pytest.fixture
def rig(bench):
    return bench.boot("pbx1")


@pytest.fixture
def admin(rig, visiting):
    return visiting(rig)


@pytest.fixture
def anna(rig, admin, visiting):
    """User 1001, logged in at a browser of her own."""
    rig.run("users", "password", "1001", stdin=PASSWORD.encode())
    visitor = visiting(rig)
    visitor.post("/logout")
    visitor.log_in("1001", PASSWORD)
    return visitor


def marked(page) -> list[str]:
    """The names of the fields that a page marks, each tied to its error."""
    names = re.findall(r'name="(\w+)"[^>]*aria-invalid="true"', page.text)
    for name in names:
        assert re.search(rf'aria-describedby="[^"]*{name}-wrong"', page.text)
        assert f'id="{name}-wrong"' in page.text
    return names


def user(rig, login):
    return rig.appliance.parts.content.get("users", login)


def test_user_is_changed_and_what_a_newer_version_granted_stays(rig, admin):
    body = user(rig, "1001")
    content = rig.appliance.parts.content
    content.put([Entity("users", "1001", {**body, "permissions": ["telephony", "hologram"]})])
    page = admin.post(
        "/admin/users/1001",
        name="Änne <b>",
        email="",
        language="en",
        permissions=["voicemail", "administrator", "root"],
    )
    assert "Gespeichert." in page.text
    changed = user(rig, "1001")
    assert (changed["name"], changed["email"], changed["language"]) == ("Änne <b>", None, "en")
    assert changed["permissions"] == ["administrator", "voicemail", "hologram"]
    assert changed["password"] == body["password"]


def test_password_is_set_only_when_typed_twice_and_logs_other_browsers_out(rig, admin, anna):
    fields = {"name": "Anna", "language": "de", "password": "new password 1"}
    page = admin.post("/admin/users/1001", **fields, password_again="other")
    assert (page.status_code, marked(page)) == (422, ["password_again"])
    assert "new password 1" not in page.text
    assert anna.get("/account").url.path == "/account"
    admin.post("/admin/users/1001", **fields, password_again="new password 1")
    assert anna.get("/account").url.path == "/login"
    assert anna.log_in("1001", "new password 1").url.path == "/account"
    assert "new password 1" not in json.dumps(rig.box.events)


def test_short_password_is_refused_at_its_field(admin):
    page = admin.post(
        "/admin/users/1001", name="A", language="de", password="short", password_again="short"
    )
    assert (page.status_code, marked(page)) == (422, ["password"])


def test_last_administrator_cannot_give_up_his_rights(rig, admin):
    page = admin.post("/admin/users/0001", name="Administrator", language="de")
    assert page.status_code == 409
    assert "administrator" in user(rig, "0001")["permissions"]


@pytest.mark.covers("R11")
def test_users_end_where_the_licences_end_and_go_on_with_another(rig, admin):
    rig.run("licences", "install", "--replace", stdin=make_key("user", b"7" * 8, users=8).encode())
    fields = {"name": "Neu", "email": "", "language": "de"}
    assert admin.post("/admin/users", login="4711", **fields).status_code == 200
    page = admin.post("/admin/users", login="4712", **fields)
    assert page.status_code == 409
    assert 'value="4712"' in page.text
    rig.run("licences", "install", stdin=make_key("user", b"8" * 8, users=1).encode())
    assert admin.post("/admin/users", login="4712", **fields).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "👩‍🚀 Zoë", "שלום עולם", "\u202eevil", 'O\'Neil "x" & Co'],
)
def test_odd_names_are_shown_harmlessly(rig, admin, name):
    page = admin.post("/admin/users", login="4711", name=name, email="", language="de")
    assert page.status_code == 200
    assert user(rig, "4711")["name"] == name
    for path in ("/admin/users", "/admin/users/4711", "/admin/users/4711/remove"):
        text = admin.get(path).text
        assert "<script>alert" not in text
        assert "<bdi>" in text


@pytest.mark.parametrize(
    ("field", "typed"),
    [("name", "A\r\nBcc: x@example.com"), ("email", "a@example.com\nBcc: b@example.com")],
)
def test_line_breaks_for_mail_headers_are_refused_at_their_field(rig, admin, field, typed):
    fields = {"login": "4711", "name": "A", "email": "", "language": "de", field: typed}
    page = admin.post("/admin/users", **fields)
    assert (page.status_code, marked(page)) == (422, [field])
    assert user(rig, "4711") is None


def test_thousand_users_come_in_pages_and_are_found(rig, admin):
    body = user(rig, "1001")
    people = [
        Entity("users", str(number), {**body, "name": f"Person {number}"})
        for number in range(5000, 6000)
    ]
    rig.appliance.parts.content.put(people)
    page = admin.get("/admin/users?page=3")
    assert page.text.count("/remove") == 50
    assert "Seite 3 von 21" in page.text
    assert admin.get("/admin/users?page=999").text.count("/remove") == 7
    found = admin.get("/admin/users?q=person 5123").text
    assert found.count("/remove") == 1
    assert "Person 5123" in found


def test_removed_user_takes_his_redirects_along_and_leaves_his_phones(rig, admin):
    page = admin.get("/admin/users/1001/remove")
    assert "werden mit entfernt" in page.text
    assert admin.post("/admin/users/1001/remove").url.path == "/admin/users"
    assert user(rig, "1001") is None
    content = rig.appliance.parts.content
    assert not [one for one in content.all("redirects").values() if one["user"] == "1001"]
    assert [one["user"] for one in content.all("phones").values()].count("") == 1


@pytest.mark.parametrize(
    ("field", "typed"), [("target", "call me"), ("when", "NEVER"), ("user", "9999")]
)
def test_wrong_field_of_a_redirect_is_marked_and_kept(admin, field, typed):
    fields = {"user": "0001", "when": "TIMEOUT", "target": "200", field: typed}
    page = admin.post("/admin/redirects", **fields)
    assert (page.status_code, marked(page)) == (422, [field])
    assert field == "when" or f'value="{typed}"' in page.text


def test_redirect_is_added_once_changed_and_removed(rig, admin):
    content = rig.appliance.parts.content
    fields = {"user": "0001", "when": "TIMEOUT", "target": "200"}
    assert admin.post("/admin/redirects", **fields).status_code == 200
    assert admin.post("/admin/redirects", **fields).status_code == 409
    assert admin.post("/admin/redirects/0001-timeout", target="x").status_code == 422
    admin.post("/admin/redirects/0001-timeout", target="+4930777")
    assert content.get("redirects", "0001-timeout")["target"] == "+4930777"
    admin.post("/admin/redirects/0001-timeout/remove")
    assert content.get("redirects", "0001-timeout") is None


@pytest.mark.covers("F10")
def test_user_sees_and_changes_his_own_redirects_only(rig, anna):
    content = rig.appliance.parts.content
    foreign = next(key for key, one in content.all("redirects").items() if one["user"] == "1002")
    page = anna.get("/account/redirects")
    assert "1001-" in page.text
    assert "1002" not in page.text
    assert anna.get(f"/account/redirects/{foreign}").status_code == 404
    for path in (f"/account/redirects/{foreign}", f"/account/redirects/{foreign}/remove"):
        assert anna.post(path, target="666").status_code == 404
    anna.post("/account/redirects", user="1002", when="TIMEOUT", target="200")
    assert content.get("redirects", "1002-timeout") is None
    assert content.get("redirects", "1001-timeout")["target"] == "200"
    assert content.get("redirects", foreign)["target"] != "666"


@pytest.mark.covers("F10")
@pytest.mark.parametrize(
    "path", ["/admin/users", "/admin/users/1001", "/admin/redirects", "/admin/phones"]
)
def test_user_without_rights_reaches_no_page_of_others(anna, path):
    assert anna.get(path).status_code == 403
    assert anna.post(path, name="x").status_code == 403


def test_user_changes_his_own_data_but_not_his_rights(rig, anna):
    page = anna.post(
        "/account", email="anna@example.org", language="en", name="X", permissions="administrator"
    )
    assert '<html lang="en">' in page.text
    changed = user(rig, "1001")
    assert (changed["email"], changed["language"]) == ("anna@example.org", "en")
    assert changed["name"] != "X"
    assert "administrator" not in changed["permissions"]


def test_user_changes_his_password_with_the_present_one_only(anna):
    fields = {
        "email": "",
        "language": "de",
        "password": "another one",
        "password_again": "another one",
    }
    for _ in range(5):
        page = anna.post("/account", **fields, password_now="guess")
        assert (page.status_code, marked(page)) == (422, ["password_now"])
    braked = anna.post("/account", **fields, password_now=PASSWORD)
    assert "Zu viele Fehlversuche" in braked.text


def test_changed_password_is_the_one_that_counts(anna):
    fields = {
        "email": "",
        "language": "de",
        "password": "another one",
        "password_again": "another one",
    }
    assert anna.post("/account", **fields, password_now=PASSWORD).status_code == 200
    assert anna.get("/account").url.path == "/account"
    anna.post("/logout")
    assert anna.log_in("1001", PASSWORD).status_code == 401
    assert anna.log_in("1001", "another one").url.path == "/account"


@pytest.mark.parametrize(
    ("field", "typed"), [("mac", "02:50"), ("vendor", ""), ("model", "a\nb"), ("user", "9999")]
)
def test_wrong_field_of_a_phone_is_marked(admin, field, typed):
    fields = {
        "mac": "02:50:aa:00:00:01",
        "vendor": "snom",
        "model": "D385",
        "user": "",
        field: typed,
    }
    page = admin.post("/admin/phones", **fields)
    assert (page.status_code, marked(page)) == (422, [field])


def test_phone_is_added_with_a_secret_that_no_page_shows_changed_and_removed(rig, admin):
    content = rig.appliance.parts.content
    fields = {"mac": "02:50:AA:00:00:01", "vendor": "snom", "model": "D385", "user": "1001"}
    admin.post("/admin/phones", **fields, needs_restart="1")
    made = content.get("phones", "0250aa000001")
    assert made["needs_restart"]
    assert made["mac"] == "02:50:aa:00:00:01"
    for path in ("/admin/phones", "/admin/phones/0250aa000001"):
        assert made["sip_secret"] not in admin.get(path).text
    admin.post("/admin/phones/0250aa000001", **{**fields, "user": ""})
    changed = content.get("phones", "0250aa000001")
    assert (changed["user"], changed["needs_restart"]) == ("", False)
    assert changed["sip_secret"] == made["sip_secret"]
    admin.post("/admin/phones/0250aa000001/remove")
    assert content.get("phones", "0250aa000001") is None


def test_licence_is_removed_by_its_row(rig, admin):
    held = rig.run("licences", "list")["licences"]
    module = next(one for one in held if one["kind"] == "module")
    page = admin.get("/admin/licences")
    assert f"/admin/licences/{module['fingerprint']}/remove" in page.text
    admin.post(f"/admin/licences/{module['fingerprint']}/remove")
    assert module not in rig.run("licences", "list")["licences"]
    assert admin.post("/admin/licences/0000/remove").status_code == 409


def test_users_and_phones_are_changed_by_command_too(rig):
    rig.run("users", "set", "1001", "--name", "Neu", "--permissions", "telephony,administrator")
    assert user(rig, "1001")["permissions"] == ["telephony", "administrator"]
    assert rig.refusal("users", "set", "1001") == "usage"
    assert rig.refusal("users", "set", "9", "--name", "x") == "no-such-object"
    assert rig.refusal("users", "password", "1001", stdin=b"short") == "usage"
    phone = rig.run("phones", "list")["phones"][0]["id"]
    rig.run("phones", "assign", phone)
    assert rig.refusal("phones", "assign", phone, "--user", "9999") == "no-such-object"
    rig.run("phones", "remove", phone)
    rig.run("redirects", "add", "--user", "0001", "--when", "busy", "--target", "200")
    rig.run("redirects", "set", "0001-busy", "--target", "300")
    rig.run("redirects", "remove", "0001-busy")
    assert rig.refusal("redirects", "remove", "0001-busy") == "no-such-object"
