"""Restart, shutdown and update by page: asked first, done after the answer."""

from __future__ import annotations

import pytest


@pytest.fixture
def rig(bench):
    return bench.boot("pbx1")


@pytest.fixture
def admin(rig, visiting):
    return visiting(rig)


def settle(rig):
    for thread in rig.box.threads:
        if thread.name == "power":
            thread.join(10)


@pytest.mark.parametrize(
    ("name", "order", "words"),
    [
        ("restart", "restart", "Die Dienste starten neu."),
        ("shutdown", "power off", "Die Anlage fährt herunter."),
    ],
)
def test_power_is_asked_about_then_done(rig, admin, name, order, words):
    assert f'action="/admin/status/{name}"' in admin.get(f"/admin/status/{name}").text
    assert rig.orders == []
    page = admin.post(f"/admin/status/{name}")
    assert page.status_code == 202
    assert words in page.text
    settle(rig)
    assert rig.orders == [order]


def test_what_would_be_broken_off_is_said_before(rig, admin):
    rig.run("calls", "emulate", "3")
    page = admin.get("/admin/status/shutdown").text
    assert "aktive Gespräche: <strong>3</strong>" in page
    assert "Es wird gerade ein Backup geschrieben." not in page
    rig.run("jobs", "add", "--name", "slow", "--unit", "manual", "--keep", "1", "--takes", "20")
    rig.run("jobs", "start", "slow")
    rig.box.calendar.await_quiet()
    assert "Es wird gerade ein Backup geschrieben." in admin.get("/admin/status/shutdown").text


@pytest.mark.parametrize("second", ["restart", "shutdown"])
@pytest.mark.parametrize("first", ["restart", "shutdown"])
def test_a_second_order_is_too_late(rig, admin, first, second):
    assert admin.post(f"/admin/status/{first}").status_code == 202
    page = admin.post(f"/admin/status/{second}")
    assert page.status_code == 409
    assert "Die Anlage endet schon." in page.text
    settle(rig)
    assert rig.orders == ["power off" if first == "shutdown" else first]


def test_an_update_that_was_refused_is_no_order(rig, admin):
    assert admin.post("/admin/status/update", version="8").status_code == 409
    assert admin.post("/admin/status/update", version="8.1.2.6").status_code == 202
    assert admin.post("/admin/status/update", version="8.1.2.7").status_code == 409
    assert rig.run("status")["version"] == "8.1.2.6"
    settle(rig)


def test_forged_shutdown_does_nothing(rig, admin):
    admin.token = "0" * 48
    assert admin.post("/admin/status/shutdown").status_code == 403
    settle(rig)
    assert rig.orders == []


@pytest.mark.covers("R10")
def test_update_by_page_restarts_with_the_new_version(rig, admin):
    page = admin.post("/admin/status/update", version="8.1.2.6")
    assert page.status_code == 202
    assert rig.run("status")["version"] == "8.1.2.6"
    settle(rig)
    assert rig.orders == ["restart"]


@pytest.mark.parametrize("version", ["8.1.2.4", "8.1", '"><b>'])
def test_update_that_cannot_be_says_why_and_keeps_what_was_typed(rig, admin, version):
    page = admin.post("/admin/status/update", version=version)
    assert page.status_code == 409
    assert 'role="alert"' in page.text
    assert "<b>" not in page.text
    assert version[:3] in page.text or "&#34;&gt;" in page.text
    settle(rig)
    assert rig.orders == []
