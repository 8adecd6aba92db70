"""Admin > Server > Netzwerk: the address of this appliance (R9, R57 b and e)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from ipaddress import IPv4Address
from typing import Any

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue

from emulator.appliance.records import NetworkSettings
from emulator.appliance.web.fields import Wrong, wrong_network_fields
from emulator.appliance.web.frame import WebFrame

PATH = "/admin/network"
FIELDS = ("method", "address", "prefix", "gateway", "dns")
LISTEN_S = 1.0
ANSWER_S = 1.0  # until the browser has the answer
FOLLOW_S = 5


def network_pages(frame: WebFrame) -> Blueprint:
    """Return the page of the network settings."""
    pages = Blueprint("network", __name__, url_prefix=PATH)
    views = _Network(frame)
    pages.get("")(views.show)
    pages.post("")(views.change)
    return pages


class _Network:
    """The views."""

    def __init__(self, frame: WebFrame) -> None:
        self._frame = frame

    def show(self) -> ResponseReturnValue:
        network = self._frame.parts.identity.facts().network
        return self._page({**asdict(network), "dns": ", ".join(network.dns)}, {})

    def change(self) -> ResponseReturnValue:
        """Change the settings once the answer has been given: it still goes to the old address."""
        typed = {name: request.form.get(name, "").strip() for name in FIELDS}
        present = self._frame.parts.identity.facts().network
        wrong = dict(wrong_network_fields(typed, self._frame.say))
        if not wrong:
            wrong |= self._taken(typed["address"], present)
        if wrong:
            return self._page(typed, wrong), 422
        wanted = _settings(typed, present)
        if wanted == present:
            return redirect(PATH, 303)
        machine, takeovers = self._frame.parts.machine, self._frame.parts.takeovers

        def move() -> None:
            machine.stopwatch.sleep(ANSWER_S)
            takeovers.set_network(wanted)

        page = render_template(
            "network_moving.html",
            refresh_s=FOLLOW_S,
            refresh_to=self._frame.elsewhere(wanted.address, PATH),
        )
        machine.start("network", move)
        return page, 202

    def _taken(self, address: str, present: NetworkSettings) -> Wrong:
        """Return that somebody else has an address, and who: it would be a conflict (R58)."""
        if address == present.address:
            return {}
        macs = self._frame.parts.machine.network.probe(address, LISTEN_S)
        if not macs:
            return {}
        german = f"Diese Adresse hat schon ein anderes Gerät: {min(macs)}."
        english = f"Another device has this address already: {min(macs)}."
        return {"address": self._frame.say(german, english)}

    def _page(self, typed: Mapping[str, Any], wrong: Wrong) -> str:
        facts = self._frame.parts.identity.facts()
        return render_template(
            "network.html", typed=typed, wrong=wrong, given_up=facts.network_given_up
        )


def _settings(typed: Mapping[str, str], present: NetworkSettings) -> NetworkSettings:
    """Return what was typed; with DHCP the box keeps the address that it has, as leased."""
    if typed["method"] == "dhcp":
        return replace(present, method="dhcp")
    dns = tuple(str(IPv4Address(one)) for one in typed["dns"].replace(",", " ").split())
    gateway = str(IPv4Address(typed["gateway"])) if typed["gateway"] else ""
    address = str(IPv4Address(typed["address"]))
    return NetworkSettings("static", address, int(typed["prefix"]), gateway, dns)
