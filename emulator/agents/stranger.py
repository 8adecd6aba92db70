"""A foreign device on the LAN, an ordinary kernel with an address that is not its own (F4)."""

from __future__ import annotations

from emulator.addressing import STRANGER, Station, mac_of
from emulator.agents.namespace import NetworkNamespace, run_ip
from emulator.agents.switch import Switch


class Strangers:
    """Room for one foreign device.

    Args:
        switch: where it is plugged in.
        lab: the lab's name; the device's MAC follows from it.
        prefix: the length of the LAN's prefix.
    """

    def __init__(self, switch: Switch, lab: str, prefix: int) -> None:
        self._switch = switch
        self._mac = mac_of(lab, STRANGER)
        self._prefix = prefix
        self._present: tuple[Station, NetworkNamespace] | None = None

    def welcome(self, address: str) -> str:
        """Plug the device in with an address; its MAC.

        Raises:
            ValueError: it is there already.
        """
        if self._present is not None:
            raise ValueError("a foreign device is on the LAN already: end that fault first")
        host = int(address.rpartition(".")[2])
        station = Station(f"{STRANGER}-{host}", -host, address, self._mac)
        namespace = NetworkNamespace()
        self._switch.furnish({station: namespace}, self._prefix)
        self._present = station, namespace
        return self._mac

    def expel(self) -> None:
        """Take it away."""
        if self._present is not None:
            station, _ = self._present
            self._present = None
            run_ip(f"link del {self._switch.cable(station)}")
