"""How a station's kernel treats its neighbours: what a device's ARP cache is made of."""

from __future__ import annotations

import json
import math
import subprocess

from emulator.agents.namespace import NetworkNamespace, run_ip

CACHE = "ntable change name arp_cache dev eth0"
DEAF = """\
table netdev station {{
  chain deaf {{
    type filter hook ingress device "eth0" priority 0;
    arp daddr ip != {address} drop
  }}
}}
"""


class Neighbourhood:
    """The neighbour table of a station with one port, `eth0`.

    Args:
        namespace: of the station.
        address: its own.
    """

    def __init__(self, namespace: NetworkNamespace, address: str) -> None:
        self._namespace = namespace
        self._address = address
        self._pins = False

    def behave(self, cache_s: float, *, heeds_announcements: bool) -> None:
        """Take a device's manners.

        Args:
            cache_s: an answer is believed for about so long (the kernel draws from half to one
                and a half of it); 0: as the kernel does by itself; infinite: for ever, see `pin`.
            heeds_announcements: ARP that is not addressed to this station counts.
        """
        self._pins = math.isinf(cache_s)
        with self._namespace.entered():
            if cache_s and not self._pins:
                believed_ms = round(cache_s * 1000)
                run_ip(f"{CACHE} base_reachable {believed_ms} gc_stale {believed_ms}")
            if not heeds_announcements:
                rules = DEAF.format(address=self._address)
                subprocess.run(["nft", "-f", "-"], input=rules.encode(), check=True)

    def pin(self, address: str) -> None:
        """Believe what is known of a neighbour until `forget`, if that is the device's manner."""
        mac = self.mac(address)
        if self._pins and mac:
            with self._namespace.entered():
                run_ip(f"neigh replace {address} lladdr {mac} dev eth0 nud permanent")

    def forget(self) -> None:
        """Know no neighbour any more, as after a restart."""
        with self._namespace.entered():
            run_ip("neigh flush dev eth0 nud all")

    def mac(self, address: str) -> str:
        """Return the MAC that a neighbour is believed to have, "" where none is known."""
        with self._namespace.entered():
            argv = ["ip", "-j", "neigh", "show", address, "dev", "eth0"]
            rows = json.loads(subprocess.check_output(argv) or b"[]")
        return str(rows[0].get("lladdr", "")) if rows else ""
