"""The pages of backups: files, jobs, the look inside, the confirmation."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import httpx
import pytest

from emulator.appliance.uploads import KEPT_FOR

HOME = "/admin/backups"


@pytest.fixture
def rig(bench, settings):
    made = bench.boot("pbx1")
    made.password = settings.credentials.password
    return made


def browser(rig) -> httpx.Client:
    client = httpx.Client(
        transport=httpx.WSGITransport(rig.appliance.web),
        base_url="http://198.18.7.10",
        follow_redirects=True,
        headers={"accept-language": "de"},
    )
    form = {"login": "0001", "password": rig.password, "csrf_token": token(client.get("/login"))}
    assert client.post("/login", data=form).status_code == 200
    return client


@pytest.fixture
def client(rig):
    made = browser(rig)
    yield made
    made.close()


def token(page: httpx.Response) -> str:
    found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', page.text)
    assert found, page.text
    return found.group(1)


def send(client, path, files=None, **fields) -> httpx.Response:
    fields["csrf_token"] = token(client.get(HOME))
    return client.post(path, data=fields, files=files)


def upload(client, data, name="full.sar") -> httpx.Response:
    return send(client, f"{HOME}/restore/upload", files={"backup": (name, data)})


def key_of(page) -> str:
    return re.search(r'name="upload" value="([0-9a-f]+)"', page.text)[1]


def backup_of(other):
    made = other.run("backup", "create", "--operation", "b")
    return other.path(f"backups/{made['file']}").read_bytes()


@pytest.mark.covers("R37")
def test_backup_is_made_once_and_downloaded_whole(rig, client):
    fields = {"operation": "page:1", "contents": ["core", "calls", "announcements"]}
    send(client, HOME, **fields)
    send(client, HOME, **fields)
    (made,) = rig.run("backup", "list")["backups"]
    assert made["complete"]
    data = client.get(f"{HOME}/{made['file']}").content
    assert data == rig.path(f"backups/{made['file']}").read_bytes()
    assert client.get(f"{HOME}/..%2Fidentity.db").status_code == 404


def test_backup_without_any_content_is_marked_and_not_made(rig, client):
    page = send(client, HOME, operation="page:1")
    assert page.status_code == 422
    assert 'id="contents-wrong"' in page.text
    assert rig.run("backup", "list") == {"backups": []}


def test_backup_is_removed_unless_it_is_in_use(rig, client):
    made = rig.run("backup", "create", "--operation", "b")["file"]
    rig.run("backup", "hold", made)
    assert send(client, f"{HOME}/{made}/remove").status_code == 409
    rig.run("backup", "release", made)
    assert send(client, f"{HOME}/{made}/remove").status_code == 200
    assert rig.run("backup", "list") == {"backups": []}
    assert rig.box.disk.list("backups") == []
    assert send(client, f"{HOME}/{made}/remove").status_code == 409


JOB = {
    "name": "nightly", "kind": "backup", "report_to": "", "unit": "week", "every": "2",
    "date": "2026-03-02", "time": "02:30", "keep": "4", "contents": ["core", "calls"],
}  # fmt: skip


def test_job_is_added_changed_started_and_removed_on_the_page(rig, client):
    assert send(client, f"{HOME}/jobs", **JOB).status_code == 200
    (job,) = rig.run("backup", "jobs")["jobs"]
    assert (job["repeat_unit"], job["repeat_every"]) == ("week", 2)
    assert (job["start"], job["contents"]) == ("2026-03-02T02:30", ["core", "calls"])
    assert send(client, f"{HOME}/jobs/nightly", **JOB | {"keep": "7"}).status_code == 200
    assert rig.run("backup", "jobs")["jobs"][0]["keep"] == 7
    assert send(client, f"{HOME}/jobs/nightly/start").status_code == 200
    rig.box.calendar.await_quiet()
    assert [one["job"] for one in rig.run("backup", "list")["backups"]] == ["nightly"]
    send(client, f"{HOME}/jobs/nightly/remove")
    assert rig.run("backup", "jobs") == {"jobs": []}
    assert client.get(f"{HOME}/jobs/nightly").status_code == 404


@pytest.mark.parametrize(
    ("typed", "marked"),
    [
        ({"name": "a b"}, "name"),
        ({"every": "0"}, "every"),
        ({"every": "<b>"}, "every"),
        ({"keep": "many"}, "keep"),
        ({"date": "2026-02-30"}, "start"),
        ({"time": ""}, "start"),
        ({"date": "", "time": ""}, "start"),
        ({"report_to": "somebody"}, "report_to"),
        ({"contents": []}, "contents"),
        ({"contents": ["phones"]}, "contents"),
        ({"unit": "year"}, "unit"),
    ],
)
def test_wrong_field_of_a_job_is_marked_and_what_was_typed_stays(rig, client, typed, marked):
    page = send(client, f"{HOME}/jobs", **JOB | typed)
    assert page.status_code == 422
    assert f'id="{marked}-wrong"' in page.text
    for field in ("name", "every", "keep", "date", "time", "report_to"):
        value = html.escape((JOB | typed)[field])
        assert f'name="{field}" value="{value}"' in page.text
    assert rig.run("backup", "jobs") == {"jobs": []}


def test_wrong_field_of_a_job_that_is_there_leaves_it_as_it_was(rig, client):
    rig.run("jobs", "add", "--name", "there", "--unit", "manual")
    before = rig.run("backup", "jobs")
    page = send(client, f"{HOME}/jobs/there", **JOB | {"keep": "many"})
    assert page.status_code == 422
    assert 'name="keep" value="many"' in page.text
    assert rig.run("backup", "jobs") == before


def test_running_job_is_seen_and_locks(rig, client):
    rig.run("jobs", "add", "--name", "large", "--unit", "manual", "--takes", "60")
    rig.run("jobs", "start", "large")
    rig.box.calendar.await_quiet()
    for path in (HOME, f"{HOME}/jobs"):
        page = client.get(path)
        assert "<progress" in page.text
        assert 'http-equiv="refresh"' in page.text
    page = send(client, HOME, operation="page:2", contents=["core"])
    assert page.status_code == 409
    rig.run("backup", "cancel")
    rig.box.calendar.await_quiet()
    assert "<progress" not in client.get(HOME).text


@pytest.mark.covers("D7")
def test_listed_backup_is_looked_into_and_restored_after_a_confirmation(rig, client):
    digest = rig.run("content", "digest")
    made = rig.run("backup", "create", "--operation", "b")["file"]
    rig.run("users", "remove", "1001")
    rig.run("calls", "emulate", "3")
    changed = rig.run("content", "digest")
    page = client.get(f"{HOME}/restore", params={"file": made})
    assert "Angemeldete Benutzer: <strong>1</strong>" in page.text
    assert "aktive Gespräche: <strong>3</strong>" in page.text
    page = send(client, f"{HOME}/restore", file=made, keep_licences="1")
    assert page.status_code == 422
    assert 'id="confirmed-wrong"' in page.text
    assert re.search(r'name="keep_licences" value="1" checked', page.text)
    assert rig.run("content", "digest") == changed
    send(client, f"{HOME}/restore", file=made, confirmed="1")
    assert rig.run("content", "digest") == digest


@pytest.mark.covers("D7")
@pytest.mark.parametrize("kept", [True, False])
def test_upload_is_restored_with_or_without_network_and_licences(bench, rig, client, kept):
    data = backup_of(bench.boot("pbx2"))
    before = rig.run("status")
    page = upload(client, data)
    assert rig.run("status")["user_count"] == before["user_count"]
    fields = {"keep_licences": "1", "ignore_address": "1"} if kept else {}
    page = send(client, f"{HOME}/restore", upload=key_of(page), confirmed="1", **fields)
    after = rig.run("status")
    assert after["user_count"] == 1
    for part in ("network", "licences"):
        assert (after[part] == before[part]) is kept
    assert (f"http://{after['network']['address']}/" in page.text) is not kept
    assert rig.box.disk.list("incoming") == []


def test_upload_belongs_to_the_session_that_brought_it(bench, rig, client):
    page = upload(client, backup_of(bench.boot("pbx2")))
    stranger = browser(rig)
    fields = {"upload": key_of(page), "confirmed": "1"}
    before = rig.run("content", "digest")
    assert send(stranger, f"{HOME}/restore", **fields).status_code == 409
    shown = stranger.get(f"{HOME}/restore", params={"upload": key_of(page)})
    assert shown.status_code == 409
    assert rig.run("content", "digest") == before
    assert len(rig.box.disk.list("incoming")) == 1


def test_upload_that_nobody_confirms_is_removed(bench, rig, client):
    page = upload(client, backup_of(bench.boot("pbx2")))
    rig.box.calendar.await_quiet()
    rig.box.calendar.set(rig.box.calendar.now() + KEPT_FOR + timedelta(seconds=1))
    rig.box.calendar.await_quiet()
    assert rig.box.disk.list("incoming") == []
    assert send(client, f"{HOME}/restore", upload=key_of(page), confirmed="1").status_code == 409


def test_newer_upload_takes_the_place_of_an_older_one(bench, rig, client):
    data = backup_of(bench.boot("pbx2"))
    first = key_of(upload(client, data))
    second = key_of(upload(client, data))
    assert rig.box.disk.list("incoming") == [f"{second}.upload"]
    assert client.get(f"{HOME}/restore", params={"upload": first}).status_code == 409
    assert client.get(f"{HOME}/restore", params={"upload": second}).status_code == 200


def test_upload_is_gone_after_a_reboot(bench, rig, client):
    upload(client, backup_of(bench.boot("pbx2")))
    rig.appliance.shutdown()
    assert bench.boot("pbx1").box.disk.list("incoming") == []


@pytest.mark.covers("I2")
def test_what_is_no_backup_is_refused_in_words_and_does_not_stay(rig, client):
    page = upload(client, b"x" * 99)
    assert page.status_code == 409
    assert 'role="alert"' in page.text
    assert "Das ist kein unversehrtes Backup" in page.text
    assert rig.box.disk.list("incoming") == []


def test_missing_file_is_marked(client):
    page = send(client, f"{HOME}/restore/upload")
    assert page.status_code == 422
    assert 'id="backup-wrong"' in page.text


def test_name_of_an_uploaded_file_is_shown_harmlessly(bench, client):
    page = upload(client, backup_of(bench.boot("pbx2")), "<script>x.sar")
    assert "&lt;script&gt;" in page.text
    assert "<script>x" not in page.text


def test_backup_that_would_be_refused_says_so_before(bench, rig, client, settings):
    other = bench.boot("pbx2")
    other.appliance.parts.identity.change(
        lambda facts: type(facts).load(facts.dump().replace("8.1.2.5", "8.1.2.6"))
    )
    page = upload(client, backup_of(other))
    assert page.status_code == 200
    assert "8.1.2.6" in page.text
    assert 'role="alert"' in page.text
    page = send(client, f"{HOME}/restore", upload=key_of(page), confirmed="1")
    assert page.status_code == 409
    assert rig.box.disk.list("incoming") == []
