"""The switch of a simulated lab (`emulator.lab.Wire`)."""

from __future__ import annotations

from emulator.lab import LabError
from emulator.sim.site import Site


class SimWire:
    """Cables, and the recording of what crosses the LAN."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def capture(self) -> None:
        """Start to record ARP on the whole LAN."""
        self._site.lan.capture()

    def pcap(self) -> bytes:
        """Stop and return the recording in pcap form."""
        return self._site.lan.recording()

    def carrier(self, node: str, *, up: bool) -> None:
        """Plug a node's cable in or out.

        Raises:
            LabError: there is no such node.
        """
        station = self._site.lan.stations.get(node)
        if station is None:
            raise LabError(f"there is no node {node} on this LAN")
        self._site.lan.carrier(station, up=up)
        self._site.happened(node, "wire", "carrier", "", {"up": up})
