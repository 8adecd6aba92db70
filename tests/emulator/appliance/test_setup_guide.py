"""The guided set-up: which of the five steps belongs where, what is done, what is next."""

from __future__ import annotations

import re

import pytest

from emulator.appliance.entities import Entity


def put_module(rig, **values):
    body = {"active": True, "values": values}
    rig.appliance.parts.content.put([Entity("modules", "redundanz", body)])


def steps(page) -> list[tuple[str, str]]:
    """Number and state of each step, as a person reads them."""
    items = re.findall(r"<li[^>]*>(.*?)</li>", page.text.split('class="steps"', 1)[1], re.DOTALL)
    found = []
    for item in items:
        number = re.search(r"Schritt (\d)", item)
        state = re.search(r"erledigt|als Nächstes|offen|auf der anderen Anlage", item)
        if number and state:
            found.append((number[1], state[0]))
    return found


@pytest.fixture
def boxes(bench):
    """Two boxes as `up --bare` leaves them."""
    active, standby = bench.boot("pbx1"), bench.boot("pbx2")
    for rig, gone in ((active, {"module"}), (standby, {"server", "user", "module"})):
        for one in rig.run("licences", "list")["licences"]:
            if one["kind"] in gone:
                rig.run("licences", "remove", one["fingerprint"])
    return active, standby


@pytest.mark.covers("R16", "R17", "R38")
def test_box_that_nobody_has_configured_may_become_either(boxes, visiting):
    active, _ = boxes
    page = visiting(active).get("/admin/setup")
    assert "Noch ist nicht gesagt" in page.text
    assert steps(page) == [(number, "offen") for number in "1223455"]


@pytest.mark.covers("R16", "R17", "R18", "R37")
def test_active_is_led_through_its_three_steps(boxes, visiting, settings):
    active, _ = boxes
    admin = visiting(active)
    hint = admin.get("/admin/licences").text
    assert "auf der aktiven Anlage" in hint
    assert "auf der Standby-Anlage" in hint
    active.run("licences", "install", stdin=settings.pbx1["licences"][2].encode())
    assert steps(admin.get("/admin/setup"))[0] == ("1", "erledigt")
    put_module(active, licence_key=settings.pbx1["licences"][0])
    page = admin.get("/admin/setup")
    assert steps(page)[:4] == [
        ("1", "erledigt"),
        ("2", "erledigt"),
        ("2", "als Nächstes"),
        ("3", "offen"),
    ]
    assert {state for _, state in steps(page)[4:]} == {"auf der anderen Anlage"}
    put_module(active, licence_key=settings.pbx1["licences"][0], standby_server="198.18.7.20")
    assert "Schritt 3" in admin.get("/admin/backups").text
    active.run("backup", "create", "--operation", "first")
    assert "Schritt 3" not in admin.get("/admin/backups").text
    assert "Weiter geht es auf der Standby-Anlage mit Schritt 4" in admin.get("/admin/setup").text


@pytest.mark.covers("R16", "R38", "R39", "R40")
def test_standby_is_led_through_its_two_steps(boxes, visiting, settings):
    active, standby = boxes
    admin = visiting(standby)
    standby.run("licences", "install", stdin="\n".join(settings.pbx2["licences"]).encode())
    put_module(standby, licence_key=settings.pbx1["licences"][0])
    page = admin.get("/admin/setup")
    assert "ist die <strong>Standby-Anlage</strong>" in page.text
    assert steps(page)[4:] == [("4", "erledigt"), ("5", "erledigt"), ("5", "als Nächstes")]
    active.run("epoch", "open", "--operation", "first", "--epoch", "1")
    made = active.run("backup", "create", "--operation", "first")
    data = active.path(f"backups/{made['file']}").read_bytes()
    standby.run("initialise", "--size", str(len(data)), stdin=data)
    put_module(standby, licence_key=settings.pbx1["licences"][0])
    page = admin.log_in("0001", settings.credentials.password)
    assert "kann bei einem Ausfall übernehmen" in admin.get("/admin/setup").text


def test_guide_speaks_english(boxes, visiting):
    page = visiting(boxes[0]).get("/admin/setup?lang=en")
    assert "Install the module licence" in page.text
    assert "Modullizenz" not in page.text
