"""The standby restarts, moves to another address, and is shut down, by its own pages."""

from __future__ import annotations

import ipaddress

from desk import Desk, Pair
from playwright.sync_api import expect

NETWORK = "/admin/network"
STATUS = "/admin/status"


def the_standby_leaves(desk: Desk, pair: Pair) -> None:
    """Do all three; the browser follows where there is somewhere to follow to."""
    page, old = desk.browser(), pair.address("pbx2")
    desk.open(page, old, STATUS)
    page.get_by_role("link", name="Dienste neu starten").click()
    page.get_by_role("button", name="Dienste neu starten").click()
    expect(page.get_by_role("status")).to_contain_text("versucht es von selbst wieder")
    desk.look_at_leaving(page, "power-restart")
    page.wait_for_url(f"http://{old}/login?**")
    desk.log_in(page)
    new = str(ipaddress.IPv4Address(old) + 1)
    desk.open(page, old, NETWORK)
    page.get_by_label("IPv4-Adresse").fill(new)
    page.get_by_role("button", name="Übernehmen").click()
    expect(page.locator("h1")).to_have_text("Die Anlage zieht um")
    desk.look_at_leaving(page, "network-moving")
    page.wait_for_url(f"http://{new}/login?**")
    desk.log_in(page)
    desk.open(page, new, f"{STATUS}/shutdown")
    page.get_by_role("button", name="Anlage herunterfahren").click()
    expect(page.get_by_role("status")).to_contain_text("Sie können diese Seite schließen")
    desk.look_at_leaving(page, "power-shutdown")
    pair.lab.appliance("pbx2").await_off()
