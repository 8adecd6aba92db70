"""The addresses of this box on its LAN port, and the check before one is taken (RFC 5227)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from emulator.appliance.records import Facts
from emulator.appliance.reports import report
from emulator.ports import Interface, Machine

PROBES = 3  # RFC 5227 section 2.1.1, PROBE_NUM
ANSWER_S = 0.5  # what an answer needs to leave this box
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
        self._applying = threading.Lock()
        self._decisions = 0  # whoever listened before it decides is overruled by what came later
        self.taken_by: dict[str, str] = {}

    def holds(self, address: str) -> bool:
        """Tell whether the port has an address."""
        return address in dict(self._held)

    def announce(self) -> None:
        """Announce every address that the port has (RFC 5227 section 2.3)."""
        for address, _ in self._held:
            self._machine.network.announce(address)

    def hold(self, facts: Facts) -> None:
        """Take the addresses; whoever calls has made sure that they are free, or need not."""
        decision = self._decide()
        self.taken_by = {}
        self._apply(interface(facts), decision)

    def let_go(self, facts: Facts) -> None:
        """Give all addresses up; the port stays in service."""
        self._apply(replace(interface(facts), addresses=()), self._decide())

    def occupy(self, facts: Facts) -> None:
        """Take the addresses; with `boot_address_check` only those that nobody else holds (D10)."""
        wanted = interface(facts)
        if not facts.boot_address_check:
            self.hold(facts)
            return
        decision = self._decide()
        kept = tuple(one for one in wanted.addresses if one in self._held)
        self._apply(replace(wanted, addresses=kept), decision)  # the port must be up to ask
        taken_by: dict[str, str] = {}
        for address, _ in wanted.addresses:
            mac = self._look(address) if address not in dict(kept) else None
            if mac is not None:
                taken_by[address] = mac
        free = tuple(one for one in wanted.addresses if one[0] not in taken_by)
        if self._apply(replace(wanted, addresses=free), decision):
            self.taken_by = taken_by

    def occupy_soon(self, current: Callable[[], Facts]) -> None:
        """Take the addresses as they are then, when an answer has gone out by the old ones."""

        def change() -> None:
            self._machine.stopwatch.sleep(ANSWER_S)
            self.occupy(current())
            self.announce()

        self._machine.start("address", change)

    def _look(self, address: str) -> str | None:
        for _ in range(PROBES):
            macs = self._machine.network.probe(address, PROBE_S)
            if macs:
                mac = min(macs)
                report(self._machine, "address.conflict", address=address, mac=mac)
                return mac
        return None

    def _decide(self) -> int:
        with self._applying:
            self._decisions += 1
            return self._decisions

    def _apply(self, wanted: Interface, decision: int) -> bool:
        with self._applying:
            if decision != self._decisions:
                return False
            self._machine.network.apply(wanted)
            self._held = wanted.addresses
            return True
