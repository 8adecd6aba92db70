"""What this box does when another claims an address that it holds, and when its link changes.

RFC 5227 section 2.4. An epoch beyond the first is opened only after the address was proved to
be silent: whoever holds one has claimed the address, and defends it, at most every 10 s. A box
of the first epoch keeps its address as a kernel would, without a word; so of an original
active that comes back and the box that took over only one insists (D10).
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.appliance.addressing import Addressing
from emulator.appliance.identity import Identity
from emulator.appliance.records import Facts
from emulator.appliance.reports import report
from emulator.ports import Machine

DEFEND_INTERVAL_S = 10.0  # RFC 5227 section 1.1
QUIET_S = 600.0  # a conflict that comes back after so long is told again
NEVER_S = float("-inf")


class Guard:
    """Hears what others say of this box's addresses (`emulator.ports.Ear`).

    Args:
        alert: tells the module of a conflict: the address, and the other's MAC.
    """

    def __init__(
        self,
        machine: Machine,
        identity: Identity,
        addressing: Addressing,
        alert: Callable[[str, str], None],
    ) -> None:
        self._machine = machine
        self._identity = identity
        self._addressing = addressing
        self._alert = alert
        self._heard_s: dict[tuple[str, str], float] = {}  # a conflict, and when it was last heard
        self._defended_s: dict[str, float] = {}
        self._stopped = False

    def start(self) -> None:
        """Listen from now on, and announce what this box holds (RFC 5227 section 2.3)."""
        self._machine.network.listen(self)
        self._addressing.announce()

    def stop(self) -> None:
        """Change nothing any more: the appliance ends."""
        self._stopped = True

    def claimed(self, address: str, mac: str) -> None:
        """Defend the address if it is ours by a claim; report the conflict once."""
        if self._stopped or not self._addressing.holds(address):
            return
        with self._machine.calendar.hold("an address conflict"):
            now_s = self._machine.stopwatch.now_s()
            if claims(self._identity.facts()):
                self._defend(address, now_s)
            before_s = self._heard_s.get((address, mac), NEVER_S)
            self._heard_s[address, mac] = now_s
            if now_s - before_s > QUIET_S:
                report(self._machine, "address.conflict", "contested", address=address, mac=mac)
                self._alert(address, mac)

    def _defend(self, address: str, now_s: float) -> None:
        if now_s - self._defended_s.get(address, NEVER_S) >= DEFEND_INTERVAL_S:
            self._defended_s[address] = now_s
            self._machine.network.defend(address)

    def linked(self, *, up: bool) -> None:
        """Give the addresses up with the link, and look before they are taken again (F3).

        Without `boot_address_check` they stay, as a kernel would keep them.
        """
        if self._stopped:
            return
        with self._machine.calendar.hold("the link"):
            facts = self._identity.facts()
            if facts.boot_address_check and up:
                self._addressing.occupy(facts)
            elif facts.boot_address_check:
                self._addressing.let_go(facts)
            if up:
                self._addressing.announce()


def claims(facts: Facts) -> bool:
    """Tell whether a box holds its address by a claim, so that it defends it (D10, D14)."""
    return facts.holds_epoch and facts.lineage.epoch > 1
