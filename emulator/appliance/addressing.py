"""The addresses of this box on its LAN port, and the check before one is taken (RFC 5227)."""

from __future__ import annotations

from dataclasses import replace

from emulator.appliance.records import Facts
from emulator.appliance.reports import report
from emulator.ports import Interface, Machine

PROBES = 3  # RFC 5227 section 2.1.1, PROBE_NUM
PROBE_S = 0.5  # shorter than RFC 5227's PROBE_MIN: a LAN of one switch answers in milliseconds


def interface(facts: Facts) -> Interface:
    """Return the LAN port as the facts want it; a network that is not settled stays beside."""
    wanted = [facts.network, facts.network_given_up]
    pairs = dict.fromkeys((one.address, one.prefix) for one in wanted if one is not None)
    network = facts.network
    return Interface(facts.mac, tuple(pairs), network.gateway, network.dns)


class Addressing:
    """Brings the LAN port to what the facts say.

    Attributes:
        taken_by: the MAC that holds an address of ours, so that this box stays off it; by
            address.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._held: tuple[tuple[str, int], ...] = ()
        self.taken_by: dict[str, str] = {}

    def hold(self, facts: Facts) -> None:
        """Take the addresses; whoever calls has made sure that they are free, or need not."""
        self.taken_by = {}
        self._apply(interface(facts))

    def occupy(self, facts: Facts) -> None:
        """Take the addresses; with `boot_address_check` only those that nobody else holds (D10)."""
        wanted = interface(facts)
        if not facts.boot_address_check:
            self.hold(facts)
            return
        kept = tuple(one for one in wanted.addresses if one in self._held)
        self._apply(replace(wanted, addresses=kept))  # the port must be up to ask
        self.taken_by = {}
        for address, _ in wanted.addresses:
            if address not in dict(kept):
                self._look(address)
        free = tuple(one for one in wanted.addresses if one[0] not in self.taken_by)
        self._apply(replace(wanted, addresses=free))

    def _look(self, address: str) -> None:
        for _ in range(PROBES):
            macs = self._machine.network.probe(address, PROBE_S)
            if macs:
                mac = min(macs)
                self.taken_by[address] = mac
                report(self._machine, "address.conflict", address=address, mac=mac)
                return

    def _apply(self, wanted: Interface) -> None:
        self._machine.network.apply(wanted)
        self._held = wanted.addresses
