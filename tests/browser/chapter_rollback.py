"""The rollback through all seven steps of R57, on both appliances, in German."""

from __future__ import annotations

from pathlib import Path

from desk import Desk, Pair
from playwright.sync_api import Page, expect

from scenarios.operating import sync_now

PAGE = "/admin/advanced/redundancy/rollback"
BACKUPS = "/admin/backups"
IMPORT = "/admin/modules/redundanz/standby-import"
END = "[data-live=end][role=status]"
PROTECTED = "Das Paar ist wieder geschützt."


def the_rollback(desk: Desk, pair: Pair, folder: Path) -> None:
    """Bring the original back; the last step needs nobody."""
    file = _the_acting_one_leaves(desk, pair, folder)
    pair.lab.appliance("pbx1").boot()
    original = _the_original_serves_again(desk, pair, file)
    pair.lab.appliance("pbx2").boot()
    _the_standby_is_set_up_again(desk, pair, folder)
    _the_pair_is_protected(desk, pair, original)


def _the_acting_one_leaves(desk: Desk, pair: Pair, folder: Path) -> Path:
    """Do (a) to (c); the browser follows to the own address of the acting appliance."""
    page, own = desk.browser(), pair.address("pbx2")
    desk.open(page, pair.address("pbx1"), PAGE)
    _press(page, "Sicherung erstellen")
    file = desk.download(page, page.locator("dd a"), folder)
    desk.look(page, "rollback-b")
    _press(page, "Adresse wechseln")
    expect(page.get_by_role("status")).to_contain_text(own)
    desk.look_at_leaving(page, "rollback-moves")
    page.wait_for_url(f"http://{own}/login?**")
    desk.log_in(page)
    _press(page, "Herunterfahren")
    expect(page.get_by_role("status")).to_contain_text("fährt herunter")
    desk.look_at_leaving(page, "rollback-ends")
    pair.lab.appliance("pbx2").await_off()
    return file


def _the_original_serves_again(desk: Desk, pair: Pair, file: Path) -> Page:
    """Do (d) to (f); the page that is left open waits for (g)."""
    page, address = desk.browser(), pair.address("pbx1")
    desk.open(page, address, f"{BACKUPS}/restore")
    page.get_by_label("Datei (.sar)").set_input_files(file)
    page.get_by_role("button", name="Hochladen und ansehen").click()
    page.get_by_label("Lizenzen behalten").check()
    desk.look(page, "restore-confirm")
    page.get_by_label("Ja, die Daten dieser Anlage ersetzen").check()
    _press(page, "Jetzt einspielen")
    expect(page.get_by_role("status")).to_contain_text("sind jetzt die Daten dieser Anlage")
    desk.look(page, "restored")
    desk.open(page, address, PAGE)
    _press(page, "Prüfen")
    _press(page, "Wieder aktive Anlage werden")
    desk.look(page, "rollback-f")
    _press(page, "Telefone sind neu gestartet")
    expect(page.locator("[aria-current=step]")).to_contain_text("(g) Redundanz wieder einrichten")
    return page


def _the_standby_is_set_up_again(desk: Desk, pair: Pair, folder: Path) -> None:
    """Bring a full backup of the active across by hand, as in step 5 of the set-up."""
    active, standby = desk.browser(), desk.browser()
    desk.open(active, pair.address("pbx1"), BACKUPS)
    _press(active, "Backup erstellen")
    file = desk.download(active, active.locator("td a.mono").first, folder)
    desk.open(standby, pair.address("pbx2"), IMPORT)
    standby.get_by_label("Backup", exact=True).set_input_files(file)
    standby.get_by_role("button", name="Hochladen").click()
    expect(standby.get_by_role("status")).to_contain_text("Ab jetzt kann diese Anlage die aktive")


def _the_pair_is_protected(desk: Desk, pair: Pair, original: Page) -> None:
    """A run ends it: pages that are open or opened say so, on both boxes, without a click."""
    assert sync_now(pair.lab)["outcome"] == "succeeded"
    for node in ("pbx1", "pbx2"):
        page = desk.browser(script=False)
        desk.open(page, pair.address(node), PAGE)
        assert PROTECTED in page.locator(END).inner_text()
        desk.look(page, f"rollback-finished-{node}")
    expect(original.locator(END)).to_contain_text(PROTECTED)
    expect(original.locator("main form")).to_have_count(0)


def _press(page: Page, name: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=name).click()
