"""The five steps by hand: the active with a keyboard alone, the standby without a script."""

from __future__ import annotations

import re
from pathlib import Path

from desk import Desk, Keyboard, Pair
from playwright.sync_api import expect

LABELS = ["Allgemein", "Einstellungen", "Standby-Einstellungen", "Standby-Import"]


def the_active_by_keyboard(desk: Desk, pair: Pair, folder: Path) -> Path:
    """Do steps 1 to 3 with Tab and Enter alone, following the guide."""
    page, known = desk.browser(), pair.access["pbx1"]
    keys = Keyboard(page)
    page.goto(f"http://{pair.address('pbx1')}/")
    expect(page.get_by_label("Benutzer")).to_be_focused()
    keys.type(known.login)
    keys.fill("Passwort", known.password)
    keys.enter_key()
    keys.press("Einrichtung der Redundanz")
    keys.press("Öffnen: Modullizenz einspielen")
    expect(page.locator(".hint")).to_contain_text("Schritt 1: auf der aktiven Anlage")
    keys.fill("Schlüssel, einer je Zeile", pair.licence("pbx1", 2)[:-1] + "?")
    keys.press("Einspielen")
    expect(page.locator("[aria-invalid=true]")).to_have_attribute(
        "aria-describedby", "keys-hint keys-wrong"
    )
    desk.look(page, "licence-wrong")
    keys.fill("Schlüssel, einer je Zeile", pair.licence("pbx1", 2))
    keys.press("Einspielen")
    keys.press("Einrichtung der Redundanz")
    keys.press("Öffnen: Modulkonfiguration anlegen: Einstellungen")
    expect(page.locator("main nav.tabs a")).to_have_text(LABELS)
    _settings(keys, known.server_key)
    expect(page.get_by_role("status")).to_contain_text("Gespeichert.")
    keys.press("Einrichtung der Redundanz")
    keys.press("Öffnen: Modulkonfiguration: Standby-Einstellungen")
    keys.fill("Passwort", pair.access["pbx2"].root_password)
    keys.fill("Server", pair.address("pbx2"))
    keys.press("Speichern")
    expect(page.get_by_text("SHA256:")).to_be_visible()
    desk.look(page, "confirm-key")
    keys.press("Fingerabdruck bestätigen und speichern")
    keys.press("Einrichtung der Redundanz")
    keys.press("Öffnen: Vollständiges Backup erstellen")
    keys.press("Backup erstellen")
    keys.reach(page.locator("td a.mono").first.inner_text())
    with page.expect_download() as coming:
        page.keyboard.press("Enter")
    file = folder / coming.value.suggested_filename
    coming.value.save_as(file)
    keys.press("Einrichtung der Redundanz")
    expect(page.get_by_text("Weiter geht es auf der Standby-Anlage mit Schritt 4.")).to_be_visible()
    return file


def _settings(keys: Keyboard, server_key: str) -> None:
    """Fill in *Einstellungen*, with a mistake at first."""
    keys.fill("Lizenzschlüssel", server_key)
    keys.reach("Start")
    keys.type("05052030")
    keys.reach("Zeit")
    keys.type("0230a")  # the last for browsers that count to twelve
    keys.press("Speichern")
    wrong = keys.page.locator("[aria-invalid=true]")
    expect(wrong).to_have_count(1)
    expect(wrong).to_have_accessible_description(re.compile("Genau eine"))
    expect(keys.page.get_by_label("Lizenzschlüssel")).to_have_value(server_key)
    keys.fill("E-Mail-Adresse", "office@example.com")
    keys.press("Speichern")


def the_standby_without_script(desk: Desk, pair: Pair, file: Path) -> None:
    """Do steps 4 and 5 in a browser without JavaScript, following the guide."""
    page, address = desk.browser(script=False), pair.address("pbx2")
    desk.open(page, address, "/admin/setup")
    page.get_by_role("link", name="Öffnen: Redundanzlizenzen einspielen").click()
    expect(page.locator(".hint")).to_contain_text("Schritt 4: auf der Standby-Anlage")
    page.get_by_label("Schlüssel").fill("\n".join(pair.access["pbx2"].licence_keys))
    page.get_by_role("button", name="Einspielen", exact=True).click()
    page.get_by_role("link", name="Einrichtung der Redundanz").click()
    page.get_by_role("link", name="Öffnen: Modulkonfiguration anlegen: Einstellungen").last.click()
    page.get_by_label("Lizenzschlüssel").fill(pair.access["pbx1"].server_key)
    page.get_by_label("E-Mail-Adresse").fill("office@example.com")
    page.get_by_label("Start", exact=True).fill("2030-05-05")
    page.get_by_label("Zeit", exact=True).fill("02:30")
    page.get_by_role("button", name="Speichern").click()
    expect(page.get_by_role("status")).to_contain_text("Gespeichert.")
    page.get_by_role("link", name="Einrichtung der Redundanz").click()
    page.get_by_role("link", name="Öffnen: Standby-Import").click()
    page.get_by_role("button", name="Hochladen").click()
    expect(page.get_by_label("Backup", exact=True)).to_have_accessible_description(
        re.compile("ersetzt alle Daten.*Bitte eine Sicherungsdatei")
    )
    page.get_by_label("Backup", exact=True).set_input_files(file)
    page.get_by_role("button", name="Hochladen").click()
    expect(page.get_by_role("status")).to_contain_text("Ab jetzt kann diese Anlage die aktive")
    desk.open(page, address, "/admin/setup")
    expect(page.get_by_role("status")).to_contain_text("kann bei einem Ausfall übernehmen")
